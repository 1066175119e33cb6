-- The tables of the merge, until its transaction ends.
--
-- import_groups has the groups of rows and the contact of each. Groups with the same `entity` refer to the same
-- contact. `entity` is the `first_row` of one of these groups. It is a group of the earliest pass, and of that pass the
-- group that stands first in the file. `contact_id` is null for a new contact. `serial_id`, `created_at`, `phone` and
-- `line` are the contact's values after the passes. Only the second pass reads `phone` and `line`, so the second and
-- the third pass leave them null. `email` is the contact's email before the passes, in lower case.
--
-- import_contacts has the merged values of all groups with one `entity`. `phone_row` is the row that gave the phone.
--
-- import_kept has the entities whose contact stores a better phone than the rows give, and the worth of that phone.
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
    line text,
    phone_worth smallint,
    email text,
    adopts boolean NOT NULL DEFAULT false
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_contacts (
    entity bigint NOT NULL,
    external_user_id text,
    phone text,
    phone_key text,
    phone_as_given text,
    phone_extension text,
    phone_worth smallint,
    phone_row bigint,
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
    last_inbound_at timestamptz,
    person uuid
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_kept (
    entity bigint NOT NULL,
    phone_worth smallint NOT NULL
) ON COMMIT DROP;
