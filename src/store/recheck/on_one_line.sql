-- Pairs of contacts that the changes put on one line: each contact that comes to a line, and one of the contacts that
-- are there after all changes. Contacts that were on one line before are no pair. Nor are contacts that get one
-- identity: conflicts.sql lists those. $1: how many to return.
SELECT id, other_id, count(*) OVER () AS count
FROM (
    SELECT DISTINCT least(moved.id, other.id) AS id, greatest(moved.id, other.id) AS other_id
    FROM recheck_changes moved
    CROSS JOIN LATERAL (
        (SELECT known.id
         FROM recheck_unchanged known
         WHERE known.platform = moved.platform AND known.phone_key = moved.phone_key
             AND coalesce(known.phone_extension, '') = coalesce(moved.phone_extension, '')
             AND (known.external_user_id IS NOT NULL OR moved.external_user_id IS NOT NULL
                  OR known.phone <> moved.phone)
         ORDER BY known.id
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
LIMIT $1;
