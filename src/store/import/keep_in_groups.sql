-- Gives the groups in import_kept the phone and the line of their contact. $1: client.
WITH known AS MATERIALIZED (
    SELECT first_row, contacts.phone, phone_key || coalesce(';' || phone_extension, '') AS line, kept.phone_worth
    FROM import_kept kept
    JOIN import_groups ON first_row = kept.entity
    JOIN contacts ON client_id = $1 AND contacts.id = contact_id
)
UPDATE import_groups groups
SET phone = known.phone, line = known.line, phone_worth = known.phone_worth
FROM known
WHERE known.first_row = groups.first_row;
