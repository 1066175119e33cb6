-- Locks the contacts that adopt an external id. Another writer can give such a contact an external id between the pass
-- and this lock. $1: client.
SELECT contacts.id
FROM contacts
JOIN import_groups ON adopts AND contact_id = contacts.id
WHERE client_id = $1 AND external_user_id IS NULL
FOR NO KEY UPDATE OF contacts;
