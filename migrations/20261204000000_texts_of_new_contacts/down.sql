DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = 'contacts'::regclass AND tgname = 'contacts_texts_of_deleted') THEN
        DROP TRIGGER contacts_texts_of_deleted ON contacts;
        DROP TRIGGER contacts_texts_of_new ON contacts;
        CREATE TRIGGER contacts_texts_of_new AFTER INSERT OR DELETE ON contacts
            FOR EACH ROW EXECUTE FUNCTION contact_texts_follow();
    END IF;
END
$$;
DROP FUNCTION contact_texts_add();

UPDATE schema_requirement SET oldest_program = '20261201000000' WHERE oldest_program < '20261201000000';
