-- Walks all contacts of a small client, newest first, for both terms. $1: client, $2: the email's LIKE pattern,
-- $3: the phone's LIKE pattern.
SELECT id, last_message_at
FROM (SELECT id, last_message_at, phone, email_lower FROM contacts
      WHERE client_id = $1
      ORDER BY last_message_at DESC NULLS LAST, id
      OFFSET 0) AS recent
WHERE email_lower LIKE (SELECT lower($2)) OR phone LIKE $3
LIMIT 51;
