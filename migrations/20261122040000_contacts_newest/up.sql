-- A copy of the contacts with the latest messages, which a search walks first. `contacts` stores a row wherever there
-- was free space when the contact's last message arrived. So a walk of `contacts` reads one page per row until VACUUM
-- has seen the page, and VACUUM has not yet seen the pages of the newest contacts. This table stores the newest
-- contacts next to each other.
--
-- A row that changes is deleted and inserted again. An UPDATE would store it in free space near the old row, and not
-- near the rows of the same time. Rows older than the border are useless. Servers raise the border and delete such rows
-- (`src/store/newest_contacts.rs`).
CREATE TABLE contacts_newest (
    client_id uuid NOT NULL,
    id uuid NOT NULL,
    last_message_at timestamptz NOT NULL,
    phone text,
    email_lower text,
    CONSTRAINT contacts_newest_pkey PRIMARY KEY (client_id, id)
);
CREATE INDEX contacts_newest_recent ON contacts_newest (client_id, last_message_at DESC NULLS LAST, id);

-- The border: contacts_newest has all contacts with a phone or an email whose last message arrived at `since` or later.
-- A reference table of one row, for all clients. The border only rises, so a transaction that still sees an older
-- border writes more rows than needed, and never fewer.
CREATE TABLE contacts_newest_border (
    is_only boolean NOT NULL DEFAULT true,
    since timestamptz NOT NULL,
    CONSTRAINT contacts_newest_border_pkey PRIMARY KEY (is_only),
    CONSTRAINT contacts_newest_border_only_check CHECK (is_only)
);

-- Blocks writers of contacts until the end of this migration, so that it misses no contact.
LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE;
-- Only rows with future timestamps lie beyond the border now; find them by index, not by a scan.
SET LOCAL enable_seqscan TO off;
INSERT INTO contacts_newest_border (since) VALUES (clock_timestamp());
INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower)
SELECT contacts.client_id, contacts.id, last_message_at, phone, email_lower
FROM clients JOIN contacts ON contacts.client_id = clients.id
WHERE last_message_at >= (SELECT since FROM contacts_newest_border) AND coalesce(phone, email_lower) IS NOT NULL;

-- Keeps contact_texts and contacts_newest in step with contacts, for every writer.
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

CREATE FUNCTION contact_texts_clear() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    TRUNCATE contact_texts, contacts_newest;
    RETURN NULL;
END
$$;

CREATE TRIGGER contacts_texts_of_none AFTER TRUNCATE ON contacts
    FOR EACH STATEMENT EXECUTE FUNCTION contact_texts_clear();
