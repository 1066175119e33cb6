-- The schema can be distributed by client_id over the nodes of a Citus cluster. On one PostgreSQL nothing else changes.

-- The ids come first in these keys. A search binds client_id, as a distributed table requires. With client_id first,
-- PostgreSQL would read all texts or words of a client by the key instead of the index of grams or of words. Such a
-- search takes up to 40 times as long.
ALTER TABLE contact_texts DROP CONSTRAINT contact_texts_pkey;
ALTER TABLE contact_texts ADD CONSTRAINT contact_texts_pkey PRIMARY KEY (id, client_id);
ALTER TABLE contact_words DROP CONSTRAINT contact_words_pkey;
ALTER TABLE contact_words ADD CONSTRAINT contact_words_pkey PRIMARY KEY (word, client_id, id);

-- Shards never have a trigger for TRUNCATE. A trigger that combines TRUNCATE with other events would be missing there.
DROP TRIGGER api_keys_credential_version ON api_keys;
CREATE TRIGGER api_keys_credential_version
    AFTER INSERT OR DELETE
    OR UPDATE OF client_id, key_hash, label, scopes, expires_at, revoked_at, rate_limit ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();
CREATE TRIGGER api_keys_credential_version_of_none AFTER TRUNCATE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION credential_version_change();

-- Citus copies this trigger to the shards, whose names have a number at the end. There it must do nothing: the TRUNCATE
-- of `contacts` itself truncates the other tables on all nodes.
CREATE OR REPLACE FUNCTION contact_texts_clear() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_TABLE_NAME = 'contacts' THEN
        TRUNCATE contact_texts, contacts_newest, contact_words, contact_words_left;
    END IF;
    RETURN NULL;
END
$$;

UPDATE schema_requirement SET oldest_program = '20261201000000';
