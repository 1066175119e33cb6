-- Asks the index of grams for one period after the other, the newest first, then for contacts without messages.
-- $1: client, $2: tsquery of the grams (\x01 stands for client and period), $3: LIKE pattern.
-- The phone's statement has `phone AS searched` in place of `email_lower AS searched`.
SELECT found.id, found.last_message_at
FROM (SELECT contact_period((SELECT last_message_at FROM contacts
                             WHERE client_id = $1 AND last_message_at IS NOT NULL
                             ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1)) AS newest,
             contact_period((SELECT last_message_at FROM contacts
                             WHERE client_id = $1 AND last_message_at IS NOT NULL
                             ORDER BY last_message_at ASC NULLS FIRST, id DESC LIMIT 1)) AS oldest
     ) AS span
CROSS JOIN LATERAL
    (SELECT generate_series(newest, oldest, -1) AS period UNION ALL SELECT NULL) AS periods
CROSS JOIN LATERAL (
    SELECT id, last_message_at
    FROM (SELECT client_id, id, last_message_at, email_lower AS searched FROM contact_texts
          WHERE contact_grams(gram_prefix, phone, email_lower, name_words)
                @@ replace(lower($2), E'\x01', contact_gram_prefix($1, period))::tsquery
          OFFSET 0) AS candidates -- Keeps client and LIKE out of the bitmap scan.
    WHERE client_id = $1 AND searched LIKE (SELECT lower($3))
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 51) AS found
LIMIT 51; -- Periods come in their order, so nothing is read behind the last of these matches.
