-- Walks all contacts of a client, newest first. $1: client, $2: LIKE pattern.
-- The phone's statement has `phone AS searched` in place of `email_lower AS searched`.
SELECT contacts.id, name, phone, email, platform, contacts.last_message_at, chat_status, created_at, client_id,
       ai_customer_id, default_stage_id, blocked, is_chat_read
FROM (
    SELECT id
    FROM (SELECT id, email_lower AS searched FROM contacts
          WHERE client_id = $1
          ORDER BY last_message_at DESC NULLS LAST, id
          OFFSET 0) AS recent -- Keeps the LIKE out of the index scan.
    WHERE searched LIKE (SELECT lower($2)) -- A subquery lowers the pattern once, not for each row.
    LIMIT 51
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM contacts WHERE client_id = $1 AND id = found.id
    OFFSET 0) AS contacts; -- A join could read all contacts of a client that is larger than most.
