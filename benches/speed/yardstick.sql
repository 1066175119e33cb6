-- Finds the contact of a number and the name of its list. The lookup's statement was this one until it read one table
-- alone. It stays the unit of time, so that the figures of all versions can be compared.
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
