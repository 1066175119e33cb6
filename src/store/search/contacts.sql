-- The contacts of a search, in its order. $1: client, $2: ids.
SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
       default_stage_id, blocked, is_chat_read
FROM contacts
WHERE client_id = $1 AND id = ANY($2)
ORDER BY last_message_at DESC NULLS LAST, id;
