-- The changes that would give a contact the identity that another contact has after all changes. $1: client, $2: how
-- many to return.
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
    LEFT JOIN recheck_changes own ON own.id = other.id
    WHERE own.id IS NULL
    UNION
    SELECT changes.id, other.id
    FROM recheck_changes changes
    JOIN contacts other
        ON other.client_id = $1 AND other.platform = changes.platform AND other.phone = changes.phone
        AND coalesce(other.phone_extension, '') = coalesce(changes.phone_extension, '') AND other.phone_identifies
        AND other.external_user_id IS NULL
    LEFT JOIN recheck_changes own ON own.id = other.id
    WHERE changes.external_user_id IS NULL AND changes.phone_identifies AND own.id IS NULL
    UNION
    SELECT changes.id, other.id
    FROM recheck_changes changes
    JOIN contacts other
        ON other.client_id = $1 AND other.platform = changes.platform AND lower(other.email) = changes.email_lower
        AND other.external_user_id IS NULL AND (other.phone IS NULL OR NOT other.phone_identifies)
    LEFT JOIN recheck_changes own ON own.id = other.id
    WHERE changes.external_user_id IS NULL AND (changes.phone IS NULL OR NOT changes.phone_identifies)
        AND own.id IS NULL
) AS pairs
ORDER BY id, other_id
LIMIT $2;
