DROP TRIGGER contacts_texts_of_changed ON contacts;
CREATE TRIGGER contacts_texts_of_changed AFTER UPDATE ON contacts
    FOR EACH ROW
    WHEN ((OLD.client_id, OLD.id, OLD.phone, OLD.email, OLD.last_message_at)
          IS DISTINCT FROM (NEW.client_id, NEW.id, NEW.phone, NEW.email, NEW.last_message_at))
    EXECUTE FUNCTION contact_texts_follow();
CREATE OR REPLACE FUNCTION contact_texts_clear() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    TRUNCATE contact_texts, contacts_newest;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION contact_texts_follow() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    is_gone CONSTANT boolean := TG_OP = 'DELETE' OR coalesce(NEW.phone, NEW.email_lower) IS NULL;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (is_gone OR (NEW.client_id, NEW.id) <> (OLD.client_id, OLD.id)) THEN
        DELETE FROM contact_texts WHERE client_id = OLD.client_id AND id = OLD.id;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.last_message_at IS NOT NULL THEN
        DELETE FROM contacts_newest WHERE client_id = OLD.client_id AND id = OLD.id;
    END IF;
    IF is_gone THEN
        RETURN NULL;
    END IF;
    INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower)
    VALUES (NEW.client_id, NEW.id, NEW.last_message_at,
            contact_gram_prefix(NEW.client_id, contact_period(NEW.last_message_at)), NEW.phone, NEW.email_lower)
    ON CONFLICT (client_id, id) DO UPDATE
    SET last_message_at = excluded.last_message_at, gram_prefix = excluded.gram_prefix, phone = excluded.phone,
        email_lower = excluded.email_lower;
    IF NEW.last_message_at IS NOT NULL THEN
        INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower)
        SELECT NEW.client_id, NEW.id, NEW.last_message_at, NEW.phone, NEW.email_lower
        FROM contacts_newest_border
        WHERE since <= NEW.last_message_at;
    END IF;
    RETURN NULL;
END
$$;
DROP TABLE contact_words_left;
DROP TABLE contact_words;
DROP FUNCTION contact_word_keys(uuid, text, boolean);
DROP FUNCTION contact_dictionary_words(text, text);

CREATE FUNCTION contact_grams(prefix text, phone text, email_lower text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    of_email CONSTANT text := concat(prefix, E'e\\&\x01');
    of_phone CONSTANT text := concat(prefix, E'p\\&\x01');
    runs text;
BEGIN
    IF phone ~ '0{5}|1{5}|2{5}|3{5}|4{5}|5{5}|6{5}|7{5}|8{5}|9{5}' THEN
        SELECT string_agg(concat(prefix, 'r', run, E'\x01'), '')
        INTO runs
        FROM generate_series(0, 9) AS digit, generate_series(5, 10) AS length, repeat(digit::text, length) AS run
        WHERE strpos(phone, run) > 0;
    END IF;
    RETURN array_to_tsvector(array_remove(string_to_array(concat(
        regexp_replace(email_lower, '.{1,4}', of_email, 'g'),
        regexp_replace(substr(email_lower, 2), '.{1,4}', of_email, 'g'),
        regexp_replace(substr(email_lower, 3), '.{1,4}', of_email, 'g'),
        regexp_replace(substr(email_lower, 4), '.{1,4}', of_email, 'g'),
        regexp_replace(phone, '.{1,4}', of_phone, 'g'),
        regexp_replace(substr(phone, 2), '.{1,4}', of_phone, 'g'),
        regexp_replace(substr(phone, 3), '.{1,4}', of_phone, 'g'),
        regexp_replace(substr(phone, 4), '.{1,4}', of_phone, 'g'),
        runs), E'\x01'), ''));
END
$$;
DROP INDEX contact_texts_grams;
DROP FUNCTION contact_grams(text, text, text, text);
DROP FUNCTION contact_gram_query(text, text, text);
DROP FUNCTION contact_gram_steps(uuid, integer, integer, integer);
DROP FUNCTION contact_gram_prefix(uuid, integer, integer);
DROP FUNCTION contact_period_start(integer);
DROP TABLE contact_period_border;
CREATE FUNCTION contact_gram_prefix(client_id uuid, period integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT right(client_id::text, 1) || coalesce(period::text, '') $$;
ALTER TABLE contact_texts DROP COLUMN name_words;
DELETE FROM contact_texts WHERE coalesce(phone, email_lower) IS NULL;
CREATE OR REPLACE FUNCTION contact_period(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT greatest(extract(epoch FROM at)::bigint >> 21, 752)::integer $$;
UPDATE contact_texts SET gram_prefix = contact_gram_prefix(client_id, contact_period(last_message_at))
WHERE gram_prefix <> contact_gram_prefix(client_id, contact_period(last_message_at));
CREATE INDEX contact_texts_grams ON contact_texts USING gin (contact_grams(gram_prefix, phone, email_lower))
    WITH (fastupdate = off);
ALTER INDEX contact_texts_grams ALTER COLUMN 1 SET STATISTICS 0;
DELETE FROM contacts_newest WHERE coalesce(phone, email_lower) IS NULL;
ALTER TABLE contacts_newest DROP COLUMN name_words;

DROP INDEX contacts_recent;
CREATE INDEX contacts_recent ON contacts (client_id, last_message_at DESC NULLS LAST, id)
    INCLUDE (phone, email_lower);
ALTER TABLE contacts DROP COLUMN name_words;
DROP FUNCTION contact_name_words(text, text);
UPDATE schema_requirement SET oldest_program = '20261129000000';
