-- Finds the contacts of persons whose number WhatsApp hides. $1: platform of the session window, $2: client,
-- $3: WhatsApp's platforms, $4: the persons' external ids.
--
-- A person can have a contact on each platform. The one with the latest message is returned, as in lookup.sql.
SELECT DISTINCT ON (c.external_user_id)
       c.external_user_id, c.serial_id, c.name, c.phone, c.email, c.contact_list_id, l.name AS contact_list_name,
       c.source, c.created_at, c.any_inbound_at AS last_inbound_at, c.window_inbound_at AS last_window_inbound_at,
       now() AS now
FROM (
    SELECT *,
           max(last_inbound_at) OVER (PARTITION BY external_user_id) AS any_inbound_at,
           max(last_inbound_at) FILTER (WHERE platform = $1) OVER (PARTITION BY external_user_id) AS window_inbound_at
    FROM contacts
    WHERE client_id = $2 AND platform = ANY($3) AND external_user_id = ANY($4)
) c
JOIN contact_lists l ON l.client_id = $2 AND l.id = c.contact_list_id
ORDER BY c.external_user_id, c.last_message_at DESC NULLS LAST, c.created_at DESC, c.serial_id;
