-- Copies the contacts that are on the lines to which changes move other contacts. on_one_line.sql looks for a few of them
-- for each change, which is possible in tables of one node only. $1: client.
INSERT INTO recheck_unchanged (id, platform, external_user_id, phone, phone_key, phone_extension)
SELECT contacts.id, contacts.platform, contacts.external_user_id, contacts.phone, contacts.phone_key,
    contacts.phone_extension
FROM (
    SELECT DISTINCT platform, phone_key, phone_extension
    FROM recheck_changes
    WHERE line IS DISTINCT FROM old_line AND phone_key IS NOT NULL
) AS lines
JOIN contacts
    ON contacts.client_id = $1 AND contacts.platform = lines.platform AND contacts.phone_key = lines.phone_key
    AND coalesce(contacts.phone_extension, '') = coalesce(lines.phone_extension, '') AND contacts.phone_identifies
LEFT JOIN recheck_changes own ON own.id = contacts.id
WHERE own.id IS NULL;
