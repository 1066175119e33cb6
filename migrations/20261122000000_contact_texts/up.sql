-- Databases that are older than this migration can have these indexes.
DROP INDEX IF EXISTS contacts_email_trgm, contacts_phone_trgm;
DROP INDEX contacts_recent;

-- The email as the search compares it: in lower case, like ILIKE. A stored column saves lowering it for each row that a
-- search reads.
ALTER TABLE contacts ADD COLUMN email_lower text GENERATED ALWAYS AS (lower(email)) STORED;

-- For frequent terms: an index-only scan of the contacts by their latest message.
CREATE INDEX contacts_recent ON contacts (client_id, last_message_at DESC NULLS LAST, id)
    INCLUDE (phone, email_lower);

-- The number of a timestamp's period of 2^21 seconds (24 days). Unlike a month, such a period doesn't depend on the
-- session's time zone, so the function can be immutable. All times before 2020 are in one period.
CREATE FUNCTION contact_period(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT greatest(extract(epoch FROM at)::bigint >> 21, 752)::integer $$;

-- The prefix of the grams of one period's contacts. With it the index has a list of contacts for each gram and period,
-- and a search can scan the newest period alone. Clients share sixteen prefixes. With a prefix for each client, every
-- small client would have lists of its own. These would take more space than all other lists, and a client that is
-- scanned whole needs none.
CREATE FUNCTION contact_gram_prefix(client_id uuid, period integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT right(client_id::text, 1) || coalesce(period::text, '') $$;

-- All pieces of four characters of the email (e) and of the phone (p), and the shorter pieces at their ends, so that a
-- piece starts at each position where a term can start. A number that repeats a digit five times or more has few
-- distinct pieces; its runs of a digit (r) distinguish it. The index of grams uses this function. So it calls no other
-- function of this schema: a restore builds indexes without a search_path, and would not find that function.
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

-- For rare terms: the texts of each contact with a phone or an email, for the index of grams. The table is separate and
-- narrow, so that candidates are read fast. A message changes an indexed value here only once in a period.
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
-- Ordered by period: PostgreSQL then reads the contacts of one period faster, and inserts their grams faster.
ORDER BY gram_prefix;

-- fastupdate would keep a list of pending entries, which every search would have to read for each period.
CREATE INDEX contact_texts_grams ON contact_texts USING gin (contact_grams(gram_prefix, phone, email_lower))
    WITH (fastupdate = off);
-- No plan uses statistics of grams. To collect them, ANALYZE would compute the grams of many contacts.
ALTER INDEX contact_texts_grams ALTER COLUMN 1 SET STATISTICS 0;

-- Keeps contact_texts in step with contacts, for every writer.
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
