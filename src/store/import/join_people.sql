-- Gives the contacts of one person one ai_customer_id: that of the person's oldest contact with the same name, or else
-- the id that the rows have for the person. A contact keeps an id that it has, and so do rows that give one. Another
-- name on a phone is another person who shares the phone. $1: client.
WITH members AS (
    SELECT merged.entity, merged.person, merged.name, known.name AS known_name, known.ai_customer_id,
           known.created_at, known.serial_id
    FROM import_contacts merged
    JOIN import_groups groups ON groups.first_row = merged.entity
    LEFT JOIN contacts known ON known.client_id = $1 AND known.id = groups.contact_id
    WHERE merged.person IS NOT NULL AND merged.ai_customer_id IS NULL
), joined AS (
    SELECT DISTINCT ON (person) person, ai_customer_id
    FROM members
    WHERE ai_customer_id IS NOT NULL AND known_name IS NOT DISTINCT FROM coalesce(name, known_name)
    ORDER BY person, created_at, serial_id
)
UPDATE import_contacts merged
SET ai_customer_id = coalesce(joined.ai_customer_id, members.person)
FROM members
LEFT JOIN joined USING (person)
WHERE members.entity = merged.entity AND members.ai_customer_id IS NULL;
