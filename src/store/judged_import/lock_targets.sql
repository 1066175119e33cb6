-- Locks the contacts that the rows update, if they are as they were when the rows were judged. Another writer can change
-- or delete such a contact before this lock. $1: client.
SELECT contacts.id
FROM contacts
JOIN import_groups ON entity = first_row AND contact_id = contacts.id
JOIN judged_contacts judged ON judged.contact_id = contacts.id
WHERE client_id = $1 AND (
    contacts.name, contacts.email, contacts.external_user_id, contacts.phone_key, contacts.phone_extension,
    CASE WHEN phone_identifies THEN contacts.phone END
) IS NOT DISTINCT FROM (
    judged.name, judged.email, judged.external_user_id, judged.phone_key, judged.phone_extension, judged.phone
)
FOR NO KEY UPDATE OF contacts;
