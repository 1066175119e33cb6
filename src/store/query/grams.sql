-- Asks the index of grams step by step, the newest period first (contact_gram_steps).
-- $1: client, $2 and $3: where the answer begins, as in walk.sql, $4: some tsqueries of grams (\x01 stands for a step's
-- prefix), $5: most matches, $6 to $10: the patterns, as in walk.sql.
-- The steps begin and end as those of src/store/search/grams.sql.
-- The line with the tsquery is repeated for each of them. With one tsquery for all, the index would test every contact of
-- every alternative. With several ones it skips the contacts that another one excludes.
SELECT found.id, found.last_message_at, found.name_words, found.email_lower, found.phone
FROM (SELECT CASE
                 WHEN $2::timestamptz = 'infinity' THEN contact_period(coalesce(
                     (SELECT last_message_at FROM contacts
                      WHERE client_id = $1 AND last_message_at > now() + interval '1 day'
                      ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1),
                     now() + interval '1 day'))
                 ELSE contact_period($2)
             END AS newest,
             (SELECT border FROM contact_period_border) AS border
      OFFSET 0) AS span -- Keeps PostgreSQL from reading these again for each place that uses them.
CROSS JOIN LATERAL contact_gram_steps($1, newest, contact_period(timestamptz '2000-01-01'), border) AS step
CROSS JOIN LATERAL (
    SELECT id, last_message_at, name_words, email_lower, phone
    FROM (SELECT id, last_message_at, name_words, email_lower, phone FROM contact_texts
          WHERE client_id = $1
                AND contact_grams(gram_prefix, phone, email_lower, name_words) @@ contact_gram_query(($4::text[])[1], prefix, moving_prefix)
          OFFSET 0) AS candidates -- Keeps the LIKE out of the bitmap scan.
    WHERE (last_message_at <= $2 AND (last_message_at < $2 OR id > $3)
           OR last_message_at IS NULL AND ($2 IS NOT NULL OR id > $3))
          AND (name_words LIKE $6 OR email_lower LIKE $7)
          AND (name_words LIKE ANY ($8::text[]) OR email_lower LIKE ANY ($9::text[]) OR phone LIKE ANY ($10::text[]))
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT $5) AS found
LIMIT $5; -- The steps come in their order, so nothing is read behind the last of these matches.
