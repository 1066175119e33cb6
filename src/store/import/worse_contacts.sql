-- The existing contacts whose rows give a phone but no valid number, with the phone that the contact stores. Locks
-- them, so that no other writer stores a better phone before the update. $1: client.
SELECT merged.entity, contacts.phone, phone_identifies, merged.phone_worth
FROM import_contacts merged
JOIN import_groups groups ON groups.first_row = merged.entity
JOIN contacts ON client_id = $1 AND contacts.id = contact_id
WHERE merged.phone_worth < 2
FOR NO KEY UPDATE OF contacts;
