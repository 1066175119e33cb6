-- Asks the index of grams step by step, the newest period first (contact_gram_steps).
-- $1: client, $2: tsquery of the grams (\x01 stands for a step's prefix), $3: LIKE pattern.
-- The phone's statement has `phone AS searched` in place of `email_lower AS searched`.
--
-- The steps begin at tomorrow or at a still later message, and end before 2020, whatever the client's messages are. An
-- empty step costs less than a look for the newest and the oldest message. While an import writes newer contacts, such
-- a look would read all of them.
SELECT contacts.id, name, phone, email, platform, contacts.last_message_at, chat_status, created_at, client_id,
       ai_customer_id, default_stage_id, blocked, is_chat_read
FROM (
    SELECT found.id
    FROM (SELECT contact_period(coalesce(
                     (SELECT last_message_at FROM contacts
                      WHERE client_id = $1 AND last_message_at > now() + interval '1 day'
                      ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1),
                     now() + interval '1 day')) AS newest,
                 (SELECT border FROM contact_period_border) AS border
          OFFSET 0) AS span -- Keeps PostgreSQL from reading these again for each place that uses them.
    CROSS JOIN LATERAL contact_gram_steps($1, newest, contact_period(timestamptz '2000-01-01'), border) AS step
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
CROSS JOIN LATERAL (
    SELECT * FROM contacts WHERE client_id = $1 AND id = found.id
    OFFSET 0) AS contacts; -- A join could read all contacts of a client that is larger than most.
