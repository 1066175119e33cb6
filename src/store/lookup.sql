-- Finds the contact that a phone number reaches. $1: platform of the session window, $2: client, $3: match keys of the
-- number's readings, the preferred one first, $4: their E.164 numbers, $5: the number's extension, $6: whether the
-- number is valid.
--
-- Few contacts share a match key: a person's channels, and the extensions of a number. The statement reads them by the
-- index on the key, aggregates over them, and keeps the first in the order that docs/api.md documents. lookup_batch.sql
-- asks the same for many numbers. With a join, the statement would take up to 1.6 times as long, and Citus would make a
-- plan of its own for each request. So the name of the list comes from `ListNames`.
--
-- A stored phone that identifies nobody is not found, because it says nothing about the person. The exception is a
-- valid number that identifies nobody only because it identifies another contact already. A valid number begins with
-- `+`.
SELECT serial_id, name, phone, email, contact_list_id, source, created_at,
       max(last_inbound_at) OVER (PARTITION BY phone_key) AS any_inbound_at,
       max(last_inbound_at) FILTER (WHERE platform = $1) OVER (PARTITION BY phone_key) AS window_inbound_at,
       now() AS now
FROM contacts
WHERE client_id = $2 AND phone_key = ANY($3) AND (phone_identifies OR $6 AND starts_with(phone, '+'))
ORDER BY array_position($3, phone_key), coalesce(phone_extension = $5, false) DESC, (phone = ANY($4)) DESC,
         last_message_at DESC NULLS LAST, created_at DESC, serial_id
LIMIT 1;
