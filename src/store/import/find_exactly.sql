-- The only pass of an exact import: the contact that has the same identity. A contact with a row's
-- phone only matches if it has no external id. A contact with a row's email only matches if it has
-- neither external id nor phone. $1: client.
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, email)
WITH groups AS (
    SELECT kind, platform, identity, min(row) AS first_row, min(created_at) AS created_at
    FROM import_rows
    GROUP BY kind, platform, identity
), known AS (
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 1 AND client_id = $1 AND external_user_id = identity
    UNION ALL
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 2 AND client_id = $1 AND external_user_id IS NULL AND phone = identity
    UNION ALL
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 3 AND client_id = $1 AND external_user_id IS NULL AND phone IS NULL AND lower(email) = identity
)
SELECT kind, groups.platform, identity, first_row, first_row, id, serial_id,
       coalesce(known.created_at, groups.created_at, now()), lower(email)
FROM groups
LEFT JOIN known USING (first_row);
