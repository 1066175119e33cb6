-- Databases of before this step may have these.
DROP INDEX IF EXISTS contacts_email_trgm, contacts_phone_trgm;
DROP INDEX contacts_recent;

-- What the search looks at. An email is compared in lower case, as ILIKE does it; kept so, it need not be lowered for
-- each row that is looked at.
ALTER TABLE contacts ADD COLUMN email_lower text GENERATED ALWAYS AS (lower(email)) STORED;

-- For frequent terms: the contacts by their latest message, read without the table.
CREATE INDEX contacts_recent ON contacts (client_id, last_message_at DESC NULLS LAST, id)
    INCLUDE (phone, email_lower);

-- Periods of 2^21 seconds (24 days), since such a function can be immutable, which one of months can't. All times
-- before 2020 are in one period. The functions here call none of ours: indexes are restored without a search_path.
CREATE FUNCTION contact_period(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT greatest(extract(epoch FROM at)::bigint >> 21, 752)::integer $$;

-- What the grams of one period's contacts begin with, so that the index has a list of contacts for each gram and
-- period, and the newest can be asked for alone. Clients share sixteen beginnings: with one for each client the lists
-- of small ones, who don't need them, would take more room than all others.
CREATE FUNCTION contact_gram_prefix(client_id uuid, period integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT right(client_id::text, 1) || coalesce(period::text, '') $$;

-- All pieces of four characters of the email (e) and of the phone (p), and the shorter ones at their ends, so that at
-- each place where a term can begin a piece begins. A number that repeats a digit five times or more has few different
-- pieces: the runs (r) tell it apart.
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

-- For rare terms: the grams of each contact that has a phone or an email. A table of its own, and narrow: candidates are
-- read fast, and a message changes nothing here that the index has, but once in a period.
CREATE TABLE contact_texts (
    client_id uuid NOT NULL,
    id uuid NOT NULL,
    last_message_at timestamptz,
    gram_prefix text NOT NULL,
    phone text,
    email_lower text,
    CONSTRAINT contact_texts_pkey PRIMARY KEY (client_id, id)
) WITH (fillfactor = 90);

INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower)
SELECT client_id, id, last_message_at, contact_gram_prefix(client_id, contact_period(last_message_at)) AS gram_prefix,
       phone, email_lower
FROM contacts
WHERE coalesce(phone, email_lower) IS NOT NULL
-- Contacts of one period beside each other are read faster, and their grams sorted in faster.
ORDER BY gram_prefix;

-- fastupdate would keep a list of what is still to be sorted in, which every search had to read for each period.
CREATE INDEX contact_texts_grams ON contact_texts USING gin (contact_grams(gram_prefix, phone, email_lower))
    WITH (fastupdate = off);
-- No plan looks at statistics of grams, and to gather them ANALYZE would make the grams of many contacts.
ALTER INDEX contact_texts_grams ALTER COLUMN 1 SET STATISTICS 0;

-- contact_texts follows contacts, whoever writes them.
CREATE FUNCTION contact_texts_follow() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    is_gone CONSTANT boolean := TG_OP = 'DELETE' OR coalesce(NEW.phone, NEW.email_lower) IS NULL;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (is_gone OR (NEW.client_id, NEW.id) <> (OLD.client_id, OLD.id)) THEN
        DELETE FROM contact_texts WHERE client_id = OLD.client_id AND id = OLD.id;
    END IF;
    IF NOT is_gone THEN
        INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower)
        VALUES (NEW.client_id, NEW.id, NEW.last_message_at,
                contact_gram_prefix(NEW.client_id, contact_period(NEW.last_message_at)), NEW.phone, NEW.email_lower)
        ON CONFLICT (client_id, id) DO UPDATE
        SET last_message_at = excluded.last_message_at, gram_prefix = excluded.gram_prefix, phone = excluded.phone,
            email_lower = excluded.email_lower;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER contacts_texts_of_new AFTER INSERT OR DELETE ON contacts
    FOR EACH ROW EXECUTE FUNCTION contact_texts_follow();
CREATE TRIGGER contacts_texts_of_changed AFTER UPDATE ON contacts
    FOR EACH ROW
    WHEN ((OLD.client_id, OLD.id, OLD.phone, OLD.email, OLD.last_message_at)
          IS DISTINCT FROM (NEW.client_id, NEW.id, NEW.phone, NEW.email, NEW.last_message_at))
    EXECUTE FUNCTION contact_texts_follow();
