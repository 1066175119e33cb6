-- The rows whose contact would get the identity that another contact has, or that another contact gets. A contact's
-- identity within its platform is its external id, otherwise its phone, otherwise its email. $1: client, $2: how many
-- rows to return.
WITH merged AS (
    SELECT entity, phone_row, contact_id, coalesce(contacts.platform, groups.platform) AS platform,
           coalesce(contacts.external_user_id, merged.external_user_id) AS external_user_id,
           coalesce(merged.phone, contacts.phone) AS phone,
           CASE WHEN merged.phone IS NULL THEN contacts.phone_extension ELSE merged.phone_extension END AS extension,
           CASE WHEN merged.phone IS NULL THEN contacts.phone_identifies ELSE merged.phone_worth > 0 END AS identifies,
           coalesce(merged.email, contacts.email) AS email
    FROM import_contacts merged
    JOIN import_groups groups USING (entity)
    LEFT JOIN contacts ON client_id = $1 AND contacts.id = contact_id
    WHERE groups.first_row = entity
), untouched AS (
    SELECT platform, external_user_id, phone, phone_extension AS extension, phone_identifies AS identifies, email
    FROM contacts
    WHERE client_id = $1 AND NOT EXISTS (SELECT FROM import_groups WHERE contact_id = contacts.id)
), identified AS (
    SELECT row, platform,
           CASE
               WHEN external_user_id IS NOT NULL THEN 'id ' || external_user_id
               WHEN phone IS NOT NULL AND identifies THEN 'phone ' || phone || coalesce(';' || extension, '')
               ELSE 'email ' || lower(email)
           END AS identity
    FROM (
        SELECT CASE WHEN external_user_id IS NULL THEN coalesce(phone_row, entity) ELSE entity END AS row, platform,
               external_user_id, phone, extension, identifies, email
        FROM merged
        UNION ALL
        SELECT NULL, * FROM untouched
    ) AS contacts
), counted AS (
    SELECT row, identity, count(*) OVER (PARTITION BY platform, identity) AS contacts FROM identified
)
SELECT row, count(*) OVER () AS count
FROM counted
WHERE row IS NOT NULL AND identity IS NOT NULL AND contacts > 1
ORDER BY row
LIMIT $2;
