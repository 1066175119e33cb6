-- Fails if two contacts have one phone and differ only in their extension, or share a phone that identifies nobody.
DROP INDEX contacts_phone_identity;
DROP INDEX contacts_email_identity;
CREATE UNIQUE INDEX contacts_phone_identity ON contacts (client_id, platform, phone)
    WHERE external_user_id IS NULL AND phone IS NOT NULL;
CREATE UNIQUE INDEX contacts_email_identity ON contacts (client_id, platform, lower(email))
    WHERE external_user_id IS NULL AND phone IS NULL;

ALTER TABLE contacts DROP COLUMN phone_extension;
ALTER TABLE contacts DROP COLUMN phone_identifies;
