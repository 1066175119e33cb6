-- Walks the newest contacts of a large client. If the first rows have enough matches, the walk continues at the last
-- match. $1: client, $2: LIKE pattern, $3: rows to walk first, $4: fewest matches with which the walk continues,
-- $5: the walk ends after $5 / (number of matches in the first rows) rows, the first rows included.
-- The phone's statement has `phone AS searched` in place of `email_lower AS searched`.
--
-- Rows come from three places: contacts_newest down to the border, contacts behind the border, contacts without
-- messages. PostgreSQL reads the parts of a UNION ALL in their order and stops at the LIMIT.
-- tests/data/plans.txt and the property test check this. A merge of the three costs a third more.
--
-- `asked` holds the values, so that the pattern is lowercased once. This doesn't change the plan.
WITH asked AS MATERIALIZED (
    SELECT (SELECT lower($2)) AS pattern,
           coalesce((SELECT since FROM contacts_newest_border), 'infinity') AS border
), probe AS MATERIALIZED (
    SELECT id, last_message_at
    FROM (
        (SELECT id, last_message_at, email_lower AS searched
         FROM contacts_newest
         WHERE client_id = $1
               AND last_message_at >= (SELECT border FROM asked) AND last_message_at <= 'infinity'
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT $3)
        UNION ALL
        (SELECT id, last_message_at, email_lower AS searched
         FROM contacts
         WHERE client_id = $1
               AND last_message_at < (SELECT border FROM asked) AND last_message_at <= 'infinity'
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT $3)
        UNION ALL
        (SELECT id, last_message_at, email_lower AS searched
         FROM contacts
         WHERE client_id = $1 AND last_message_at IS NULL
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT $3)
        LIMIT $3
    ) AS newest
    WHERE searched LIKE (SELECT pattern FROM asked)
    LIMIT 51
), probed AS MATERIALIZED (
    -- `until` is the time of the last match. The walk continues at this time, because the probe doesn't return the
    -- position of its last row. `until` is null if the last match is a contact without messages. Then the probe has
    -- read all contacts with messages, and the walk reads the contacts without messages again from the first one.
    SELECT CASE WHEN bool_and(last_message_at IS NOT NULL) THEN min(last_message_at) END AS until,
           51 - count(*) AS missing,
           CASE WHEN count(*) BETWEEN $4 AND 50 THEN $5 / count(*) - $3 ELSE 0 END AS further
    FROM probe
)
SELECT id, last_message_at, false AS is_further FROM probe
UNION ALL
(SELECT id, last_message_at, true
 FROM (
     (SELECT id, last_message_at, email_lower AS searched
      FROM contacts_newest
      WHERE client_id = $1
            AND last_message_at >= (SELECT border FROM asked) AND last_message_at <= (SELECT until FROM probed)
      ORDER BY last_message_at DESC NULLS LAST, id LIMIT (SELECT further FROM probed))
     UNION ALL
     (SELECT id, last_message_at, email_lower AS searched
      FROM contacts
      WHERE client_id = $1
            AND last_message_at < (SELECT border FROM asked) AND last_message_at <= (SELECT until FROM probed)
      ORDER BY last_message_at DESC NULLS LAST, id LIMIT (SELECT further FROM probed))
     UNION ALL
     (SELECT id, last_message_at, email_lower AS searched
      FROM contacts
      WHERE client_id = $1 AND last_message_at IS NULL
      ORDER BY last_message_at DESC NULLS LAST, id LIMIT (SELECT further FROM probed))
     LIMIT (SELECT further FROM probed)
 ) AS further
 WHERE searched LIKE (SELECT pattern FROM asked) AND id NOT IN (SELECT id FROM probe)
 LIMIT (SELECT missing FROM probed));
