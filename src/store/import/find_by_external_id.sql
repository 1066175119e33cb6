-- Pass 1: the contact of each external id. Otherwise a contact of the channel that is on the line of the phone and has
-- no external id. That contact adopts the id. $1: client.
INSERT INTO import_groups
    (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, phone, line, phone_worth, email,
    adopts)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at,
        (array_agg(row ORDER BY phone_worth DESC, row DESC) FILTER (WHERE phone_worth > 0))[1] AS phone_row
    FROM import_rows
    WHERE kind = 1
    GROUP BY platform, identity
), known AS (
    SELECT groups.*, given.phone, given.phone_key, given.phone_extension, given.phone_worth, given.line, known.id,
           known.serial_id, known.created_at AS known_since, known.email AS known_email,
           CASE WHEN known.phone_identifies THEN known.phone END AS known_phone,
           CASE WHEN known.phone_identifies THEN known.phone_key || coalesce(';' || known.phone_extension, '')
               END AS known_line
    FROM groups
    LEFT JOIN import_rows given ON given.row = phone_row
    LEFT JOIN contacts known
        ON known.client_id = $1 AND known.platform = groups.platform AND known.external_user_id = groups.identity
), seeking AS (
    -- A contact adopts only one id. Of several unknown ids with its number it adopts the first one of the file.
    SELECT first_row, platform, phone, phone_key, phone_extension, line,
           row_number() OVER (PARTITION BY platform, phone, phone_extension ORDER BY first_row) AS place
    FROM known
    WHERE id IS NULL AND phone IS NOT NULL
), same AS (
    -- The contacts with the same number.
    SELECT first_row, id, serial_id, contacts.created_at, email
    FROM seeking
    JOIN contacts
        ON client_id = $1 AND contacts.platform = seeking.platform AND contacts.phone = seeking.phone
        AND coalesce(contacts.phone_extension, '') = coalesce(seeking.phone_extension, '') AND phone_identifies
        AND external_user_id IS NULL
    WHERE place = 1
), rest AS (
    SELECT *, row_number() OVER (PARTITION BY platform, line ORDER BY first_row) AS rest_place
    FROM seeking
    WHERE NOT EXISTS (SELECT 1 FROM same WHERE same.first_row = seeking.first_row)
), equivalent AS (
    -- The contacts on the line with an equivalent number, the oldest first.
    SELECT lines.platform, line, id, serial_id, contacts.created_at, email,
           row_number() OVER (PARTITION BY lines.platform, line ORDER BY contacts.created_at, serial_id) AS rest_place
    FROM (SELECT DISTINCT platform, line, phone_key, phone_extension FROM rest) AS lines
    JOIN contacts
        ON client_id = $1 AND contacts.platform = lines.platform AND contacts.phone_key = lines.phone_key
        AND coalesce(contacts.phone_extension, '') = coalesce(lines.phone_extension, '') AND phone_identifies
        AND external_user_id IS NULL
    WHERE NOT EXISTS (SELECT 1 FROM same WHERE same.id = contacts.id)
), adopted AS (
    SELECT * FROM same
    UNION ALL
    SELECT first_row, id, serial_id, created_at, email FROM rest JOIN equivalent USING (platform, line, rest_place)
)
SELECT 1, known.platform, identity, first_row, first_row, coalesce(known.id, adopted.id),
       coalesce(known.serial_id, adopted.serial_id),
       coalesce(known.known_since, adopted.created_at, known.created_at, now()),
       coalesce(known.phone, known.known_phone),
       CASE WHEN known.phone IS NULL THEN known.known_line ELSE known.line END, known.phone_worth,
       lower(coalesce(known.known_email, adopted.email)), adopted.id IS NOT NULL
FROM known
LEFT JOIN adopted USING (first_row);
