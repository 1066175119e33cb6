-- The changes that would give a contact the identity of another contact. $1: client, $2: how many to return.
-- A change also conflicts if the other contact's own change would give up the identity, because PostgreSQL checks a
-- unique index row by row.
SELECT id, other_id, count(*) OVER () AS count
FROM (
    SELECT changes.id, other.id AS other_id
    FROM recheck_changes changes
    JOIN recheck_changes other USING (platform, identity)
    WHERE changes.id < other.id
    UNION
    SELECT changes.id, other.id
    FROM recheck_changes changes
    JOIN contacts other
        ON other.client_id = $1 AND other.platform = changes.platform
        AND other.external_user_id = changes.external_user_id
    WHERE other.id <> changes.id
    UNION
    SELECT changes.id, other.id
    FROM recheck_changes changes
    JOIN contacts other
        ON other.client_id = $1 AND other.platform = changes.platform AND other.phone = changes.phone
        AND coalesce(other.phone_extension, '') = coalesce(changes.phone_extension, '') AND other.phone_identifies
        AND other.external_user_id IS NULL
    WHERE changes.external_user_id IS NULL AND changes.phone_identifies AND other.id <> changes.id
    UNION
    SELECT changes.id, other.id
    FROM recheck_changes changes
    JOIN contacts other
        ON other.client_id = $1 AND other.platform = changes.platform AND lower(other.email) = changes.email_lower
        AND other.external_user_id IS NULL AND (other.phone IS NULL OR NOT other.phone_identifies)
    WHERE changes.external_user_id IS NULL AND (changes.phone IS NULL OR NOT changes.phone_identifies)
        AND other.id <> changes.id
) AS pairs
ORDER BY id, other_id
LIMIT $2;
