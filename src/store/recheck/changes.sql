-- Makes the table of the contacts whose phone the current rules read differently. It exists until the transaction ends.
-- `old_external_user_id` is the stored external id. The other values are the contact's values after the change.
-- `identity` is equal for contacts of one identity.
CREATE TEMPORARY TABLE recheck_changes (
    id uuid NOT NULL,
    platform text NOT NULL,
    old_external_user_id text,
    phone_as_given text NOT NULL,
    phone text,
    phone_key text,
    phone_extension text,
    phone_identifies boolean NOT NULL,
    external_user_id text,
    email_lower text,
    identity text GENERATED ALWAYS AS (
        CASE
            WHEN external_user_id IS NOT NULL THEN 'id ' || external_user_id
            WHEN phone IS NOT NULL AND phone_identifies THEN 'phone ' || phone || coalesce(';' || phone_extension, '')
            ELSE 'email ' || email_lower
        END) STORED
) ON COMMIT DROP
