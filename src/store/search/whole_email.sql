-- Finds the contacts whose whole email is the term. $1: client, $2: email.
SELECT id, last_message_at
FROM (SELECT id, last_message_at FROM contacts
      WHERE client_id = $1 AND lower(email) = lower($2)
      OFFSET 0) AS matching -- Keeps the planner from walking contacts_recent for the ORDER BY.
ORDER BY last_message_at DESC NULLS LAST, id
LIMIT 51;
