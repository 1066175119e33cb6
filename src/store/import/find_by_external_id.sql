-- Pass 1: the contact of each external id. Otherwise the contact of the channel that has the phone and no external id,
-- which adopts the id. $1: client.
INSERT INTO import_groups
    (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, phone, email, adopts)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at,
        (array_agg(phone ORDER BY row DESC) FILTER (WHERE phone IS NOT NULL))[1] AS phone
    FROM import_rows
    WHERE kind = 1
    GROUP BY platform, identity
), known AS (
    SELECT groups.*, known.id, known.serial_id, known.created_at AS known_since, known.phone AS known_phone,
           known.email AS known_email,
           -- A contact adopts only one id: of several unknown ids with its phone, the file's first.
           known.id IS NULL AND row_number() OVER (
               PARTITION BY groups.platform, groups.phone, known.id IS NULL ORDER BY first_row) = 1 AS may_adopt
    FROM groups
    LEFT JOIN contacts known
        ON known.client_id = $1 AND known.platform = groups.platform AND known.external_user_id = identity
)
SELECT 1, known.platform, identity, first_row, first_row, coalesce(known.id, adopted.id),
       coalesce(known.serial_id, adopted.serial_id),
       coalesce(known.known_since, adopted.created_at, known.created_at, now()),
       coalesce(known.phone, known.known_phone), lower(coalesce(known.known_email, adopted.email)),
       adopted.id IS NOT NULL
FROM known
LEFT JOIN contacts adopted
    ON may_adopt AND adopted.client_id = $1 AND adopted.platform = known.platform
    AND adopted.phone = known.phone AND adopted.external_user_id IS NULL;
