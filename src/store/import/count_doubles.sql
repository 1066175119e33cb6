-- Counts the contacts that other writers made while the import ran, and that the import would have updated instead of
-- making its own. $1: client. OFFSET 0 makes PostgreSQL look up each new contact by the index. A plain join compared
-- all new contacts with each other, because the planner expects few rows. This took minutes for 100,000 contacts.
-- Usually no double exists. Then a lookup finds only the new contact itself, and excludes it.
WITH made AS MATERIALIZED (
    SELECT first.id, first.platform, merged.external_user_id, merged.phone_key, merged.phone_extension
    FROM import_contacts merged
    JOIN import_groups groups ON groups.first_row = merged.entity
    JOIN import_rows first ON first.row = merged.entity
    WHERE contact_id IS NULL AND merged.phone_worth > 0
)
SELECT count(*) AS count
FROM made
CROSS JOIN LATERAL (
    SELECT 1 FROM contacts other
    WHERE other.client_id = $1 AND other.phone_key = made.phone_key
        AND coalesce(other.phone_extension, '') = coalesce(made.phone_extension, '') AND other.phone_identifies
        AND other.platform = made.platform AND other.id <> made.id
        AND (made.external_user_id IS NULL OR other.external_user_id IS NULL)
    OFFSET 0
) AS double;
