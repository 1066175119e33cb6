-- The rows whose phone replaces the phone of an existing contact by one of another line. $1: client, $2: how many rows
-- to return. The contacts that the second pass found stay on their line, so they are left out.
SELECT phone_row AS row, count(*) OVER () AS count
FROM import_contacts merged
JOIN import_groups groups ON groups.first_row = merged.entity
JOIN contacts ON client_id = $1 AND contacts.id = contact_id
WHERE kind <> 2 AND merged.phone IS NOT NULL AND contacts.phone IS NOT NULL
    AND (contacts.phone_key, coalesce(contacts.phone_extension, ''))
        <> (merged.phone_key, coalesce(merged.phone_extension, ''))
ORDER BY phone_row
LIMIT $2;
