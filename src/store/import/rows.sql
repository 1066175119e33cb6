-- The rows of an import, until its transaction ends. `kind` is the pass that a row belongs to, and `identity`
-- identifies its contact. Rows of one kind, platform and identity are a group, and refer to one contact. `phone_worth`
-- is 2 for a valid number, 1 for another phone that identifies a contact, and 0 for a phone that identifies nobody.
-- `line` is the match key and the extension of a phone that identifies a contact.
--
-- `person` is the same for the contacts of one person.
--
-- A sort or hash of the merge may take 64 MB; more goes to disk. Compiling the merge's statements takes longer than it
-- saves.
SET LOCAL work_mem = '64MB';
SET LOCAL jit = off;
CREATE TEMPORARY TABLE import_rows (
    row bigint NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    external_user_id text,
    phone text,
    phone_key text,
    phone_as_given text,
    phone_extension text,
    phone_worth smallint,
    email text,
    name text,
    source text,
    chat_status text,
    blocked boolean,
    is_chat_read boolean,
    contact_list text,
    default_stage_id uuid,
    ai_customer_id uuid,
    created_at timestamptz,
    last_message_at timestamptz,
    last_inbound_at timestamptz,
    person uuid,
    kind smallint GENERATED ALWAYS AS (
        CASE WHEN external_user_id IS NOT NULL THEN 1 WHEN phone_worth > 0 THEN 2 ELSE 3 END) STORED,
    identity text GENERATED ALWAYS AS (
        CASE
            WHEN external_user_id IS NOT NULL THEN external_user_id
            WHEN phone_worth > 0 THEN phone || coalesce(';' || phone_extension, '')
            ELSE lower(email)
        END) STORED,
    line text GENERATED ALWAYS AS (
        CASE WHEN phone_worth > 0 THEN phone_key || coalesce(';' || phone_extension, '') END) STORED
) ON COMMIT DROP;
