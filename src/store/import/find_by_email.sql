-- Pass 3: the oldest contact of each email. The candidates are the touched contacts, which an earlier pass found or
-- made, and the untouched ones. A touched contact has the last email of its rows, otherwise its own. $1: client.
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at
    FROM import_rows
    WHERE kind = 3
    GROUP BY platform, identity
), given AS (
    SELECT entity, lower((array_agg(rows.email ORDER BY row DESC) FILTER (WHERE rows.email IS NOT NULL))[1]) AS email
    FROM import_rows rows
    JOIN import_groups USING (kind, platform, identity)
    WHERE rows.email IS NOT NULL
    GROUP BY entity
), touched AS (
    SELECT groups.first_row, former.entity, contact_id, former.serial_id, former.created_at
    FROM import_groups former
    LEFT JOIN given ON given.entity = former.entity
    JOIN groups ON groups.platform = former.platform AND groups.identity = coalesce(given.email, former.email)
    WHERE former.entity = former.first_row
), untouched AS (
    SELECT first_row, contacts.id, serial_id, contacts.created_at
    FROM groups
    JOIN contacts ON client_id = $1 AND contacts.platform = groups.platform AND lower(email) = identity
), oldest AS (
    SELECT DISTINCT ON (first_row) * FROM (
        SELECT * FROM touched
        UNION ALL
        SELECT first_row, first_row, id, serial_id, created_at FROM untouched
        WHERE NOT EXISTS (SELECT 1 FROM import_groups former WHERE former.contact_id = untouched.id)
    ) AS candidates
    ORDER BY first_row, created_at, serial_id NULLS LAST, entity
)
SELECT 3, platform, identity, first_row, coalesce(entity, first_row), contact_id, serial_id,
       coalesce(oldest.created_at, groups.created_at, now())
FROM groups
LEFT JOIN oldest USING (first_row);
