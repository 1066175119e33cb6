-- The only pass of an exact import: the contact that has the same identity. A contact with a row's phone and extension
-- only matches if it has no external id. A contact with a row's email only matches if it has neither an external id nor
-- a phone that identifies it. $1: client.
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, email)
WITH groups AS (
    SELECT kind, platform, identity, min(row) AS first_row, min(created_at) AS created_at, min(phone) AS phone,
           min(phone_extension) AS phone_extension
    FROM import_rows
    GROUP BY kind, platform, identity
), known AS (
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 1 AND client_id = $1 AND external_user_id = identity
    UNION ALL
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 2 AND client_id = $1 AND external_user_id IS NULL AND contacts.phone = groups.phone
        AND coalesce(contacts.phone_extension, '') = coalesce(groups.phone_extension, '') AND phone_identifies
    UNION ALL
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 3 AND client_id = $1 AND external_user_id IS NULL AND lower(email) = identity
        AND (contacts.phone IS NULL OR NOT phone_identifies)
)
SELECT kind, groups.platform, identity, first_row, first_row, id, serial_id,
       coalesce(known.created_at, groups.created_at, now()), lower(email)
FROM groups
LEFT JOIN known USING (first_row);
