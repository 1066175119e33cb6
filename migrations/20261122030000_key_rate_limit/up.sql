-- Requests per minute that the key may send to each server. 0 means no limit; null means the server's default limit.
ALTER TABLE api_keys
    ADD COLUMN rate_limit integer,
    ADD CONSTRAINT api_keys_rate_limit_check CHECK (rate_limit BETWEEN 0 AND 100000);

-- A change of the rate limit changes the version in credential_version too.
DROP TRIGGER api_keys_credential_version ON api_keys;
CREATE TRIGGER api_keys_credential_version
    AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF client_id, key_hash, label, scopes, expires_at, revoked_at, rate_limit ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();
