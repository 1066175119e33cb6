-- Finds those of a client's words that a contact has. $1: client, $2: words. Words have neither quotes nor backslashes.
-- Asks the index of grams step by step (contact_gram_steps) and ends at the first contact.
SELECT asked.word
FROM unnest($2::text[]) AS asked (word)
WHERE EXISTS (
    SELECT 1
    FROM (SELECT contact_period((SELECT last_message_at FROM contacts
                                 WHERE client_id = $1 AND last_message_at IS NOT NULL
                                 ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1)) AS newest,
                 contact_period((SELECT last_message_at FROM contacts
                                 WHERE client_id = $1 AND last_message_at IS NOT NULL
                                 ORDER BY last_message_at ASC NULLS FIRST, id DESC LIMIT 1)) AS oldest,
                 (SELECT border FROM contact_period_border) AS border
          OFFSET 0) AS span -- Keeps PostgreSQL from reading these again for each place that uses them.
    CROSS JOIN LATERAL contact_gram_steps($1, newest, oldest, border) AS step
    CROSS JOIN LATERAL (
        SELECT 1 FROM contact_texts
        WHERE client_id = $1
              AND contact_grams(gram_prefix, phone, email_lower, name_words)
                  @@ contact_gram_query(format(E'''\x01w%1$s'' | ''\x01l%1$s''', asked.word), prefix, moving_prefix)
        OFFSET 0) AS found);
