-- The oldest contact of a channel on the line of a phone. A contact with the same number comes before one with an
-- equivalent number. $1: client, $2: platform, $3: phone, $4: match key, $5: extension, $6: whether a contact with an
-- external id counts too. Two indexes find the candidates. The index on the match key finds the contacts on the line.
-- The index on the phone finds a contact with the same number whose match key an earlier version computed differently.
SELECT id, serial_id, external_user_id, phone, phone_extension, phone_identifies, email
FROM (
    SELECT id, serial_id, external_user_id, phone, phone_extension, phone_identifies, email, created_at
    FROM contacts
    WHERE client_id = $1 AND platform = $2 AND phone_key = $4
        AND coalesce(phone_extension, '') = coalesce($5::text, '') AND phone_identifies
        AND ($6 OR external_user_id IS NULL)
    UNION ALL
    SELECT id, serial_id, external_user_id, phone, phone_extension, phone_identifies, email, created_at
    FROM contacts
    WHERE client_id = $1 AND platform = $2 AND phone = $3
        AND coalesce(phone_extension, '') = coalesce($5::text, '') AND phone_identifies AND external_user_id IS NULL
) AS on_line
ORDER BY phone IS DISTINCT FROM $3, created_at, serial_id
LIMIT 1; -- A literal, so that the plan expects one row.
