-- Gives the groups in import_kept the phone and the line of their contact. $1: client.
UPDATE import_groups groups
SET phone = contacts.phone, line = phone_key || coalesce(';' || phone_extension, ''), phone_worth = kept.phone_worth
FROM import_kept kept, contacts
WHERE kept.entity = first_row AND client_id = $1 AND contacts.id = contact_id;
