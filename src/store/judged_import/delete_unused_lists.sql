-- Deletes those of the lists that no row names any more, because the lines that name them are not written. $1: client,
-- $2: the lists, which this transaction has made.
DELETE FROM contact_lists
WHERE client_id = $1 AND id = ANY($2)
    AND name <> ALL (ARRAY(SELECT DISTINCT contact_list FROM import_rows WHERE contact_list IS NOT NULL));
