//! `contact-search client delete`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contact_search::domain::client::ClientId;
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use diesel::connection::SimpleConnection;

use crate::support::app::add_key;
use crate::support::command::{command_on, error_of, run, run_on, stdout};
use crate::support::database::execute;
use crate::support::{Contact, PATIENCE, SetOnDrop, TestApp, TestDatabase, citus, wait_until};

/// More contacts than one slice has.
const MANY: usize = 2_500;

/// Adds contacts with names, emails, messages and phones that contacts of other clients have, too.
fn fill(database: &TestDatabase, client: ClientId, contacts: usize) {
    database.execute(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, email, phone, phone_key, last_message_at)
         SELECT '{client}', gen_random_uuid(), contact_lists.id, 'Ana Word' || number, 'ana' || number || '@acme.com',
                '+5411' || 20000000 + number, '5411' || 20000000 + number,
                CASE WHEN number % 3 > 0 THEN now() - number * interval '1 minute' END
         FROM contact_lists, generate_series(1, {contacts}) AS number
         WHERE client_id = '{client}'"
    ));
}

/// The number of rows of a client in each table that has rows of clients, as text.
fn rows(database: &TestDatabase, client: ClientId) -> Vec<(String, i64)> {
    let tables = [
        "contacts",
        "contact_lists",
        "contact_texts",
        "contacts_newest",
        "contact_words",
        "contact_words_left",
        "api_keys",
        "webhooks",
    ];
    let known = database.count(
        "SELECT count(*) AS count FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'client_id'",
    );
    assert_eq!(known, tables.len() as i64, "the list of tables is complete");
    let rows = tables.map(|table| {
        let count = format!("SELECT count(*) AS count FROM {table} WHERE client_id = '{client}'");
        (table.to_owned(), database.count(&count))
    });
    rows.to_vec()
}

fn another_client(app: &TestApp, name: &str, contacts: usize) -> (ClientId, String) {
    let mut connection = app.database.connect();
    let client = clients::create_client(&mut connection, name, Region::DEFAULT).unwrap();
    let key = add_key(&mut connection, client, &Scope::ALL, None);
    fill(&app.database, client, contacts);
    (client, key)
}

#[test]
fn client_delete_erases_everything_of_the_client_and_nothing_of_others() {
    let app = TestApp::start();
    fill(&app.database, app.client, 30);
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Default::default()
    });
    app.sql("UPDATE contacts_newest_border SET since = now() - interval '1 day'");
    let (gone, key) = another_client(&app, "Ana's Café", MANY);
    stdout(run(
        command_on(&app.database, &["webhook", "create", "--client", "Ana's Café"]),
        "0123456789abcdef0123456789abcdef",
    ));
    let others = rows(&app.database, app.client);
    let filled = rows(&app.database, gone);
    assert!(filled.iter().filter(|(_, rows)| *rows > 0).count() >= 7, "{filled:?}");
    let lookup = "/api/v1/contact-lookup/?phone=%2B5491123456789";
    assert_eq!(app.server.get(lookup, Some(&key)).status, 200);

    let deletion = command_on(&app.database, &["client", "delete", "Ana's Café"]);
    let deleted = run(deletion, " Ana's Café \n");
    assert!(
        deleted
            .stderr
            .contains("erases Ana's Café with 2500 contacts, 1 key and 1 webhook"),
        "{}",
        deleted.stderr
    );
    assert_eq!(stdout(deleted), "Erased with 2500 contacts.\n");

    assert!(rows(&app.database, gone).iter().all(|(_, rows)| *rows == 0));
    assert_eq!(rows(&app.database, app.client), others);
    let list = stdout(run_on(&app.database, &["client", "list"]));
    assert!(list.contains("Test") && !list.contains("Café"), "{list}");
    wait_until(Duration::from_secs(2), "the key still works", || {
        app.server.get(lookup, Some(&key)).status == 401
    });
    assert_eq!(app.get(lookup).json()["found"], true);
}

#[test]
fn client_delete_erases_nothing_unless_the_name_is_typed_again() {
    let app = TestApp::start();
    fill(&app.database, app.client, 3);
    let before = rows(&app.database, app.client);
    for input in ["", "\n", "test\n", "Tes\n", "Test Test\n", "y\n"] {
        let deletion = command_on(&app.database, &["client", "delete", "Test"]);
        let message = error_of(run(deletion, input));
        assert!(
            message.contains("nothing was erased") && message.contains("--yes"),
            "{input:?}: {message}"
        );
    }
    let message = error_of(run_on(&app.database, &["client", "delete", "Nobody", "--yes"]));
    assert!(message.contains("contact-search client list"), "{message}");
    assert_eq!(rows(&app.database, app.client), before);

    let by_id = run_on(&app.database, &["client", "delete", &app.client.to_string(), "--yes"]);
    assert_eq!(by_id.stderr, "");
    assert_eq!(stdout(by_id), "Erased with 3 contacts.\n");
}

