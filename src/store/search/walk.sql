-- Walks the newest contacts of a large client and returns the first matches.
-- $1: client, $2: LIKE pattern, $3: most rows to walk.
-- The phone's statement has `phone AS searched` in place of `email_lower AS searched`.
--
-- Rows come from three places: contacts_newest down to the border, contacts behind the border, contacts without
-- messages. PostgreSQL reads the parts of a UNION ALL in their order and stops at the LIMIT.
-- tests/data/plans.txt and the property test check this. A merge of the three costs a third more.
SELECT contacts.id, name, phone, email, platform, contacts.last_message_at, chat_status, created_at, client_id,
       ai_customer_id, default_stage_id, blocked, is_chat_read
FROM (
    SELECT id
    FROM (
        (SELECT id, email_lower AS searched
         FROM contacts_newest
         WHERE client_id = $1 AND last_message_at <= 'infinity'
               AND last_message_at >= (SELECT coalesce(max(since), 'infinity') FROM contacts_newest_border)
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT $3)
        UNION ALL
        (SELECT id, email_lower AS searched
         FROM contacts
         WHERE client_id = $1
               AND last_message_at < (SELECT coalesce(max(since), 'infinity') FROM contacts_newest_border)
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT $3)
        UNION ALL
        (SELECT id, email_lower AS searched
         FROM contacts
         WHERE client_id = $1 AND last_message_at IS NULL
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT $3)
        LIMIT $3
    ) AS newest
    WHERE searched LIKE (SELECT lower($2)) -- A subquery lowers the pattern once, not for each row.
    LIMIT 51
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM contacts WHERE client_id = $1 AND id = found.id
    OFFSET 0) AS contacts; -- A join could read all contacts of a client that is larger than most.
