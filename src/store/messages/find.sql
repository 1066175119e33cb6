-- Finds the contact of each message. $1: client.
-- The arrays have one element for each reading of each message's phone, or one for a message without a phone.
-- $2: the message's position, $3: integer id, $4: platform, $5: external id, $6: phone, $7: match key, $8: extension,
-- $9: when the message was sent.
--
-- A person is the contact that has the external id on the channel (rank 2). Otherwise it is the contact that had the
-- external id (rank 3) or the phone (rank 4) when the message was sent, and has other ids since. Otherwise it is a
-- contact that has the phone on the channel, but not one with another external id. Readings of the phone are tried in
-- their order: national in the client's region first, as in the lookup. Within a reading the contact that stores that
-- very number (rank 5) comes before one whose number only reaches the same line (rank 6). A person can be stored both
-- ways: the number of a WhatsApp id has Argentina's 9, and the number in an address book often lacks it. The oldest
-- contact wins, as in every write. A contact of another channel never matches: a WhatsApp message is no SMS. A contact
-- with another extension is another person, and a phone that identifies nobody is no identity.
SELECT DISTINCT ON (item) found.id AS contact_id, found.phone_key, found.ids_since,
    coalesce(found.rank = 2, false) AS by_external_id, coalesce(found.rank IN (3, 4), false) AS by_former_ids,
    now() AS now
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
    WITH ORDINALITY
    AS asked (item, serial_id, platform, external_user_id, phone, phone_key, extension, sent_at, reading)
LEFT JOIN LATERAL (
    SELECT id, 1 AS rank, contacts.phone_key, ids_since, created_at, contacts.serial_id FROM contacts
    WHERE client_id = $1 AND contacts.serial_id = asked.serial_id
    UNION ALL
    SELECT id, 2, contacts.phone_key, ids_since, created_at, contacts.serial_id FROM contacts
    WHERE client_id = $1 AND contacts.platform = asked.platform
        AND contacts.external_user_id = asked.external_user_id
    UNION ALL
    SELECT id, 3, contacts.phone_key, ids_since, created_at, contacts.serial_id FROM contacts
    WHERE client_id = $1 AND contacts.platform = asked.platform
        AND former_external_user_id = asked.external_user_id AND asked.sent_at <= ids_since
    UNION ALL
    SELECT id, 4, contacts.phone_key, ids_since, created_at, contacts.serial_id FROM contacts
    WHERE client_id = $1 AND contacts.platform = asked.platform
        AND former_line = asked.phone_key || coalesce(';' || asked.extension, '') AND asked.sent_at <= ids_since
        AND (former_external_user_id IS NULL OR asked.external_user_id IS NULL)
    UNION ALL
    SELECT id, 5, contacts.phone_key, ids_since, created_at, contacts.serial_id FROM contacts
    WHERE client_id = $1 AND contacts.platform = asked.platform AND contacts.phone = asked.phone
        AND coalesce(phone_extension, '') = coalesce(asked.extension, '') AND phone_identifies
        AND contacts.external_user_id IS NULL
    UNION ALL
    SELECT id, CASE WHEN contacts.phone = asked.phone THEN 5 ELSE 6 END, contacts.phone_key, ids_since, created_at,
        contacts.serial_id
    FROM contacts
    WHERE client_id = $1 AND contacts.platform = asked.platform AND contacts.phone_key = asked.phone_key
        AND coalesce(phone_extension, '') = coalesce(asked.extension, '') AND phone_identifies
        AND (contacts.external_user_id IS NULL OR asked.external_user_id IS NULL)
) AS found ON true
-- Of several contacts that gave up the ids after the message, the first one to do so had them when it was sent.
ORDER BY item, found.id IS NULL, reading, rank, CASE WHEN rank IN (3, 4) THEN ids_since END, created_at,
    found.serial_id;
