-- Rows after which two contacts of one platform would have the same identity. A contact's identity within its platform
-- is its external id, otherwise its phone, otherwise its email. $1: client, $2: how many rows to return.
--
-- An updated contact must not get the present identity of another updated contact either, for example if two contacts
-- swap their phones. UPDATE checks the unique indexes row by row, so the order of the rows would decide whether it
-- fails. New contacts are inserted after the update, so they can get an identity that an updated contact gives up.
WITH known AS NOT MATERIALIZED (
    SELECT contacts.id AS contact_id, entity, contacts.platform, external_user_id, contacts.phone,
           phone_extension AS extension, phone_identifies AS identifies, contacts.email
    FROM contacts
    LEFT JOIN import_groups groups ON contact_id = contacts.id AND first_row = entity
    WHERE client_id = $1
), merged AS (
    SELECT phone_row, merged.entity, contact_id, coalesce(known.platform, groups.platform) AS platform,
           coalesce(known.external_user_id, merged.external_user_id) AS external_user_id,
           coalesce(merged.phone, known.phone) AS phone,
           CASE WHEN merged.phone IS NULL THEN known.extension ELSE merged.phone_extension END AS extension,
           CASE WHEN merged.phone IS NULL THEN known.identifies ELSE merged.phone_worth > 0 END AS identifies,
           coalesce(merged.email, known.email) AS email
    FROM import_contacts merged
    JOIN import_groups groups ON groups.first_row = merged.entity
    LEFT JOIN known USING (contact_id)
), identified AS NOT MATERIALIZED (
    SELECT row, entity, contact_id, platform,
           CASE
               WHEN external_user_id IS NOT NULL THEN 'id ' || external_user_id
               WHEN phone IS NOT NULL AND identifies THEN 'phone ' || phone || coalesce(';' || extension, '')
               ELSE 'email ' || lower(email)
           END AS identity
    FROM (
        SELECT CASE WHEN external_user_id IS NULL THEN coalesce(phone_row, entity) ELSE entity END AS row,
               entity, contact_id, platform, external_user_id, phone, extension, identifies, email
        FROM merged
        UNION ALL
        SELECT NULL, entity, contact_id, platform, external_user_id, phone, extension, identifies, email
        FROM known
    ) AS contacts
), identities AS (
    -- `row` is null if the contact has the identity only before the import, and `entity` if no row updates it.
    SELECT max(row) AS row, entity, contact_id, platform, identity
    FROM identified
    WHERE entity IS NOT NULL
    GROUP BY entity, contact_id, platform, identity
    UNION ALL
    SELECT * FROM identified WHERE entity IS NULL
), counted AS (
    SELECT row, contact_id, identity,
           count(*) FILTER (WHERE row IS NOT NULL OR entity IS NULL) OVER same AS contacts,
           count(*) OVER same AS contacts_and_former
    FROM identities
    WINDOW same AS (PARTITION BY platform, identity)
)
SELECT row, count(*) OVER () AS count
FROM counted
WHERE row IS NOT NULL AND identity IS NOT NULL
    AND CASE WHEN contact_id IS NULL THEN contacts ELSE contacts_and_former END > 1
ORDER BY row
LIMIT $2;
