//! The demo client of the private database: its creation, and its changes at later starts.

use std::os::unix::fs::PermissionsExt;

use contact_search::sample::demo::{self, DemoError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::app::Server;
use crate::support::command::{private, run, run_printed_examples, stdout};
use crate::support::database::{count, execute};
use crate::support::private_database::{connect, query};
use crate::support::{OwnDirectory, TestDatabase};

/// An upsert of a contact that the demo has.
const CONTACT: &[u8] = br#"{"contact_phone_number": "+5492235961983", "channel": "whatsapp"}"#;
const UPSERT: &str = "/api/public/customer/upsert/info";

fn serve(directory: &OwnDirectory) -> Server {
    Server::start(private(directory, &["serve", "--listen", "127.0.0.1:0"]))
}

/// Runs a command to its end and returns its output.
fn printed(directory: &OwnDirectory, arguments: &[&str]) -> String {
    stdout(run(private(directory, arguments), ""))
}

/// The result of an SQL expression, as text.
fn ask(directory: &OwnDirectory, sql: &str) -> String {
    query(printed(directory, &["database", "url"]).trim(), sql)
}

fn key(directory: &OwnDirectory) -> String {
    std::fs::read_to_string(directory.path().join("demo-key"))
        .expect("the demo has a key")
        .trim()
        .to_owned()
}

#[test]
fn servers_that_start_concurrently_for_the_first_time_create_one_demo() {
    let directory = OwnDirectory::new();
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| serve(&directory))).collect();
        starts
            .into_iter()
            .map(|start| start.join().expect("the server starts"))
            .collect()
    });
    let key = key(&directory);
    for server in &servers {
        let answer = server.get("/api/v1/contact-lookup/?phone=5492235961983", Some(&key));
        assert_eq!(answer.json()["found"], true);
    }
    let upsert = servers[0].send_json("POST", UPSERT, Some(&key), CONTACT);
    assert_eq!(upsert.status, 200, "the demo's key can write");
    let counts = "SELECT (SELECT count(*) FROM clients) || ' ' || (SELECT count(*) FROM api_keys) || ' '
                  || (SELECT count(*) FROM contacts)";
    assert_eq!(ask(&directory, counts), "1 1 10000");
}

#[test]
fn a_database_with_a_client_gets_no_demo_even_if_the_client_is_named_demo() {
    let directory = OwnDirectory::new();
    printed(&directory, &["client", "create", "Demo"]);
    let server = serve(&directory);
    assert_eq!(server.get("/readyz", None).status, 200);
    assert!(!directory.path().join("demo-key").exists());
    assert_eq!(ask(&directory, "SELECT count(*) FROM contacts"), "0");
    assert_eq!(ask(&directory, "SELECT count(*) FROM api_keys"), "0");
}

#[test]
fn a_later_start_reopens_the_session_window_and_keeps_all_other_edits() {
    let directory = OwnDirectory::new();
    let server = serve(&directory);
    let first_key = key(&directory);
    let url = printed(&directory, &["database", "url"]);
    let mut connection = connect(url.trim());
    execute(
        &mut connection,
        "UPDATE contacts SET name = 'Edited', last_inbound_at = '2025-01-01', last_message_at = '2025-01-01'
         WHERE phone = '+5492235961983';
         DELETE FROM contacts WHERE phone = '+56912345678';
         UPDATE api_keys SET revoked_at = now()",
    );
    drop(connection);
    drop(server);

    let server = serve(&directory);
    let second_key = key(&directory);
    assert_ne!(first_key, second_key, "a revoked key is replaced");
    let answer = server
        .get("/api/v1/contact-lookup/?phone=5492235961983", Some(&second_key))
        .json();
    assert_eq!(answer["contact"]["fullName"], "Edited");
    assert_eq!(answer["sessionWindowActive"], true);
    assert_eq!(ask(&directory, "SELECT count(*) FROM contacts"), "9999");
}

