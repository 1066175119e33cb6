-- Reads the names of contact lists. $1: client, $2: the lists.
SELECT id, name FROM contact_lists WHERE client_id = $1 AND id = ANY($2);
