-- The rows from $1 to $2 with the texts that are compared, at most $3 of them.
SELECT NULL::uuid AS contact_id, row AS record_id, name, email, external_user_id,
    CASE WHEN phone_worth > 0 THEN phone END AS phone, phone_key, phone_extension
FROM import_rows
WHERE row BETWEEN $1 AND $2
ORDER BY row
LIMIT $3;
