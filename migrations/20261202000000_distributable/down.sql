CREATE OR REPLACE FUNCTION contact_texts_clear() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    TRUNCATE contact_texts, contacts_newest, contact_words, contact_words_left;
    RETURN NULL;
END
$$;

DROP TRIGGER api_keys_credential_version_of_none ON api_keys;
DROP TRIGGER api_keys_credential_version ON api_keys;
CREATE TRIGGER api_keys_credential_version
    AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF client_id, key_hash, label, scopes, expires_at, revoked_at, rate_limit ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();

ALTER TABLE contact_words DROP CONSTRAINT contact_words_pkey;
ALTER TABLE contact_words ADD CONSTRAINT contact_words_pkey PRIMARY KEY (client_id, word, id);
ALTER TABLE contact_texts DROP CONSTRAINT contact_texts_pkey;
ALTER TABLE contact_texts ADD CONSTRAINT contact_texts_pkey PRIMARY KEY (client_id, id);

UPDATE schema_requirement SET oldest_program = '20261201000000';
