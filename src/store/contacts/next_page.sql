-- The contacts with the latest messages that come after a given contact. $1: client, $2: the maximum age of a contact's
-- latest message, in days, $3: the given contact's latest message, $4: the given contact's id.
-- The first part reads the contacts of the same moment, the second part those of earlier moments. The index seeks to
-- the start of each part, however many contacts share a moment.
-- LIMIT is the rows of a page and one more row. It is a literal, because a plan for an unknown LIMIT expects a tenth of
-- all rows and may sort them.
SELECT * FROM (
    (SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
            default_stage_id, blocked, is_chat_read
     FROM contacts
     WHERE client_id = $1 AND last_message_at = $3 AND id > $4 AND last_message_at >= now() - $2 * interval '1 day'
     ORDER BY last_message_at DESC NULLS LAST, id
     LIMIT 1001)
    UNION ALL
    (SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
            default_stage_id, blocked, is_chat_read
     FROM contacts
     WHERE client_id = $1 AND last_message_at < $3 AND last_message_at >= now() - $2 * interval '1 day'
     ORDER BY last_message_at DESC NULLS LAST, id
     LIMIT 1001)
) AS following
ORDER BY last_message_at DESC, id
LIMIT 1001;
