-- Removes the merged phones of the contacts in import_kept, which keep their own.
UPDATE import_contacts merged
SET phone = NULL, phone_key = NULL, phone_as_given = NULL, phone_extension = NULL, phone_row = NULL,
    phone_worth = kept.phone_worth
FROM import_kept kept
WHERE kept.entity = merged.entity;
