-- Finds the contacts of whole phone numbers by their match keys. $1: client, $2: keys, $3: most contacts.
SELECT phone_key, id, last_message_at, name_words, email_lower, phone
FROM (SELECT phone_key, id, last_message_at, name_words, email_lower, phone FROM contacts
      WHERE client_id = $1 AND phone_key = ANY($2)
      OFFSET 0) AS matching -- Keeps the planner from walking contacts_recent for the ORDER BY.
ORDER BY last_message_at DESC NULLS LAST, id
LIMIT $3;
