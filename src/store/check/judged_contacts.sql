-- A copy of the contacts that rows are judged by, with the columns of contacts.sql.
CREATE TEMPORARY TABLE judged_contacts (
    contact_id uuid NOT NULL,
    record_id bigint NOT NULL,
    name text,
    email text,
    external_user_id text,
    phone text,
    phone_key text,
    phone_extension text
) ON COMMIT DROP;
