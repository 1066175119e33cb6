-- Takes the identity from contacts whose own change gives it up, if another change takes it: two contacts can swap
-- their numbers. PostgreSQL checks a unique index row by row. So such a contact gets an external id of its own until
-- apply.sql writes its change. $1: client.
UPDATE contacts
SET external_user_id = 'recheck ' || contacts.id
FROM (
    SELECT id, old_phone, phone_as_given, old_external_user_id
    FROM recheck_changes leaving
    WHERE EXISTS (
        SELECT 1
        FROM recheck_changes taking
        WHERE taking.platform = leaving.platform AND taking.identity = leaving.old_identity
            AND taking.id <> leaving.id)
) AS changes
WHERE contacts.client_id = $1 AND contacts.id = changes.id
    AND contacts.phone IS NOT DISTINCT FROM changes.old_phone
    AND contacts.phone_as_given IS NOT DISTINCT FROM changes.phone_as_given
    AND contacts.external_user_id IS NOT DISTINCT FROM changes.old_external_user_id;
