-- The oldest contact of a channel that has a phone. $1: client, $2: platform, $3: phone, $4: match
-- key. Two indexes find the candidates. The index on the phone finds the contact without an
-- external id, and the index on the match key finds the contacts with one.
SELECT id, serial_id, external_user_id, phone, email
FROM (
    SELECT id, serial_id, external_user_id, phone, email, created_at
    FROM contacts
    WHERE client_id = $1 AND platform = $2 AND phone = $3 AND external_user_id IS NULL
    UNION ALL
    SELECT id, serial_id, external_user_id, phone, email, created_at
    FROM contacts
    WHERE client_id = $1 AND platform = $2 AND phone = $3 AND phone_key = $4 AND external_user_id IS NOT NULL
) AS having_phone
ORDER BY created_at, serial_id
LIMIT 1; -- A literal, so that the plan expects one row.
