DROP TRIGGER contacts_texts_of_none ON contacts;
DROP FUNCTION contact_texts_clear();
CREATE OR REPLACE FUNCTION contact_texts_follow() RETURNS trigger
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
DROP TABLE contacts_newest_border;
DROP TABLE contacts_newest;
