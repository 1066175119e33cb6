-- Servers cache verified keys, and poll this version every 0.4 s to see whether the cache is still valid. Every change
-- of a key's rights makes a new version. Versions are random, so that none repeats, even after a restore of a backup or
-- a failover to a standby that lacks the last changes. `last_used_at` grants no right and doesn't change the version.
CREATE TABLE credential_version (
    is_only boolean NOT NULL DEFAULT true,
    version uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT credential_version_pkey PRIMARY KEY (is_only),
    CONSTRAINT credential_version_only_check CHECK (is_only)
);
INSERT INTO credential_version DEFAULT VALUES;

-- Uses the schema of the changed table, so that it works under any search_path of an operator who edits keys by hand.
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
-- Deleting a client needs no trigger here: it deletes the client's keys, and their trigger fires.
CREATE TRIGGER clients_credential_version AFTER UPDATE OF default_region ON clients
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();
