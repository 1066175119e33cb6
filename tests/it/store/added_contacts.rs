//! The tables of the search get the contacts of one statement together. So an import writes them in an order that is
//! fast to write and to read, and concurrent searches read its uncommitted rows only at its end.

use std::thread;

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use contact_search::store::search_index::insert_pending_grams;
use contact_search::transfer::import::{Import, ImportOptions};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use crate::support::database::count;
use crate::support::newest_contacts::DIFFERENCES;
use crate::support::{TestDatabase, citus};

/// The triggers of distributed contacts, which add each contact alone (`src/store/distribution.rs`).
const TRIGGERS_OF_ROWS: &str = "
    DROP TRIGGER contacts_texts_of_new ON contacts;
    DROP TRIGGER contacts_texts_of_deleted ON contacts;
    CREATE TRIGGER contacts_texts_of_new AFTER INSERT OR DELETE ON contacts
        FOR EACH ROW EXECUTE FUNCTION contact_texts_follow()";

/// The rows of each table of the search, in the order of their values.
const TABLES: [&str; 3] = [
    "SELECT string_agg(to_jsonb(texts)::text, E'\\n' ORDER BY id) AS rows FROM contact_texts AS texts",
    "SELECT string_agg(to_jsonb(newest)::text, E'\\n' ORDER BY id) AS rows FROM contacts_newest AS newest",
    "SELECT string_agg(concat_ws(' ', client_id, word, is_name, is_leaving, fence), E'\\n'
                       ORDER BY client_id, word, is_name, is_leaving) AS rows
     FROM contact_words",
];

/// Fills two clients with the same contacts in each database: with and without names, emails, phones and messages, of
/// all times. Returns the rows of the tables of the search.
fn fill(connection: &mut PgConnection) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        rows: String,
    }
    connection
        .batch_execute(
            "UPDATE contacts_newest_border SET since = '2026-11-01';
             INSERT INTO clients (id, name, default_region)
             SELECT md5(n::text)::uuid, 'Client ' || n, 'AR' FROM generate_series(1, 2) AS n;
             INSERT INTO contact_lists (client_id, name) SELECT id, 'Any' FROM clients;
             -- One word is known, and another one is leaving.
             INSERT INTO contact_words (client_id, word, is_name, is_leaving)
             SELECT id, word, true, word = 'lopez' FROM clients, unnest(ARRAY['ana', 'lopez']) AS word;
             INSERT INTO contacts (client_id, id, contact_list_id, name, email, phone, phone_key, external_user_id,
                                   last_message_at)
             SELECT contact_lists.client_id, md5(n::text || contact_lists.client_id)::uuid, contact_lists.id,
                    (ARRAY['Ana López', 'José', 'Zoë Ana Núñez'])[n % 4],
                    CASE WHEN n % 3 > 0 THEN 'Ana.Perez' || n || '@example.com' END,
                    CASE WHEN n % 5 > 0 THEN '+5491122' || 330000 + n END,
                    CASE WHEN n % 5 > 0 THEN '1122' || 330000 + n END,
                    'X' || n,
                    CASE WHEN n % 6 > 0 THEN timestamptz '2026-01-01' + n * interval '1 day' END
             FROM contact_lists, generate_series(1, 600) AS n
             ORDER BY md5(n::text)",
        )
        .unwrap();
    let rows = TABLES.map(|table| sql_query(table).get_result::<Table>(connection).unwrap().rows);
    rows.to_vec()
}

#[test]
fn a_statement_adds_the_same_rows_as_a_trigger_of_each_row() {
    let name = "a_statement_adds_the_same_rows_as_a_trigger_of_each_row";
    if citus::is_not_for(name, "whose triggers it changes") {
        return;
    }
    let (database, of_rows) = (TestDatabase::new(), TestDatabase::new());
    of_rows.execute(TRIGGERS_OF_ROWS);
    let (together, alone) = (fill(&mut database.connect()), fill(&mut of_rows.connect()));
    assert_eq!(together, alone);
    // The words are ana, jose, lopez, nunez and zoe of names, of which lopez is also a leaving one, and ana and perez of
    // emails.
    let rows: Vec<usize> = together.iter().map(|rows| rows.lines().count()).collect();
    assert_eq!((rows[0], rows[2]), (1_200, 16));
    assert!((400..800).contains(&rows[1]), "{} newest contacts", rows[1]);
    assert_eq!(database.count(DIFFERENCES), 0);
}

#[test]
fn the_newest_contacts_of_a_statement_are_stored_in_their_order() {
    let name = "the_newest_contacts_of_a_statement_are_stored_in_their_order";
    if citus::is_not_for(name, "whose rows a statement adds one by one") {
        return;
    }
    let database = TestDatabase::new();
    fill(&mut database.connect());
    let newest = database.count("SELECT count(*) AS count FROM contacts_newest");
    assert!(newest > 100, "{newest}");
    let misplaced = "SELECT count(*) AS count
        FROM (SELECT last_message_at > lag(last_message_at) OVER (ORDER BY ctid) AS is_later FROM contacts_newest) AS rows
        WHERE is_later";
    // A short row can fit into the gap at the end of an earlier page.
    let misplaced = database.count(misplaced);
    assert!(misplaced <= newest / 50, "{misplaced} of {newest}");
}

