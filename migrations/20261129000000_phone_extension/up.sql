-- An extension is part of a contact's identity and not of its match key: two extensions of a switchboard are two
-- contacts on one line. A phone that identifies nobody, such as `0`, is stored, but it is no identity. Without a phone
-- `phone_identifies` is true. Rows from before this migration keep their identity until
-- `contact-search phones recheck --apply` reads their phones again.
ALTER TABLE contacts ADD COLUMN phone_extension text;
ALTER TABLE contacts ADD COLUMN phone_identifies boolean NOT NULL DEFAULT true;
ALTER TABLE contacts ADD CONSTRAINT contacts_phone_extension_check CHECK (
    phone_extension IS NULL OR (phone IS NOT NULL AND phone_extension ~ '^[0-9]{1,8}$'));

DROP INDEX contacts_phone_identity;
DROP INDEX contacts_email_identity;
CREATE UNIQUE INDEX contacts_phone_identity ON contacts (client_id, platform, phone, coalesce(phone_extension, ''))
    WHERE external_user_id IS NULL AND phone IS NOT NULL AND phone_identifies;
CREATE UNIQUE INDEX contacts_email_identity ON contacts (client_id, platform, lower(email))
    WHERE external_user_id IS NULL AND (phone IS NULL OR NOT phone_identifies);
