-- Pairs of contacts that the changes put on one line: each contact that comes to a line, and one of the contacts that
-- are there after all changes. Contacts that were on one line before are no pair. Nor are contacts that get one
-- identity: conflicts.sql lists those. $1: client, $2: how many to return.
SELECT id, other_id, count(*) OVER () AS count
FROM (
    SELECT DISTINCT least(moved.id, other.id) AS id, greatest(moved.id, other.id) AS other_id
    FROM recheck_changes moved
    CROSS JOIN LATERAL (
        (SELECT contacts.id
         FROM contacts
         WHERE contacts.client_id = $1 AND contacts.platform = moved.platform AND contacts.phone_key = moved.phone_key
             AND coalesce(contacts.phone_extension, '') = coalesce(moved.phone_extension, '')
             AND contacts.phone_identifies
             AND (contacts.external_user_id IS NOT NULL OR moved.external_user_id IS NOT NULL
                  OR contacts.phone <> moved.phone)
             AND NOT EXISTS (SELECT 1 FROM recheck_changes own WHERE own.id = contacts.id)
         ORDER BY contacts.id
         LIMIT 1)
        UNION ALL
        (SELECT changes.id
         FROM recheck_changes changes
         WHERE changes.platform = moved.platform AND changes.line = moved.line AND changes.id <> moved.id
             AND changes.identity IS DISTINCT FROM moved.identity
             AND (changes.old_line = moved.old_line) IS NOT TRUE
         ORDER BY changes.id
         LIMIT 1)
        ORDER BY id
        LIMIT 1
    ) AS other
    WHERE moved.line IS DISTINCT FROM moved.old_line
) AS pairs
ORDER BY id, other_id
LIMIT $2;
