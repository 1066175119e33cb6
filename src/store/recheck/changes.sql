-- Makes the table of the contacts that the current rules read differently. It exists until the transaction ends. The
-- columns `old_…` have stored values, and the others have the contact's values after the change. `line` is the match
-- key and the extension of a phone that identifies the contact. `identity` is equal for contacts of one identity.
CREATE TEMPORARY TABLE recheck_changes (
    id uuid PRIMARY KEY,
    platform text NOT NULL,
    old_external_user_id text,
    old_phone text,
    old_line text,
    old_identity text,
    phone_as_given text,
    phone text,
    phone_key text,
    phone_extension text,
    phone_identifies boolean NOT NULL,
    external_user_id text,
    email_lower text,
    line text,
    identity text
) ON COMMIT DROP
