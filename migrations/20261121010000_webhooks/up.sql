-- The webhooks to which Meta delivers a client's WhatsApp messages. A reference table like api_keys. Only the SHA-256
-- of the URL's token is stored. The app secret is stored in plain text, since verifying Meta's signatures needs it.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    app_secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhooks_token_hash_key UNIQUE (token_hash),
    CONSTRAINT webhooks_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT webhooks_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT webhooks_app_secret_check CHECK (char_length(app_secret) BETWEEN 1 AND 256)
);
CREATE INDEX webhooks_client ON webhooks (client_id);
