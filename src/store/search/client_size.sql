-- Counts a client's contacts and stops at a limit. $1: client, $2: limit.
-- The ORDER BY is the walk's, so that the same index is read.
SELECT count(*) AS count
FROM (SELECT 1 FROM contacts
      WHERE client_id = $1
      ORDER BY last_message_at DESC NULLS LAST, id
      LIMIT $2) AS recent;
