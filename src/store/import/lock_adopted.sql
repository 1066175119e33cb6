-- Locks the contacts that adopt an external id, and counts them. Another writer can give such a contact an external id
-- between the pass and this lock. $1: client.
WITH locked AS (
    SELECT 1 FROM contacts
    JOIN import_groups ON adopts AND contact_id = id
    WHERE client_id = $1 AND external_user_id IS NULL
    FOR NO KEY UPDATE OF contacts
)
SELECT (SELECT count(*) FROM import_groups WHERE adopts) AS wanted, (SELECT count(*) FROM locked) AS locked;
