-- The texts by which people search for a contact: the words of its name and its external id.
--
-- The result is ` maria gonzalez `, \x01, and the external id in lower case between two blanks. Each word and the id
-- have a blank before and after them, so LIKE can tell a whole text and the beginning of a text from other pieces. Case
-- and accents are gone. A name has at most 128 characters here and an id at most 64, so that an index entry fits into a
-- page.
-- `src/domain/fold.rs` folds the words of a search in the same way, and a test compares the two.
--
-- A generated column uses this function, and a restore computes such columns without a search_path. So the function
-- calls no other function of this schema.
CREATE FUNCTION contact_name_words(name text, external_user_id text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    words text := translate(name, $q$'`’‘´ʼ$q$, '');
BEGIN
    IF coalesce(name, external_user_id) IS NULL THEN
        RETURN NULL;
    END IF;
    -- Most names have ASCII characters only, and need less work.
    IF octet_length(words) > char_length(words) THEN
        words := regexp_replace(
            normalize(words, NFKD),
            '[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u180b-\u180e\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]',
            '', 'g');
        words := translate(words, 'ŁłØøĐđÐðıĦħŦŧŊŋĸ', 'lloodddd' || 'ihhttnnk');
        words := replace(replace(replace(replace(lower(words), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
        -- The small sigma at the end of a word.
        words := translate(words, 'ς', 'σ');
        words := translate(words, E'\u0085\u00a0\u1680\u2028\u2029–—…·«»“”„¿¡•', repeat(' ', 17));
    ELSE
        words := lower(words);
    END IF;
    words := regexp_replace(words, E'[\\x01-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7f]+', ' ', 'g');
    RETURN concat(' ', btrim(left(btrim(words), 128)) || ' ', E'\x01',
                  ' ' || left(translate(lower(external_user_id), E'\x01', ''), 64) || ' ');
END
$$;

ALTER TABLE contacts ADD COLUMN name_words text
    GENERATED ALWAYS AS (contact_name_words(name, external_user_id)) STORED;

-- A search walks the contacts by their latest message, without reading the table.
DROP INDEX contacts_recent;
CREATE INDEX contacts_recent ON contacts (client_id, last_message_at DESC NULLS LAST, id)
    INCLUDE (phone, email_lower, name_words);

-- The grams of 20261122000000_contact_texts, and also:
-- - each word of the name (w), and the only word of a name with one word (n),
-- - the first run of letters before the `@` of the email, and each further one of three or more letters (l), unless it is
--   a word of the name,
-- - the first digits of the phone (f),
-- - the external id (x),
-- - a frequent provider of an email (v). Then the email has only the pieces that begin before its `@`: the others are
--   pieces of the provider (`src/domain/gram.rs`).
-- Terms are cut to 40 characters. The index of grams uses this
-- function, so it calls no other function of this schema.
CREATE FUNCTION contact_grams(prefix text, phone text, email_lower text, name_words text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    of_email CONSTANT text := concat(prefix, E'e\\&\x01');
    of_phone CONSTANT text := concat(prefix, E'p\\&\x01');
    before_word CONSTANT text := concat(E'\x01', prefix, 'w');
    name text := rtrim(split_part(name_words, E'\x01', 1));
    external_user_id CONSTANT text := nullif(rtrim(substr(split_part(name_words, E'\x01', 2), 2)), '');
    provider CONSTANT text := CASE
        WHEN right(email_lower, 10) = '@gmail.com' THEN '@gmail.com'
        WHEN right(email_lower, 12) = '@hotmail.com' THEN '@hotmail.com'
        WHEN right(email_lower, 12) = '@outlook.com' THEN '@outlook.com'
        WHEN right(email_lower, 10) = '@yahoo.com' THEN '@yahoo.com'
    END;
    -- The characters from which pieces are cut: up to three of the provider belong to a piece that begins before it.
    searched CONSTANT integer := char_length(email_lower) - coalesce(char_length(provider) - 3, 0);
    is_first boolean := true;
    run text;
    others text := '';
    emails text;
    runs text;
BEGIN
    IF phone ~ '0{5}|1{5}|2{5}|3{5}|4{5}|5{5}|6{5}|7{5}|8{5}|9{5}' THEN
        SELECT string_agg(concat(prefix, 'r', digits, E'\x01'), '')
        INTO runs
        FROM generate_series(0, 9) AS digit, generate_series(5, 10) AS length, repeat(digit::text, length) AS digits
        WHERE strpos(phone, digits) > 0;
    END IF;
    -- The regular expression takes half as long as everything else here, and hardly a name needs it.
    IF char_length(name) > 41 THEN
        name := regexp_replace(name, '([^ ]{40})[^ ]+', '\1', 'g');
    END IF;
    IF email_lower IS NOT NULL THEN
        FOREACH run IN ARRAY regexp_split_to_array(split_part(email_lower, '@', 1), E'[\\x01-\\x60\\x7b-\\x7f]+') LOOP
            IF run <> '' AND (is_first OR char_length(run) >= 3)
               AND strpos(concat(name, ' '), concat(' ', run, ' ')) = 0 THEN
                others := concat(others, prefix, 'l', left(run, 40), E'\x01');
            END IF;
            is_first := false;
        END LOOP;
    END IF;
    IF provider IS NULL THEN
        emails := concat(
            regexp_replace(email_lower, '.{1,4}', of_email, 'g'),
            regexp_replace(substr(email_lower, 2), '.{1,4}', of_email, 'g'),
            regexp_replace(substr(email_lower, 3), '.{1,4}', of_email, 'g'),
            regexp_replace(substr(email_lower, 4), '.{1,4}', of_email, 'g'));
    ELSE
        -- Whole pieces only.
        emails := concat(
            regexp_replace(left(email_lower, searched / 4 * 4), '.{4}', of_email, 'g'),
            regexp_replace(substr(email_lower, 2, (searched - 1) / 4 * 4), '.{4}', of_email, 'g'),
            regexp_replace(substr(email_lower, 3, (searched - 2) / 4 * 4), '.{4}', of_email, 'g'),
            regexp_replace(substr(email_lower, 4, (searched - 3) / 4 * 4), '.{4}', of_email, 'g'),
            prefix, 'v', provider, E'\x01');
    END IF;
    RETURN array_to_tsvector(array_remove(string_to_array(concat(
        emails,
        regexp_replace(phone, '.{1,4}', of_phone, 'g'),
        regexp_replace(substr(phone, 2), '.{1,4}', of_phone, 'g'),
        regexp_replace(substr(phone, 3), '.{1,4}', of_phone, 'g'),
        regexp_replace(substr(phone, 4), '.{1,4}', of_phone, 'g'),
        replace(name, ' ', before_word), E'\x01',
        CASE WHEN name <> '' AND strpos(substr(name, 2), ' ') = 0 THEN concat(prefix, 'n', substr(name, 2), E'\x01') END,
        prefix || 'f' || left(ltrim(phone, '+'), 7) || E'\x01',
        prefix || 'x' || left(external_user_id, 40) || E'\x01',
        others, runs), E'\x01'), ''));
END
$$;

-- The words of a client's names and emails. A search finds here the words of names (`is_name`) that contain a typed
-- piece, and all words that differ from it by a typing error. Their number grows slowly: most new contacts have known
-- words.
--
-- A word can be here twice, because no unique index forbids it: with one, a writer of a new word would wait for
-- another writer of the same word until that one's transaction ends.
--
-- `is_leaving` and `fence` are for the removal of words that no contact has any more (`src/store/unused_words.rs`).
CREATE TABLE contact_words (
    client_id uuid NOT NULL,
    word text NOT NULL,
    id bigserial NOT NULL,
    is_name boolean NOT NULL,
    is_leaving boolean NOT NULL DEFAULT false,
    fence bigint,
    CONSTRAINT contact_words_pkey PRIMARY KEY (client_id, word, id),
    CONSTRAINT contact_words_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE
);
CREATE INDEX contact_words_leaving ON contact_words (client_id) WHERE is_leaving;
-- No plan uses statistics of words, and samples would keep the words of erased people.
ALTER TABLE contact_words ALTER COLUMN word SET STATISTICS 0;

-- Words that a contact had before it was deleted or changed. A server looks whether another contact has them.
CREATE TABLE contact_words_left (
    client_id uuid NOT NULL,
    id bigserial NOT NULL,
    word text NOT NULL,
    CONSTRAINT contact_words_left_pkey PRIMARY KEY (client_id, id),
    CONSTRAINT contact_words_left_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE
);
ALTER TABLE contact_words_left ALTER COLUMN word SET STATISTICS 0;

-- The keys of a word in the index of words:
-- - of a word of names, each of its endings of three or more characters (s): a word contains a piece if one of its
--   endings begins with it.
-- - its first seven characters with zero or one of them deleted (d), or with two (t). Of a word with fewer than six
--   characters, at most one is deleted. Two texts that differ by as many edits have such a key in common. The method is
--   that of SymSpell (Garbe 2012).
-- Clients share sixteen prefixes, as in the index of grams. Names repeat among clients, so the words of a client have a
-- further key (c), by which the index skips most words of other clients.
CREATE FUNCTION contact_word_keys(client_id uuid, word text, is_name boolean) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    prefix CONSTANT text := right(client_id::text, 1);
    start CONSTANT text := left(word, 7);
    keys text[] := ARRAY[prefix || 'd' || start, 'c' || right(client_id::text, 4)];
    shorter text;
BEGIN
    IF is_name THEN
        FOR at IN 1 .. char_length(word) - 2 LOOP
            keys := keys || (prefix || 's' || substr(word, at));
        END LOOP;
    END IF;
    FOR at IN 1 .. char_length(start) LOOP
        shorter := overlay(start PLACING '' FROM at FOR 1);
        keys := keys || (prefix || 'd' || shorter);
        IF char_length(word) >= 6 THEN
            FOR other IN at .. char_length(shorter) LOOP
                keys := keys || (prefix || 't' || overlay(shorter PLACING '' FROM other FOR 1));
            END LOOP;
        END IF;
    END LOOP;
    RETURN array_to_tsvector(keys);
END
$$;

-- The same number as before, but PostgreSQL can inline this function: all parts are strict and immutable, which
-- greatest() and extract() of a time are not. A call that is not inlined takes 40 µs.
CREATE OR REPLACE FUNCTION contact_period(at timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
SELECT int8larger(extract(epoch FROM at - timestamptz '1970-01-01 00:00:00+00')::bigint >> 21, 752)::integer
$$;

-- The border between new and old periods. Contacts of the border's period and of later ones have their period's prefix
-- in the index of grams. Older contacts have the prefix of their chunk of 32 periods (about two years). So a search of
-- many years takes few steps. A reference table of one row, for all clients.
--
-- Servers raise the border with time, and move the contacts of one period after the other to their chunks. `fence` is
-- for this (`src/store/period_border.rs`).
CREATE TABLE contact_period_border (
    is_only boolean NOT NULL DEFAULT true,
    border integer NOT NULL,
    fence bigint,
    CONSTRAINT contact_period_border_pkey PRIMARY KEY (is_only),
    CONSTRAINT contact_period_border_only_check CHECK (is_only)
);
INSERT INTO contact_period_border (border) VALUES (contact_period(now()) - 3);

-- The first moment of a period. `contact_period` rounds to seconds.
CREATE FUNCTION contact_period_start(period integer) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT CASE WHEN period <= 752 THEN '-infinity' ELSE to_timestamp((period::bigint << 21) - 0.5) END $$;

DROP FUNCTION contact_gram_prefix(uuid, integer);
-- The prefix of the grams of one period's contacts under a border. A contact without messages has no period. The
-- letter of a chunk (o) is no kind of gram, and the letter of the kind ends a number. So a gram of one prefix never
-- begins like a gram of another one.
CREATE FUNCTION contact_gram_prefix(client_id uuid, period integer, border integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT right(client_id::text, 1)
       || CASE WHEN period < border THEN 'o' || (period >> 5)::text ELSE coalesce(period::text, '') END
$$;

-- The steps in which a search asks the index of grams for a client's contacts, the latest messages first. First come
-- the periods from the client's newest one down to the border, then the chunks down to the client's oldest period, then
-- the contacts without messages.
--
-- Contacts of the period before the border can have the period's prefix or their chunk's, because servers move them
-- while searches and writers run. So one step asks for both. A statement reads the border and the contacts in one
-- snapshot, in which no contact of a still older period has its period's prefix.
CREATE FUNCTION contact_gram_steps(client_id uuid, newest integer, oldest integer, border integer)
    RETURNS TABLE (prefix text, moving_prefix text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT contact_gram_prefix(client_id, period, NULL), NULL
FROM generate_series(newest, greatest(oldest, border), -1) AS period
UNION ALL
SELECT contact_gram_prefix(client_id, chunk << 5, border),
       CASE WHEN chunk = (border - 1) >> 5 THEN contact_gram_prefix(client_id, border - 1, NULL) END
FROM generate_series(least(newest, border - 1) >> 5, oldest >> 5, -1) AS chunk
WHERE oldest < border AND newest IS NOT NULL
UNION ALL
SELECT contact_gram_prefix(client_id, NULL, NULL), NULL
$$;

-- The tsquery of a step. `asked` is the text of a tsquery in which \x01 stands for the prefix.
CREATE FUNCTION contact_gram_query(asked text, prefix text, moving_prefix text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT CASE
           WHEN moving_prefix IS NULL THEN replace(asked, E'\x01', prefix)
           ELSE '(' || replace(asked, E'\x01', prefix) || ') | (' || replace(asked, E'\x01', moving_prefix) || ')'
       END::tsquery
$$;

-- The new column has locked `contacts` until the end of this migration, so the copies miss no contact.
DROP INDEX contact_texts_grams;
DROP FUNCTION contact_grams(text, text, text);
ALTER TABLE contact_texts ADD COLUMN name_words text;
TRUNCATE contact_texts;
INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower, name_words)
SELECT client_id, id, last_message_at,
       contact_gram_prefix(client_id, contact_period(last_message_at), (SELECT border FROM contact_period_border))
           AS gram_prefix,
       phone, email_lower, name_words
FROM contacts
-- Ordered by period: PostgreSQL then reads the contacts of one period faster, and inserts their grams faster.
ORDER BY gram_prefix;
CREATE INDEX contact_texts_grams ON contact_texts
    USING gin (contact_grams(gram_prefix, phone, email_lower, name_words)) WITH (fastupdate = off);
-- No plan uses statistics of grams. To collect them, ANALYZE would compute the grams of many contacts.
ALTER INDEX contact_texts_grams ALTER COLUMN 1 SET STATISTICS 0;

ALTER TABLE contacts_newest ADD COLUMN name_words text;
DELETE FROM contacts_newest;
INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower, name_words)
SELECT client_id, id, last_message_at, phone, email_lower, name_words
FROM contact_texts
WHERE last_message_at >= (SELECT since FROM contacts_newest_border);

-- The words of a name, and the runs of letters before the `@` of an email.
CREATE FUNCTION contact_dictionary_words(name_words text, email_lower text)
    RETURNS TABLE (word text, is_name boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT left(part, 40), true
FROM unnest(string_to_array(btrim(split_part(name_words, E'\x01', 1)), ' ')) AS part
UNION
SELECT left(run, 40), false
FROM unnest(regexp_split_to_array(split_part(email_lower, '@', 1), E'[\\x01-\\x60\\x7b-\\x7f]+')) AS run
WHERE run <> ''
$$;

INSERT INTO contact_words (client_id, word, is_name)
SELECT DISTINCT client_id, given.word, given.is_name
FROM contact_texts CROSS JOIN LATERAL contact_dictionary_words(name_words, email_lower) AS given;
CREATE INDEX contact_words_keys ON contact_words USING gin (contact_word_keys(client_id, word, is_name))
    WITH (fastupdate = off);
ALTER INDEX contact_words_keys ALTER COLUMN 1 SET STATISTICS 0;

-- Keeps contact_texts, contacts_newest and contact_words in step with contacts, for every writer.
--
-- Without the setting, a writer would plan some of these statements for each contact, which takes longer than they run.
CREATE OR REPLACE FUNCTION contact_texts_follow() RETURNS trigger
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    AS $$
DECLARE
    prefix text;
    names text[];
    runs text[];
    known integer;
    added record;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (NEW.client_id, NEW.id) <> (OLD.client_id, OLD.id) THEN
        DELETE FROM contact_texts WHERE client_id = OLD.client_id AND id = OLD.id;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.last_message_at IS NOT NULL THEN
        DELETE FROM contacts_newest WHERE client_id = OLD.client_id AND id = OLD.id;
    END IF;
    IF TG_OP = 'DELETE' THEN
        INSERT INTO contact_words_left (client_id, word)
        SELECT OLD.client_id, former.word
        FROM contact_dictionary_words(OLD.name_words, OLD.email_lower) AS former;
        RETURN NULL;
    END IF;
    SELECT contact_gram_prefix(NEW.client_id, contact_period(NEW.last_message_at), border)
    INTO prefix
    FROM contact_period_border;
    INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower, name_words)
    VALUES (NEW.client_id, NEW.id, NEW.last_message_at, prefix, NEW.phone, NEW.email_lower, NEW.name_words)
    ON CONFLICT (client_id, id) DO UPDATE
    SET last_message_at = excluded.last_message_at, gram_prefix = excluded.gram_prefix, phone = excluded.phone,
        email_lower = excluded.email_lower, name_words = excluded.name_words;
    IF NEW.last_message_at IS NOT NULL THEN
        INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower, name_words)
        SELECT NEW.client_id, NEW.id, NEW.last_message_at, NEW.phone, NEW.email_lower, NEW.name_words
        FROM contacts_newest_border
        WHERE since <= NEW.last_message_at;
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.client_id, OLD.name_words, OLD.email_lower)
                            IS NOT DISTINCT FROM (NEW.client_id, NEW.name_words, NEW.email_lower) THEN
        RETURN NULL;
    END IF;
    -- Most contacts have known words only. One statement finds that out. The loop takes twice as long. The words are
    -- split as in contact_dictionary_words.
    names := string_to_array(btrim(split_part(NEW.name_words, E'\x01', 1)), ' ');
    runs := array_remove(
        regexp_split_to_array(split_part(NEW.email_lower, '@', 1), E'[\\x01-\\x60\\x7b-\\x7f]+'), '');
    SELECT count(DISTINCT (word, is_name))
    INTO known
    FROM contact_words
    WHERE client_id = NEW.client_id AND NOT is_leaving
          AND word = ANY (names || runs) AND (word = ANY (names) OR NOT is_name) AND (word = ANY (runs) OR is_name);
    IF known < coalesce(cardinality(names), 0) + coalesce(cardinality(runs), 0) THEN
        -- A loop, because one statement for all words would hash the client's whole dictionary.
        FOR added IN SELECT * FROM contact_dictionary_words(NEW.name_words, NEW.email_lower) LOOP
            IF NOT EXISTS (SELECT FROM contact_words AS present
                           WHERE present.client_id = NEW.client_id AND present.word = added.word
                                 AND present.is_name = added.is_name AND NOT present.is_leaving) THEN
                INSERT INTO contact_words (client_id, word, is_name) VALUES (NEW.client_id, added.word, added.is_name);
            END IF;
        END LOOP;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO contact_words_left (client_id, word)
        SELECT OLD.client_id, former.word
        FROM contact_dictionary_words(OLD.name_words, OLD.email_lower) AS former
        EXCEPT
        SELECT NEW.client_id, given.word
        FROM contact_dictionary_words(NEW.name_words, NEW.email_lower) AS given;
    END IF;
    RETURN NULL;
END
$$;

DROP TRIGGER contacts_texts_of_changed ON contacts;
CREATE TRIGGER contacts_texts_of_changed AFTER UPDATE ON contacts
    FOR EACH ROW
    WHEN ((OLD.client_id, OLD.id, OLD.phone, OLD.email, OLD.name, OLD.external_user_id, OLD.last_message_at)
          IS DISTINCT FROM
          (NEW.client_id, NEW.id, NEW.phone, NEW.email, NEW.name, NEW.external_user_id, NEW.last_message_at))
    EXECUTE FUNCTION contact_texts_follow();

CREATE OR REPLACE FUNCTION contact_texts_clear() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    TRUNCATE contact_texts, contacts_newest, contact_words, contact_words_left;
    RETURN NULL;
END
$$;

ALTER TABLE contact_words SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01);

-- An older program searches an index that is gone.
UPDATE schema_requirement SET oldest_program = '20261201000000';
