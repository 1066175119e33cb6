-- Pass 2: the oldest contact of each phone. The candidates are the touched contacts, which the first pass found or
-- made, and the untouched ones. $1: client.
-- Two indexes find the untouched contacts. The index on the phone finds the contact without an external id, and the
-- index on the match key finds the contacts with one.
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, phone,
    email)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at, min(phone_key) AS phone_key
    FROM import_rows
    WHERE kind = 2
    GROUP BY platform, identity
), touched AS (
    SELECT groups.first_row, entity, contact_id, serial_id, former.created_at, email
    FROM groups
    JOIN import_groups former ON former.platform = groups.platform AND former.phone = groups.identity
), untouched AS (
    SELECT first_row, contacts.id, serial_id, contacts.created_at, email
    FROM groups
    JOIN contacts
        ON client_id = $1 AND contacts.platform = groups.platform AND phone = identity AND external_user_id IS NULL
    UNION ALL
    SELECT first_row, contacts.id, serial_id, contacts.created_at, email
    FROM groups
    JOIN contacts
        ON client_id = $1 AND contacts.platform = groups.platform AND contacts.phone_key = groups.phone_key
        AND phone = identity AND external_user_id IS NOT NULL
), oldest AS (
    SELECT DISTINCT ON (first_row) * FROM (
        SELECT * FROM touched
        UNION ALL
        SELECT first_row, first_row, id, serial_id, created_at, email FROM untouched
        WHERE NOT EXISTS (SELECT FROM import_groups former WHERE former.contact_id = untouched.id)
    ) AS candidates
    ORDER BY first_row, created_at, serial_id NULLS LAST, entity
)
SELECT 2, platform, identity, first_row, coalesce(entity, first_row), contact_id, serial_id,
       coalesce(oldest.created_at, groups.created_at, now()), identity, lower(email)
FROM groups
LEFT JOIN oldest USING (first_row);
