-- Makes the tables of a recheck, which exist until the transaction ends.
--
-- recheck_changes has the contacts that the current rules read differently. The columns `old_…` have stored values, and
-- the others have the contact's values after the change. `line` is the match key and the extension of a phone that
-- identifies the contact. `identity` is equal for contacts of one identity.
--
-- recheck_unchanged has the contacts that stay on the lines to which changes move other contacts.
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
) ON COMMIT DROP;
CREATE TEMPORARY TABLE recheck_unchanged (
    id uuid PRIMARY KEY,
    platform text NOT NULL,
    external_user_id text,
    phone text NOT NULL,
    phone_key text NOT NULL,
    phone_extension text
) ON COMMIT DROP
