-- The tables of the merge, until its transaction ends.
--
-- import_groups has the groups of rows and the contact of each. Groups with the same `entity` refer to the same
-- contact. `entity` is the `first_row` of the group for which the earliest pass found or made the contact. `contact_id`
-- is null for a new contact. `serial_id`, `created_at` and `phone` are the contact's values after the passes. `email`
-- is the contact's email before them, in lower case.
--
-- import_contacts has the merged values of all groups with one `entity`.
CREATE TEMPORARY TABLE import_groups (
    kind smallint NOT NULL,
    platform text NOT NULL,
    identity text NOT NULL,
    first_row bigint NOT NULL,
    entity bigint NOT NULL,
    contact_id uuid,
    serial_id bigint,
    created_at timestamptz NOT NULL,
    phone text,
    email text,
    adopts boolean NOT NULL DEFAULT false
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_contacts (
    entity bigint NOT NULL,
    external_user_id text,
    phone text,
    phone_key text,
    phone_as_given text,
    email text,
    name text,
    source text,
    chat_status text,
    blocked boolean,
    is_chat_read boolean,
    contact_list text,
    default_stage_id uuid,
    ai_customer_id uuid,
    last_message_at timestamptz,
    last_inbound_at timestamptz
) ON COMMIT DROP;
