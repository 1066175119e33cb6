-- Asks the index of grams step by step, the newest period first (contact_gram_steps).
-- $1: client, $2: tsquery of the grams (\x01 stands for a step's prefix), $3: LIKE pattern.
-- The phone's statement has `phone AS searched` in place of `email_lower AS searched`.
--
-- The newest message is read from the places that walk.sql reads. At the front of contacts_recent are entries of
-- messages that others have replaced and of contacts that a running import writes.
SELECT contacts.id, name, phone, email, platform, contacts.last_message_at, chat_status, created_at, client_id,
       ai_customer_id, default_stage_id, blocked, is_chat_read
FROM (
    SELECT found.id
    FROM (SELECT contact_period(coalesce(
                     (SELECT last_message_at FROM contacts_newest
                      WHERE client_id = $1 AND last_message_at >= newest_border.since AND last_message_at <= 'infinity'
                      ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1),
                     (SELECT last_message_at FROM contacts
                      WHERE client_id = $1 AND last_message_at < newest_border.since
                      ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1))) AS newest,
                 contact_period((SELECT last_message_at FROM contacts
                                 WHERE client_id = $1 AND last_message_at IS NOT NULL
                                 ORDER BY last_message_at ASC NULLS FIRST, id DESC LIMIT 1)) AS oldest,
                 (SELECT border FROM contact_period_border) AS border
          FROM (SELECT coalesce(max(since), 'infinity') AS since FROM contacts_newest_border) AS newest_border
          OFFSET 0) AS span -- Keeps PostgreSQL from reading these again for each place that uses them.
    CROSS JOIN LATERAL contact_gram_steps($1, newest, oldest, border) AS step
    CROSS JOIN LATERAL (
        SELECT id
        FROM (SELECT id, last_message_at, email_lower AS searched FROM contact_texts
              WHERE client_id = $1
                    AND contact_grams(gram_prefix, phone, email_lower, name_words)
                        @@ contact_gram_query(lower($2), prefix, moving_prefix)
              OFFSET 0) AS candidates -- Keeps the LIKE out of the bitmap scan.
        WHERE searched LIKE (SELECT lower($3))
        ORDER BY last_message_at DESC NULLS LAST, id
        LIMIT 51) AS found
    LIMIT 51 -- The steps come in their order, so nothing is read behind the last of these matches.
) AS found
JOIN contacts ON contacts.client_id = $1 AND contacts.id = found.id;
