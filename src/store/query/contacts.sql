-- The contacts of a page, each with the latest inbound messages among all contacts that share its match key, as
-- src/store/lookup.sql reads them. A contact without a phone, or with an invalid phone that identifies
-- nobody, has only its own.
-- $1: platform of the session window, $2: client, $3: ids.
SELECT c.id, c.name, c.phone, c.email, c.platform, c.last_message_at, c.chat_status, c.created_at, c.client_id,
       c.ai_customer_id, c.default_stage_id, c.blocked, c.is_chat_read, c.external_user_id,
       CASE WHEN c.has_line THEN line.last_inbound_at ELSE c.last_inbound_at END AS last_inbound_at,
       CASE WHEN c.has_line THEN line.last_window_inbound_at
            WHEN c.platform = $1 THEN c.last_inbound_at END AS last_window_inbound_at,
       now() AS now
FROM (SELECT *, phone IS NOT NULL AND (phone_identifies OR starts_with(phone, '+')) AS has_line
      FROM contacts
      WHERE client_id = $2 AND id = ANY($3)) AS c
CROSS JOIN LATERAL (
    SELECT max(last_inbound_at) AS last_inbound_at,
           max(last_inbound_at) FILTER (WHERE platform = $1) AS last_window_inbound_at
    FROM contacts AS same_line
    WHERE client_id = $2 AND phone_key = c.phone_key AND (phone_identifies OR starts_with(phone, '+'))
) AS line;
