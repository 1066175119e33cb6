-- Adds the contacts of one INSERT or COPY to contact_texts, contacts_newest and contact_words, with one statement for
-- each table. For an import this takes 0.6 times as long as one statement for each contact and table:
-- - contact_texts gets the rows in the order of their grams' prefixes and emails. So PostgreSQL inserts rows together
--   that have many grams in common.
-- - contacts_newest gets the rows last, within some milliseconds, and the latest message first. While an import runs,
--   searches of the newest contacts would otherwise read the entries of all its rows, which nobody may see yet.
--
-- Without the first setting, a writer would plan these statements for each contact, which takes longer than they run.
-- The plans of a session are those of its first statement. After many contacts in one statement, PostgreSQL would
-- compile them for each further contact. After few, it would look words up by a scan of all words. The other settings
-- forbid that.
--
-- Distributed contacts have `contact_texts_follow` instead, which does the same for one contact. Change both together.
CREATE FUNCTION contact_texts_add() RETURNS trigger
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET jit = off
    SET enable_seqscan = off
    AS $$
BEGIN
    -- The lock keeps servers from emptying the list of pending grams until this transaction ends (`lock_pending_grams`
    -- in `src/store/locks.rs`). If a server is emptying it, a statement with 100 contacts or more waits. A smaller one
    -- goes on without the lock, because it adds little to the list.
    IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('pending grams', 0)) THEN
        IF (SELECT count(*) FROM (SELECT FROM added LIMIT 100) AS first) = 100 THEN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('pending grams', 0));
        END IF;
    END IF;
    -- A row trigger of another program may have changed the contact's texts already. Then the tables have the present
    -- values, and these rows conflict with them. docs/keeping-in-sync.md says what such a trigger must not do.
    INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower, name_words)
    SELECT client_id, id, last_message_at,
           contact_gram_prefix(client_id, contact_period(last_message_at), border) AS gram_prefix,
           phone, email_lower, name_words
    FROM added CROSS JOIN contact_period_border
    ORDER BY gram_prefix, email_lower
    ON CONFLICT DO NOTHING;
    -- A join would hash the client's whole dictionary. The subquery looks each word up.
    INSERT INTO contact_words (client_id, word, is_name)
    SELECT client_id, word, is_name
    FROM (SELECT DISTINCT client_id, given.word, given.is_name
          FROM added CROSS JOIN LATERAL contact_dictionary_words(name_words, email_lower) AS given) AS given
    WHERE (SELECT true
           FROM contact_words AS known
           WHERE known.client_id = given.client_id AND known.word = given.word AND known.is_name = given.is_name
                 AND NOT known.is_leaving
           LIMIT 1) IS NULL;
    INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower, name_words)
    SELECT client_id, id, last_message_at, phone, email_lower, name_words
    FROM added JOIN contacts_newest_border ON since <= last_message_at
    ORDER BY last_message_at DESC
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- Citus makes no triggers of statements on shards. So distributed contacts keep the trigger that adds each contact alone
-- (`src/store/distribution.rs`).
DO $$
DECLARE
    is_distributed boolean := false;
BEGIN
    IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
        is_distributed := EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'contacts'::regclass);
    END IF;
    IF NOT is_distributed THEN
        -- Does not block reads. DROP TRIGGER would.
        CREATE OR REPLACE TRIGGER contacts_texts_of_new AFTER INSERT ON contacts
            REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION contact_texts_add();
        CREATE TRIGGER contacts_texts_of_deleted AFTER DELETE ON contacts
            FOR EACH ROW EXECUTE FUNCTION contact_texts_follow();
    END IF;
END
$$;

UPDATE schema_requirement SET oldest_program = '20261201000000' WHERE oldest_program < '20261201000000';
