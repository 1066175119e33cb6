-- Finds the contacts of a whole phone number by its match keys. $1: client, $2: keys.
SELECT id, last_message_at
FROM (SELECT id, last_message_at FROM contacts
      WHERE client_id = $1 AND phone_key = ANY($2)
      OFFSET 0) AS matching -- Keeps the planner from walking contacts_recent for the ORDER BY.
ORDER BY last_message_at DESC NULLS LAST, id
LIMIT 51;
