-- Servers keep verified keys in memory, and look here twice a second to see whether they still may: another version
-- at every change of what a key means. A random one, so that none comes twice, not even after a return to a backup or
-- to a standby that had not seen the last changes. `last_used_at` means nothing and changes nothing here.
CREATE TABLE credential_version (
    is_only boolean NOT NULL DEFAULT true,
    version uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT credential_version_pkey PRIMARY KEY (is_only),
    CONSTRAINT credential_version_only_check CHECK (is_only)
);
INSERT INTO credential_version DEFAULT VALUES;

-- Whatever the search_path of whoever changes a key by hand: the table is where the changed one is.
CREATE FUNCTION credential_version_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('UPDATE %I.credential_version SET version = gen_random_uuid()', TG_TABLE_SCHEMA);
    RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_credential_version
    AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF client_id, key_hash, label, scopes, expires_at, revoked_at ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();
-- A client that goes takes its keys along, which is a change of theirs.
CREATE TRIGGER clients_credential_version AFTER UPDATE OF default_region ON clients
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();
