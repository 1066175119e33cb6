-- Walks all contacts of a small client, newest first, for both terms. $1: client, $2: the email's LIKE pattern,
-- $3: the phone's LIKE pattern.
SELECT contacts.id, name, phone, email, platform, contacts.last_message_at, chat_status, created_at, client_id,
       ai_customer_id, default_stage_id, blocked, is_chat_read
FROM (
    SELECT id
    FROM (SELECT id, phone, email_lower FROM contacts
          WHERE client_id = $1
          ORDER BY last_message_at DESC NULLS LAST, id
          OFFSET 0) AS recent
    WHERE email_lower LIKE (SELECT lower($2)) OR phone LIKE $3
    LIMIT 51
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM contacts WHERE client_id = $1 AND id = found.id
    OFFSET 0) AS contacts; -- A join could read all contacts of a client that is larger than most.
