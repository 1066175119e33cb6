DROP TRIGGER api_keys_credential_version ON api_keys;
CREATE TRIGGER api_keys_credential_version
    AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF client_id, key_hash, label, scopes, expires_at, revoked_at ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();
ALTER TABLE api_keys DROP COLUMN rate_limit;
