-- Writes the changes to the contacts that still have the `phone_as_given` and the external id that the recheck read.
-- $1: client.
UPDATE contacts
SET phone = changes.phone, phone_key = changes.phone_key, phone_extension = changes.phone_extension,
    phone_identifies = changes.phone_identifies, external_user_id = changes.external_user_id, updated_at = now()
FROM recheck_changes changes
WHERE contacts.client_id = $1 AND contacts.id = changes.id AND contacts.phone_as_given = changes.phone_as_given
    AND contacts.external_user_id IS NOT DISTINCT FROM changes.old_external_user_id;
