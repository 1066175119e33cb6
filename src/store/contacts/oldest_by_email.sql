-- The oldest contact of a channel that has an email. $1: client, $2: platform, $3: email.
SELECT id, serial_id, external_user_id, phone, phone_extension, phone_identifies, email
FROM contacts
WHERE client_id = $1 AND platform = $2 AND lower(email) = lower($3)
ORDER BY created_at, serial_id
LIMIT 1; -- A literal, so that the plan expects one row.
