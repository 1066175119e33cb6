-- Finds the contacts of persons whose number WhatsApp hides. $1: platform of the session window, $2: client,
-- $3: WhatsApp's platforms, $4: the persons' external ids.
--
-- A person can have a contact on each platform. The one with the latest message is returned, as in lookup.sql.
SELECT DISTINCT ON (external_user_id)
       external_user_id, serial_id, name, phone, email, contact_list_id, source, created_at,
       max(last_inbound_at) OVER (PARTITION BY external_user_id) AS any_inbound_at,
       max(last_inbound_at) FILTER (WHERE platform = $1) OVER (PARTITION BY external_user_id) AS window_inbound_at,
       now() AS now
FROM contacts
WHERE client_id = $2 AND platform = ANY($3) AND external_user_id = ANY($4)
ORDER BY external_user_id, last_message_at DESC NULLS LAST, created_at DESC, serial_id;
