-- Finds the contacts whose whole email is the term. $1: client, $2: email.
SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
       default_stage_id, blocked, is_chat_read
FROM (SELECT * FROM contacts
      WHERE client_id = $1 AND lower(email) = lower($2)
      OFFSET 0) AS matching -- Keeps the planner from walking contacts_recent for the ORDER BY.
ORDER BY last_message_at DESC NULLS LAST, id
LIMIT 51;
