-- The next contacts of a client that store the text from which their phone was read, or an external id of a person with
-- a hidden number (`…@lid`). $1: client, $2: the id of the last contact of the page before. LIMIT is a literal, because
-- a plan for an unknown LIMIT expects a tenth of all rows and may sort them.
SELECT id, serial_id, platform, external_user_id, phone, phone_key, phone_as_given, phone_extension, phone_identifies,
       email_lower
FROM contacts
WHERE client_id = $1 AND id > $2 AND (phone_as_given IS NOT NULL OR external_user_id ILIKE '%@lid%')
ORDER BY id
LIMIT 1000;
