-- Counts contacts that another writer created or changed since the copy and that share an external id, phone or email
-- with a row. The contacts of the import itself do not count. $1: client.
WITH changed AS MATERIALIZED (
    SELECT contacts.external_user_id, lower(contacts.email) AS email,
           CASE WHEN phone_identifies THEN contacts.phone_key END AS phone_key
    FROM contacts
    LEFT JOIN judged_contacts judged ON judged.contact_id = contacts.id
    LEFT JOIN import_groups groups ON groups.contact_id = contacts.id
    LEFT JOIN import_rows rows ON rows.id = contacts.id
    WHERE client_id = $1 AND groups.contact_id IS NULL AND rows.id IS NULL AND (
        contacts.id, contacts.email, contacts.external_user_id, contacts.phone_key, contacts.phone_extension,
        CASE WHEN phone_identifies THEN contacts.phone END
    ) IS DISTINCT FROM (
        judged.contact_id, judged.email, judged.external_user_id, judged.phone_key, judged.phone_extension, judged.phone
    )
)
SELECT count(*) AS count
FROM (
    SELECT 1 FROM changed WHERE external_user_id IN (SELECT external_user_id FROM import_rows)
    UNION ALL
    SELECT 1 FROM changed WHERE phone_key IN (SELECT phone_key FROM import_rows WHERE phone_worth > 0)
    UNION ALL
    SELECT 1 FROM changed WHERE email IN (SELECT lower(email) FROM import_rows)
) AS matching;