/// A server that empties the list of pending grams makes writers only append to it. An import appends faster than the
/// server empties the list, so every search would read a list that grows.
#[test]
fn the_list_of_pending_grams_is_not_emptied_while_contacts_are_added() {
    let name = "the_list_of_pending_grams_is_not_emptied_while_contacts_are_added";
    if citus::is_not_for(name, "whose list of pending grams it empties") {
        return;
    }
    let database = TestDatabase::new();
    let (mut connection, mut other, mut server) = (database.connect(), database.connect(), database.connect());
    let client = clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    import(&mut connection, client, "external_user_id\n1\n");
    database.execute("ALTER TABLE contact_texts SET (autovacuum_enabled = off)");
    let pages = "SELECT gin_clean_pending_list('contact_texts_grams') AS count";
    count(&mut server, pages);

    let add = format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email)
         SELECT client_id, gen_random_uuid(), id, 'eve@example.com' FROM contact_lists WHERE client_id = '{client}'"
    );
    other.batch_execute(&format!("BEGIN; {add}")).unwrap();
    insert_pending_grams(&mut server).unwrap();
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(
        count(&mut server, pages),
        1,
        "the list was emptied while a transaction added a contact"
    );

    // The import changes a contact, and waits for this lock after it has added the grams.
    let mut emptied = 0;
    thread::scope(|scope| {
        let mut lock = database.connect();
        lock.batch_execute("BEGIN; LOCK TABLE contacts_newest_border").unwrap();
        let rows = "external_user_id,email,last_message_at\n1,ana@example.com,2026-12-01\n";
        scope.spawn(|| import(&mut connection, client, rows));
        database.wait_for_blocked_statement();
        insert_pending_grams(&mut server).unwrap();
        emptied = count(&mut server, pages);
    });
    assert_eq!(emptied, 1, "the list was emptied while an import changed a contact");

    import(&mut connection, client, "email\nbob@example.com\n");
    insert_pending_grams(&mut server).unwrap();
    assert_eq!(
        count(&mut server, pages),
        0,
        "the list was not emptied after the import"
    );
}

#[test]
fn an_import_waits_while_a_server_empties_the_list_of_pending_grams() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    thread::scope(|scope| {
        let server = hold_pending_grams(&database);
        let import = scope.spawn(|| import(&mut connection, client, "email\nana@example.com\n"));
        database.wait_for_blocked_statement();
        assert!(!import.is_finished());
        drop(server);
    });
    assert_eq!(database.count("SELECT count(*) AS count FROM contacts"), 1);
}

#[test]
fn a_statement_with_many_contacts_waits_while_a_server_empties_the_list_of_pending_grams() {
    let name = "a_statement_with_many_contacts_waits_while_a_server_empties_the_list_of_pending_grams";
    if citus::is_not_for(name, "whose rows a statement adds one by one") {
        return;
    }
    let database = TestDatabase::new();
    let mut connection = database.connect();
    clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    let add = |count: u32| {
        format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, external_user_id)
             SELECT client_id, gen_random_uuid(), id, '{count} ' || n FROM contact_lists, generate_series(1, {count}) AS n"
        )
    };
    thread::scope(|scope| {
        let server = hold_pending_grams(&database);
        connection
            .batch_execute(&format!("SET lock_timeout TO '20s'; {}", add(99)))
            .unwrap();
        let many = scope.spawn(|| connection.batch_execute(&add(100)));
        database.wait_for_blocked_statement();
        drop(server);
        many.join().unwrap().unwrap();
    });
    assert_eq!(database.count("SELECT count(*) AS count FROM contact_texts"), 199);
}

/// A row trigger of another program runs before the trigger of the statement.
#[test]
fn a_contact_that_a_trigger_of_another_program_changes_is_found_by_its_new_values() {
    let name = "a_contact_that_a_trigger_of_another_program_changes_is_found_by_its_new_values";
    if citus::is_not_for(name, "whose triggers it changes") {
        return;
    }
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    database.execute(
        "UPDATE contacts_newest_border SET since = '2026-01-01';
         CREATE FUNCTION other_program() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             UPDATE contacts SET email = 'new@example.com' WHERE client_id = NEW.client_id AND id = NEW.id;
             RETURN NULL;
         END $$;
         CREATE TRIGGER other_program AFTER INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION other_program()",
    );
    import(
        &mut connection,
        client,
        "email,last_message_at\nold@example.com,2026-11-01\n",
    );
    let texts = "SELECT count(*) AS count FROM contact_texts WHERE email_lower = 'new@example.com'";
    assert_eq!((database.count(texts), database.count(DIFFERENCES)), (1, 0));
}

/// A session that holds the lock of a server that empties the list of pending grams, until it is dropped.
fn hold_pending_grams(database: &TestDatabase) -> PgConnection {
    let mut server = database.connect();
    server
        .batch_execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('pending grams', 0))")
        .unwrap();
    server
}

fn import(connection: &mut PgConnection, client: ClientId, rows: &str) {
    let client = clients::find_client(connection, &client.to_string()).unwrap().unwrap();
    let import = Import::open(rows.as_bytes(), ImportOptions::default()).unwrap();
    import.run(connection, &client, &mut |_| {}).unwrap();
}
