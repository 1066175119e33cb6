-- The contacts of the peer, in a table of their own, so that its indexes slow down no other measurement.
CREATE SCHEMA peer;
CREATE EXTENSION pg_trgm SCHEMA peer;
CREATE EXTENSION btree_gin SCHEMA peer;
CREATE TABLE peer.contacts AS
    SELECT id, serial_id, client_id, name, phone, email, platform, source, contact_list_id, blocked, is_chat_read,
           created_at, last_message_at, last_inbound_at
    FROM public.contacts;
ALTER TABLE peer.contacts ADD PRIMARY KEY (id);
CREATE INDEX ON peer.contacts (client_id, phone);
CREATE INDEX ON peer.contacts (client_id, last_message_at DESC NULLS LAST);
CREATE INDEX ON peer.contacts USING gin (client_id peer.uuid_ops, email peer.gin_trgm_ops);
CREATE INDEX ON peer.contacts USING gin (client_id peer.uuid_ops, phone peer.gin_trgm_ops);
