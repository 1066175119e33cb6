-- The phones and emails of a client's newest contacts. $1: client, $2: most contacts.
-- The rows come from the places that walk.sql reads.
(SELECT phone, email_lower
 FROM contacts_newest
 WHERE client_id = $1 AND last_message_at >= (SELECT coalesce(max(since), 'infinity') FROM contacts_newest_border)
       AND last_message_at <= 'infinity'
 ORDER BY last_message_at DESC NULLS LAST, id LIMIT $2)
UNION ALL
(SELECT phone, email_lower
 FROM contacts
 WHERE client_id = $1 AND last_message_at < (SELECT coalesce(max(since), 'infinity') FROM contacts_newest_border)
 ORDER BY last_message_at DESC NULLS LAST, id LIMIT $2)
UNION ALL
(SELECT phone, email_lower
 FROM contacts
 WHERE client_id = $1 AND last_message_at IS NULL
 ORDER BY last_message_at DESC NULLS LAST, id LIMIT $2)
LIMIT $2;
