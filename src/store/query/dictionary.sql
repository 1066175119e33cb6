-- Finds words of a client's names and emails. $1: client, $2: for each question, a tsquery of keys of words, $3: for
-- each question, a LIKE pattern, $4 and $5: for each question, the fewest and the most characters of a word, $6: most
-- words of a question.
-- `question` counts from 1. The answer can repeat a word: DISTINCT would read all rows before the LIMIT.
SELECT asked.question, found.word, found.is_name
FROM unnest($2::text[], $3::text[], $4::integer[], $5::integer[]) WITH ORDINALITY
    AS asked (keys, pattern, shortest, longest, question)
CROSS JOIN LATERAL (
    SELECT word, is_name
    FROM (SELECT word, is_name FROM contact_words
          WHERE client_id = $1 AND contact_word_keys(client_id, word, is_name) @@ asked.keys::tsquery
          OFFSET 0) AS candidates -- Keeps the LIKE out of the bitmap scan.
    WHERE char_length(word) BETWEEN asked.shortest AND asked.longest AND word LIKE asked.pattern
    LIMIT $6) AS found;
