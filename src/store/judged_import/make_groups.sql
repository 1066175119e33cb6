-- Makes a group of each row. Rows of one contact have one entity. $1: client.
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at)
WITH known AS (
    SELECT targets.row, targets.parent, first.contact_id
    FROM import_targets targets
    JOIN import_targets first ON first.row = targets.parent
), entities AS (
    SELECT row, contact_id,
           CASE WHEN contact_id IS NULL THEN parent ELSE min(row) OVER (PARTITION BY contact_id) END AS entity
    FROM known
)
SELECT kind, rows.platform, identity, row, entity, contact_id, serial_id,
       coalesce(contacts.created_at, min(rows.created_at) OVER (PARTITION BY entity), now())
FROM entities
JOIN import_rows rows USING (row)
LEFT JOIN contacts ON client_id = $1 AND contacts.id = contact_id;
