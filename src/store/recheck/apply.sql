-- Writes the changes to the contacts that still have the phone and the external id that the recheck read, or that
-- vacate.sql has prepared. $1: client.
UPDATE contacts
SET phone = changes.phone, phone_key = changes.phone_key, phone_extension = changes.phone_extension,
    phone_identifies = changes.phone_identifies, external_user_id = changes.external_user_id, updated_at = now()
FROM recheck_changes changes
WHERE contacts.client_id = $1 AND contacts.id = changes.id
    AND contacts.phone IS NOT DISTINCT FROM changes.old_phone
    AND contacts.phone_as_given IS NOT DISTINCT FROM changes.phone_as_given
    AND (contacts.external_user_id IS NOT DISTINCT FROM changes.old_external_user_id
         OR contacts.external_user_id = 'recheck ' || contacts.id);