#[test]
fn the_first_start_creates_the_demo_and_prints_working_examples() {
    let directory = OwnDirectory::new();
    let mut server = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0"]));
    let examples = run_printed_examples(&server);
    let lookup = &examples[0];
    assert_eq!(lookup["found"], true);
    assert_eq!(lookup["contact"]["fullName"], "Juan Perez");
    assert_eq!(lookup["contact"]["phone"], "+5492235961983");
    assert_eq!(lookup["contact"]["email"], "juan@ejemplo.com");
    assert_eq!(lookup["contact"]["contactListName"], "Lista Principal");
    assert_eq!(lookup["contact"]["source"], "organic");
    assert_eq!(lookup["contact"]["createdAt"], "2025-01-15T10:30:00Z");
    assert_eq!(
        (&lookup["hasReplied"], &lookup["sessionWindowActive"]),
        (&json!(true), &json!(true))
    );
    let john = &examples[1].as_array().expect("an array")[0];
    assert_eq!(
        (&john["name"], &john["phone"]),
        (&json!("John Doe"), &json!("+56912345678"))
    );
    assert_eq!(
        (&john["email"], &john["platform"]),
        (&json!("john@example.com"), &json!("whatsapp"))
    );
    assert_eq!(john["last_message_at"], "2024-09-30T10:00:00.000Z");
    assert_eq!(
        (&john["chat_status"], &john["created_at"]),
        (&json!("ATTENDED"), &json!("2024-01-15T10:00:00.000Z"))
    );

    let output = server.output.lock().unwrap().clone();
    assert!(
        output.contains("PostgreSQL ") && output.contains(directory.path().to_str().unwrap()),
        "{output}"
    );
    let key_file = directory.path().join("demo-key");
    assert_eq!(key_file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&key_file).unwrap().trim().to_owned();
    assert!(output.contains(&key) && !server.log.lock().unwrap().contains(&key));

    // A command and a second server use the same database while the first server runs.
    let list = stdout(run(private(&directory, &["key", "list"]), ""));
    assert!(list.contains("demo") && list.contains("lookup,search"), "{list}");
    let url = stdout(run(private(&directory, &["database", "url"]), ""));
    let mut connection = connect(url.trim());
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 10_000);
    assert_eq!(
        count(
            &mut connection,
            "SELECT count(*) AS count FROM pg_roles WHERE rolname = current_user AND rolsuper"
        ),
        0
    );
    let second = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(run_printed_examples(&second)[0]["found"], true);
    drop(second);
    assert_eq!(
        run_printed_examples(&server)[0]["found"],
        true,
        "the first server keeps working after the second has stopped"
    );

    // SIGKILL leaves PostgreSQL running. The next start adopts it and keeps the same key.
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    kill(pid, Signal::SIGKILL).unwrap();
    server.wait();
    let server = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(run_printed_examples(&server)[0]["sessionWindowActive"], true);
    assert!(server.output.lock().unwrap().contains(&key), "the key must not change");
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 10_000);
}

#[test]
fn with_no_demo_the_database_stays_empty() {
    let directory = OwnDirectory::new();
    let mut server = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]));
    assert_eq!(server.get("/readyz", None).status, 200);
    assert!(!directory.path().join("demo-key").exists());
    let url = stdout(run(private(&directory, &["database", "url"]), ""));
    let mut connection = connect(url.trim());
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM clients"), 0);
    drop(connection);

    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(server.wait(), Some(0));
    assert!(!server.output.lock().unwrap().contains("curl"));
    assert!(
        !directory.path().join("postgres/postmaster.pid").exists(),
        "the last process to close must stop PostgreSQL"
    );
}

#[test]
fn a_demo_key_without_the_write_scope_is_replaced_and_still_works() {
    let directory = OwnDirectory::new();
    let server = serve(&directory);
    let first_key = key(&directory);
    let url = printed(&directory, &["database", "url"]);
    execute(
        &mut connect(url.trim()),
        "UPDATE api_keys SET scopes = '{lookup,search}'",
    );
    drop(server);

    let server = serve(&directory);
    let second_key = key(&directory);
    assert_ne!(first_key, second_key);
    let write = |key: &str| server.send_json("POST", UPSERT, Some(key), CONTACT).status;
    assert_eq!((write(&second_key), write(&first_key)), (200, 403));
    let lookup = "/api/v1/contact-lookup/?phone=5492235961983";
    assert_eq!(server.get(lookup, Some(&first_key)).status, 200);

    drop(server);
    let server = serve(&directory);
    assert_eq!(key(&directory), second_key, "a key with all scopes is kept");
    assert_eq!(server.get(lookup, Some(&second_key)).status, 200);
}

#[test]
fn a_later_start_that_cannot_write_its_new_key_stores_no_key() {
    let database = TestDatabase::new();
    let directory = OwnDirectory::new();
    let mut connection = database.connect();
    let first_key = demo::ensure(&mut connection, directory.path()).unwrap().expect("a key");
    execute(&mut connection, "UPDATE api_keys SET revoked_at = now()");
    // The new key is first written to a file of this name, which must not exist.
    let draft = directory.path().join(format!("demo-key.{}.new", std::process::id()));
    std::fs::write(&draft, "").unwrap();
    let failure = demo::ensure(&mut connection, directory.path()).unwrap_err();
    assert!(matches!(failure, DemoError::KeyFile(..)), "{failure:?}");
    assert_eq!(database.count("SELECT count(*) AS count FROM api_keys"), 1);
    assert_eq!(key(&directory), first_key.reveal());

    std::fs::remove_file(&draft).unwrap();
    let second_key = demo::ensure(&mut connection, directory.path()).unwrap().expect("a key");
    assert_eq!(key(&directory), second_key.reveal());
    let valid = "SELECT count(*) AS count FROM api_keys WHERE revoked_at IS NULL";
    assert_eq!(database.count(valid), 1);
}
