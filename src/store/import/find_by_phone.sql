-- Pass 2: the oldest contact on each phone's line. A contact with the same number comes before one with an equivalent
-- number. The candidates are the touched contacts, which the first pass found or made, and the untouched ones.
-- $1: client.
-- Two indexes find the untouched contacts. The index on the match key finds those on the line. The index on the phone
-- finds a contact with the same number whose match key an earlier version computed differently.
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, email)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at, min(phone) AS phone,
           min(phone_key) AS phone_key, min(phone_extension) AS phone_extension, min(line) AS line
    FROM import_rows
    WHERE kind = 2
    GROUP BY platform, identity
), lines AS (
    SELECT platform, line, min(first_row) AS first_row, min(created_at) AS created_at, min(phone_key) AS phone_key,
           min(phone_extension) AS phone_extension
    FROM groups
    GROUP BY platform, line
), touched AS (
    SELECT lines.platform, lines.line, phone, entity, contact_id, serial_id, former.created_at, email
    FROM lines
    JOIN import_groups former ON former.platform = lines.platform AND former.line = lines.line
), untouched AS (
    SELECT lines.platform, line, phone, contacts.id, serial_id, contacts.created_at, email
    FROM lines
    JOIN contacts
        ON client_id = $1 AND contacts.platform = lines.platform AND contacts.phone_key = lines.phone_key
        AND coalesce(contacts.phone_extension, '') = coalesce(lines.phone_extension, '') AND phone_identifies
    UNION
    SELECT groups.platform, line, contacts.phone, contacts.id, serial_id, contacts.created_at, email
    FROM groups
    JOIN contacts
        ON client_id = $1 AND contacts.platform = groups.platform AND contacts.phone = groups.phone
        AND coalesce(contacts.phone_extension, '') = coalesce(groups.phone_extension, '') AND phone_identifies
        AND external_user_id IS NULL
), candidates AS (
    SELECT * FROM touched
    UNION ALL
    SELECT platform, line, phone, NULL, id, serial_id, created_at, email FROM untouched
    WHERE NOT EXISTS (SELECT 1 FROM import_groups former WHERE former.contact_id = untouched.id)
), oldest AS (
    SELECT DISTINCT ON (groups.first_row) groups.first_row, entity, contact_id, serial_id, candidates.created_at, email
    FROM groups
    JOIN candidates USING (platform, line)
    ORDER BY groups.first_row, candidates.phone IS DISTINCT FROM groups.phone, candidates.created_at,
             serial_id NULLS LAST, entity
), found AS (
    -- If this pass finds one contact for several groups, these groups have one entity.
    SELECT first_row, contact_id, serial_id, created_at, email,
           coalesce(entity, min(first_row) OVER (PARTITION BY contact_id)) AS entity
    FROM oldest
)
SELECT 2, platform, identity, groups.first_row, coalesce(entity, lines.first_row), contact_id, serial_id,
       coalesce(found.created_at, lines.created_at, now()), lower(email)
FROM groups
JOIN lines USING (platform, line)
LEFT JOIN found ON found.first_row = groups.first_row;
