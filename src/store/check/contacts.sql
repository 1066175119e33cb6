-- The client's contacts with the texts that are compared, the oldest one first. $1 is the client.
SELECT id AS contact_id, serial_id AS record_id, name, email, external_user_id,
    CASE WHEN phone_identifies THEN phone END AS phone, phone_key, phone_extension
FROM contacts
WHERE client_id = $1
ORDER BY serial_id;
