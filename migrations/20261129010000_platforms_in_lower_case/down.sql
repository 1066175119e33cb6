-- The former names are not kept. Older programs read the new ones.
SELECT 1;
