-- Makes the contact lists that the rows name, and returns the new ones. $1: client.
INSERT INTO contact_lists (client_id, name)
SELECT $1::uuid, contact_list FROM import_rows
WHERE contact_list IS NOT NULL
GROUP BY contact_list
ORDER BY min(row)
ON CONFLICT DO NOTHING
RETURNING id;
