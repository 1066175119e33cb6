-- Finds the contact of each of many phone numbers. $1: platform of the session window, $2: client.
-- The arrays have one element for each reading of each number. $3: the number's position, $4: match key, $5: E.164
-- phone, $6: extension, $7: whether the number is valid.
--
-- Each number runs lookup.sql on its own, so that the index is read for its few contacts and nothing else.
SELECT asked.question, found.*
FROM (
    SELECT question, array_agg(key ORDER BY place) AS keys, array_agg(phone ORDER BY place) AS phones,
           min(extension) AS extension, bool_and(is_valid) AS is_valid
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[]) WITH ORDINALITY
        AS reading (question, key, phone, extension, is_valid, place)
    GROUP BY question
) asked
CROSS JOIN LATERAL (
    SELECT serial_id, name, phone, email, contact_list_id, source, created_at,
           max(last_inbound_at) OVER (PARTITION BY phone_key) AS any_inbound_at,
           max(last_inbound_at) FILTER (WHERE platform = $1) OVER (PARTITION BY phone_key) AS window_inbound_at,
           now() AS now
    FROM contacts
    WHERE client_id = $2 AND phone_key = ANY(asked.keys)
        AND (phone_identifies OR asked.is_valid AND starts_with(phone, '+'))
    ORDER BY array_position(asked.keys, phone_key), coalesce(phone_extension = asked.extension, false) DESC,
             (phone = ANY(asked.phones)) DESC, last_message_at DESC NULLS LAST, created_at DESC, serial_id
    LIMIT 1
) found;
