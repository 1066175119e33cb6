-- The rows whose phone is not written, because their contact has a better one. $1: how many rows to return.
SELECT row, count(*) OVER () AS count
FROM import_rows rows
JOIN import_groups USING (kind, platform, identity)
JOIN import_contacts merged USING (entity)
WHERE rows.phone_worth < merged.phone_worth
ORDER BY row
LIMIT $1;
