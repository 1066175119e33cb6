-- Finds those of a client's words that a contact has. $1: client, $2: words. Words have neither quotes nor backslashes.
-- Asks the index of grams for one period after the other and ends at the first contact.
SELECT asked.word
FROM unnest($2::text[]) AS asked (word)
WHERE EXISTS (
    SELECT
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
        SELECT client_id FROM contact_texts
        WHERE contact_grams(gram_prefix, phone, email_lower, name_words)
              @@ format('''%1$sw%2$s'' | ''%1$sl%2$s''', contact_gram_prefix($1, period), asked.word)::tsquery
        OFFSET 0) AS candidates -- Keeps the client out of the bitmap scan.
    WHERE client_id = $1);
