-- The groups of external ids whose rows give a phone but no valid number, with the phone that the id's contact stores.
-- $1: client.
SELECT first_row AS entity, contacts.phone, phone_identifies, groups.phone_worth
FROM import_groups groups
JOIN contacts ON client_id = $1 AND contacts.id = contact_id
WHERE kind = 1 AND groups.phone_worth < 2 AND contacts.phone IS NOT NULL;
