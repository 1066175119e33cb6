-- An organisation. A reference table: small, and other tables refer to it.
CREATE TABLE clients (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    default_region text NOT NULL DEFAULT 'AR',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT clients_name_key UNIQUE (name),
    CONSTRAINT clients_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT clients_default_region_check CHECK (default_region ~ '^[A-Z]{2}$')
);

-- The keys that callers authenticate with. Only the SHA-256 of a key is stored. `display` is its prefix and last four
-- characters, enough to recognise it in a list.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    label text NOT NULL DEFAULT '',
    display text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    CONSTRAINT api_keys_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
    CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY['lookup', 'search', 'write'] AND cardinality(scopes) > 0)
);
CREATE INDEX api_keys_client ON api_keys (client_id);

-- Every following table has client_id first in its keys, so that the schema can be distributed by client_id. For the
-- same reason ids are sequences and not identity columns.
CREATE TABLE contact_lists (
    client_id uuid NOT NULL,
    id bigserial NOT NULL,
    name text NOT NULL,
    CONSTRAINT contact_lists_pkey PRIMARY KEY (client_id, id),
    CONSTRAINT contact_lists_name_key UNIQUE (client_id, name),
    CONSTRAINT contact_lists_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT contact_lists_name_check CHECK (char_length(name) BETWEEN 1 AND 200)
);

-- One person on one channel. `phone` is E.164 if the number is valid, otherwise the digits as given. `phone_key` is
-- equal for all notations that reach one line. The times of the last message and of the last inbound message are a
-- summary: messages are not stored.
CREATE TABLE contacts (
    client_id uuid NOT NULL,
    id uuid NOT NULL,
    serial_id bigserial NOT NULL,
    contact_list_id bigint NOT NULL,
    name text,
    phone text,
    phone_key text,
    phone_as_given text,
    email text,
    platform text NOT NULL DEFAULT 'other',
    external_user_id text,
    source text,
    chat_status text NOT NULL DEFAULT 'UNATTENDED',
    blocked boolean NOT NULL DEFAULT false,
    is_chat_read boolean NOT NULL DEFAULT true,
    ai_customer_id uuid,
    default_stage_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_message_at timestamptz,
    last_inbound_at timestamptz,
    CONSTRAINT contacts_pkey PRIMARY KEY (client_id, id),
    CONSTRAINT contacts_serial_id_key UNIQUE (client_id, serial_id),
    CONSTRAINT contacts_contact_list_fkey FOREIGN KEY (client_id, contact_list_id)
        REFERENCES contact_lists (client_id, id),
    CONSTRAINT contacts_identity_check CHECK (coalesce(external_user_id, phone, email) IS NOT NULL),
    CONSTRAINT contacts_phone_check CHECK (
        (phone IS NULL) = (phone_key IS NULL) AND phone ~ '^\+?[0-9]+$' AND phone_key ~ '^[0-9]+$'
        AND char_length(phone) <= 257 AND char_length(phone_key) <= 256),
    CONSTRAINT contacts_last_inbound_check CHECK (
        last_inbound_at IS NULL OR (last_message_at IS NOT NULL AND last_inbound_at <= last_message_at)),
    CONSTRAINT contacts_text_check CHECK (
        char_length(name) <= 512 AND char_length(phone_as_given) <= 256 AND char_length(email) BETWEEN 1 AND 320
        AND char_length(platform) BETWEEN 1 AND 64 AND char_length(external_user_id) BETWEEN 1 AND 256
        AND char_length(source) BETWEEN 1 AND 64 AND char_length(chat_status) BETWEEN 1 AND 64)
);

-- A contact's identity within client and platform: its external id, otherwise its phone, otherwise its email.
CREATE UNIQUE INDEX contacts_external_identity ON contacts (client_id, platform, external_user_id)
    WHERE external_user_id IS NOT NULL;
CREATE UNIQUE INDEX contacts_phone_identity ON contacts (client_id, platform, phone)
    WHERE external_user_id IS NULL AND phone IS NOT NULL;
CREATE UNIQUE INDEX contacts_email_identity ON contacts (client_id, platform, lower(email))
    WHERE external_user_id IS NULL AND phone IS NULL;

-- For the lookup, and for writes that find a contact by its phone or email.
CREATE INDEX contacts_phone_key ON contacts (client_id, phone_key) WHERE phone_key IS NOT NULL;
CREATE INDEX contacts_email ON contacts (client_id, lower(email)) WHERE email IS NOT NULL;

-- For lists of contacts, newest first.
CREATE INDEX contacts_recent ON contacts (client_id, last_message_at DESC NULLS LAST, id) INCLUDE (phone, email);
CREATE INDEX contacts_contact_list ON contacts (client_id, contact_list_id);
