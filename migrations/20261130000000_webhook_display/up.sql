-- What tells a client's webhooks apart in `contact-search webhook list`: the last four characters of the token, and
-- when a server last accepted a delivery. `token_end` is null for a webhook from before this migration.
ALTER TABLE webhooks ADD COLUMN token_end text;
ALTER TABLE webhooks ADD COLUMN last_delivery_at timestamptz;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_token_end_check CHECK (token_end ~ '^[0-9A-Za-z]{4}$');

UPDATE schema_requirement SET oldest_program = '20261129000000';
