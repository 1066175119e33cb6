-- Walks a client's contacts, latest message first, and returns those that match every word.
-- $1: client, $2: the walk begins at contacts of this time ('infinity' for the first contact, NULL for contacts without
-- messages), $3: the contact of this time and id, and those before it, are skipped, $4: rows to walk, $5: most matches,
-- $6, $7: the LIKE patterns of a word with one pattern for each of two columns, $8, $9, $10: those of any other word. The
-- two lines with them are repeated for each word (`statements.rs`).
--
-- Rows come from the same three places, in the same order, as those of src/store/search/walk.sql.
SELECT id, last_message_at, name_words, email_lower, phone
FROM (
    (SELECT id, last_message_at, name_words, email_lower, phone
     FROM contacts_newest
     WHERE client_id = $1 AND last_message_at >= (SELECT coalesce(max(since), 'infinity') FROM contacts_newest_border)
           AND last_message_at <= $2
     ORDER BY last_message_at DESC NULLS LAST, id LIMIT $4)
    UNION ALL
    (SELECT id, last_message_at, name_words, email_lower, phone
     FROM contacts
     WHERE client_id = $1 AND last_message_at < (SELECT coalesce(max(since), 'infinity') FROM contacts_newest_border)
           AND last_message_at <= $2
     ORDER BY last_message_at DESC NULLS LAST, id LIMIT $4)
    UNION ALL
    (SELECT id, last_message_at, name_words, email_lower, phone
     FROM contacts
     WHERE client_id = $1 AND last_message_at IS NULL
     ORDER BY last_message_at DESC NULLS LAST, id LIMIT $4)
    LIMIT $4
) AS walked
WHERE (last_message_at IS DISTINCT FROM $2 OR id > $3)
      AND (name_words LIKE $6 OR email_lower LIKE $7)
      AND (name_words LIKE ANY ($8::text[]) OR email_lower LIKE ANY ($9::text[]) OR phone LIKE ANY ($10::text[]))
LIMIT $5;
