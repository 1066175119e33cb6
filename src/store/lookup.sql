-- Finds the contact that a phone number reaches. $1: platform of the session window, $2: client, $3: match keys of the
-- number's readings, the preferred one first, $4: their E.164 numbers, $5: the number's extension, $6: whether the
-- number is valid.
--
-- Few contacts share a match key: a person's channels, and the extensions of a number. The statement reads them by the
-- index on the key, aggregates over them, and keeps the first in the order that docs/api.md documents. lookup_batch.sql
-- asks the same for many numbers.
--
-- A stored phone that identifies nobody is not found, because it says nothing about the person. The exception is a
-- valid number that identifies nobody only because it identifies another contact already. A valid number begins with
-- `+`.
SELECT c.serial_id, c.name, c.phone, c.email, c.contact_list_id, l.name AS contact_list_name, c.source,
       c.created_at, c.any_inbound_at AS last_inbound_at, c.window_inbound_at AS last_window_inbound_at, now() AS now
FROM (
    SELECT *,
           max(last_inbound_at) OVER (PARTITION BY phone_key) AS any_inbound_at,
           max(last_inbound_at) FILTER (WHERE platform = $1) OVER (PARTITION BY phone_key) AS window_inbound_at
    FROM contacts
    WHERE client_id = $2 AND phone_key = ANY($3) AND (phone_identifies OR $6 AND starts_with(phone, '+'))
) c
JOIN contact_lists l ON l.client_id = $2 AND l.id = c.contact_list_id
ORDER BY array_position($3, c.phone_key), coalesce(c.phone_extension = $5, false) DESC,
         (c.phone = ANY($4)) DESC, c.last_message_at DESC NULLS LAST, c.created_at DESC, c.serial_id
LIMIT 1;