#[test]
fn other_clients_are_served_while_a_client_is_erased() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+541120000001"),
        ..Default::default()
    });
    another_client(&app, "Gone", 4 * MANY);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut answers = 0;
            while !is_over.load(Ordering::Relaxed) {
                let answer = app.get("/api/v1/contact-lookup/?phone=%2B541120000001");
                assert_eq!((answer.status, &answer.json()["found"]), (200, &true.into()));
                let body = serde_json::json!({"channel": "whatsapp", "contact_phone_number": "+541120000001"});
                let answer = app.send("POST", "/api/public/customer/upsert/info", &body);
                assert_eq!(answer.status, 200, "{answer:?}");
                answers += 1;
            }
            answers
        });
        let _over = SetOnDrop(&is_over);
        stdout(run_on(&app.database, &["client", "delete", "Gone", "--yes"]));
        is_over.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
}

/// On a distributed database an erasure waits for older transactions, and not for their locks.
fn await_erasure_that_waits(app: &TestApp) {
    let waiting = "SELECT count(*) AS count FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%virtualxid%'";
    wait_until(PATIENCE, "the erasure does not wait", || {
        app.database.count(waiting) > 0
    });
}

#[test]
fn an_erasure_waits_for_a_writer_and_erases_its_contacts_too() {
    let app = TestApp::start();
    let (gone, _) = another_client(&app, "Gone", 10);
    let mut writer = app.database.connect();
    writer
        .batch_execute(&format!(
            "BEGIN;
             INSERT INTO contacts (client_id, id, contact_list_id, name, email)
             SELECT '{gone}', gen_random_uuid(), id, 'Late', 'late@acme.com' FROM contact_lists WHERE client_id = '{gone}'"
        ))
        .unwrap();
    std::thread::scope(|scope| {
        let deletion = scope.spawn(|| run_on(&app.database, &["client", "delete", "Gone", "--yes"]));
        if citus::is_used() {
            await_erasure_that_waits(&app);
        } else {
            app.database.wait_for_blocked_statement();
        }
        writer.batch_execute("COMMIT").unwrap();
        assert_eq!(stdout(deletion.join().unwrap()), "Erased with 11 contacts.\n");
    });
    assert!(rows(&app.database, gone).iter().all(|(_, rows)| *rows == 0));
}

#[test]
fn an_erasure_waits_for_the_writer_of_a_new_list_and_erases_the_list_too() {
    let app = TestApp::start();
    let (gone, _) = another_client(&app, "Gone", 10);
    std::thread::scope(|scope| {
        let add_list = || {
            let mut writer = app.database.connect();
            writer.batch_execute("BEGIN").unwrap();
            let list = clients::ensure_list(&mut writer, gone, "New").unwrap();
            execute(
                &mut writer,
                &format!(
                    "INSERT INTO contacts (client_id, id, contact_list_id, email)
                     VALUES ('{gone}', gen_random_uuid(), {list}, 'late@acme.com')"
                ),
            );
            writer
        };
        let erase = || run_on(&app.database, &["client", "delete", "Gone", "--yes"]);
        let (mut writer, erasure) = if citus::is_used() {
            // The writer begins after the erasure has looked for older transactions.
            let mut older = app.database.connect();
            older.batch_execute("BEGIN; SELECT 1").unwrap();
            let erasure = scope.spawn(erase);
            await_erasure_that_waits(&app);
            let writer = add_list();
            older.batch_execute("COMMIT").unwrap();
            (writer, erasure)
        } else {
            (add_list(), scope.spawn(erase))
        };
        app.database.wait_for_blocked_statement();
        writer.batch_execute("COMMIT").unwrap();
        assert_eq!(stdout(erasure.join().unwrap()), "Erased with 11 contacts.\n");
    });
    assert!(rows(&app.database, gone).iter().all(|(_, rows)| *rows == 0));
}

#[test]
fn an_erasure_that_failed_goes_on_when_it_is_run_again() {
    let app = TestApp::start();
    let (gone, key) = another_client(&app, "Gone", MANY);
    app.sql(
        "CREATE FUNCTION fail_late() RETURNS trigger LANGUAGE plpgsql AS $$
         DECLARE
             left_over bigint;
         BEGIN
             EXECUTE format('SELECT count(*) FROM %I WHERE client_id = $1', TG_TABLE_NAME) INTO left_over
                 USING OLD.client_id;
             IF left_over < 1200 THEN
                 RAISE 'the disk is broken';
             END IF;
             RETURN OLD;
         END $$",
    );
    app.sql("CREATE TRIGGER fail_late BEFORE DELETE ON contacts FOR EACH ROW EXECUTE FUNCTION fail_late()");
    let message = error_of(run_on(&app.database, &["client", "delete", "Gone", "--yes"]));
    assert!(message.contains("run the command again"), "{message}");
    let left = rows(&app.database, gone)[0].1;
    assert!((1..MANY as i64).contains(&left), "a slice is gone: {left}");
    wait_until(PATIENCE, "the key still works", || {
        app.server.get("/api/v1/contact-lookup/?phone=1", Some(&key)).status == 401
    });
    app.sql("DROP TRIGGER fail_late ON contacts");
    let again = stdout(run_on(&app.database, &["client", "delete", "Gone", "--yes"]));
    assert_eq!(again, format!("Erased with {left} contacts.\n"));
    assert!(rows(&app.database, gone).iter().all(|(_, rows)| *rows == 0));
}
