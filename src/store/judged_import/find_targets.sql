-- Assigns each row the contact that it is written to, by the verdict of its line.
--
-- A line with one contact takes the first contact that the verdict names, or the contact of the line that it repeats. A
-- line has several contacts if it has several phones and no external id. Each of these phones goes to the matching
-- contact that has the phone. Every other phone becomes a further contact of the person. If no matching contact has one
-- of the phones, the first phone goes to the contact that a line with one phone would take.
--
-- Lines about one person share a further contact. Two lines are about one person if their first matching contact is the
-- same, or if one repeats the other. Lines of different people never share one, because the last one would overwrite
-- the others. find_collisions then names the lines.
INSERT INTO import_targets (row, parent, contact_id)
WITH RECURSIVE people AS (
    -- The person of each line: the first matching contact, or the line of a new person.
    SELECT line AS file_line, coalesce(contact_ids[1]::text, line::text) AS person
    FROM check_verdicts
    WHERE verdict <> 'duplicate_in_file'
    UNION ALL
    SELECT line, person
    FROM people
    JOIN check_verdicts ON duplicate_of = file_line
    WHERE verdict = 'duplicate_in_file'
), judged AS (
    SELECT row, file_line, rows.line AS phone_line, verdict, contact_ids, duplicate_of,
           min(row) OVER of_line AS first_row,
           external_user_id IS NULL AND count(*) OVER of_line > 1 AS has_several
    FROM import_rows rows
    JOIN check_verdicts verdicts ON verdicts.line = file_line
    WINDOW of_line AS (PARTITION BY file_line)
), owners AS (
    -- The matching contact that has the row's phone.
    SELECT DISTINCT ON (row) row, owner.contact_id AS owner
    FROM judged
    CROSS JOIN unnest(contact_ids) WITH ORDINALITY AS matches (contact_id, place)
    JOIN judged_contacts owner
        ON owner.contact_id = matches.contact_id AND owner.phone IS NOT NULL
        AND owner.phone_key || coalesce(';' || owner.phone_extension, '') = phone_line
    WHERE has_several AND verdict IN ('exact', 'likely')
    ORDER BY row, place
), earlier AS (
    -- The row of the repeated line that has the row's phone.
    SELECT DISTINCT ON (judged.row) judged.row, repeated.row AS earlier
    FROM judged
    JOIN judged repeated ON repeated.file_line = judged.duplicate_of AND repeated.phone_line = judged.phone_line
    WHERE judged.verdict = 'duplicate_in_file'
    ORDER BY judged.row, repeated.row
), phones AS (
    SELECT person, phone_line, min(row) AS first_with_phone
    FROM judged
    JOIN people USING (file_line)
    WHERE phone_line IS NOT NULL
    GROUP BY person, phone_line
), found AS (
    SELECT judged.*, owner, earlier, repeated.first_row AS repeated, first_with_phone,
           bool_or(owner IS NOT NULL OR earlier IS NOT NULL) OVER (PARTITION BY judged.file_line) AS has_known_phone
    FROM judged
    LEFT JOIN owners USING (row)
    LEFT JOIN earlier USING (row)
    JOIN people USING (file_line)
    LEFT JOIN phones USING (person, phone_line)
    LEFT JOIN judged repeated ON repeated.file_line = judged.duplicate_of AND repeated.row = repeated.first_row
)
SELECT row,
    CASE
        WHEN NOT has_several AND row <> first_row THEN first_row
        WHEN verdict = 'duplicate_in_file' AND earlier IS NOT NULL THEN earlier
        WHEN verdict = 'duplicate_in_file' AND row = first_row AND NOT (has_several AND has_known_phone) THEN repeated
        WHEN has_several AND verdict <> 'new' AND owner IS NULL AND (has_known_phone OR row <> first_row)
            THEN least(first_with_phone, row)
        ELSE row
    END,
    CASE
        WHEN verdict NOT IN ('exact', 'likely') THEN NULL
        WHEN has_several AND has_known_phone THEN owner
        WHEN row = first_row THEN contact_ids[1]
    END
FROM found;
