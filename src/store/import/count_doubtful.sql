-- Counts the rows that found their contact by an invalid phone number, if the contact and its rows together have more
-- than one email. Most files have no such phone. Then the statement reads only the rows' `phone_worth`.
WITH joined AS MATERIALIZED (
    SELECT entity
    FROM import_rows rows
    JOIN import_groups USING (kind, platform, identity)
    WHERE rows.phone_worth = 1 AND rows.email IS NOT NULL AND (kind = 2 OR adopts)
), emails AS (
    SELECT entity, lower(rows.email) AS email
    FROM import_rows rows
    JOIN import_groups USING (kind, platform, identity)
    WHERE rows.email IS NOT NULL AND entity IN (SELECT entity FROM joined)
    UNION
    SELECT entity, email
    FROM import_groups
    WHERE email IS NOT NULL AND entity IN (SELECT entity FROM joined)
)
SELECT count(*) AS count
FROM joined
WHERE entity IN (SELECT entity FROM emails GROUP BY entity HAVING count(*) > 1);
