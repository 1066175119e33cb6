//! How the server and the commands meet their database: absent, unmigrated, newer, or not theirs.

use std::time::{Duration, Instant};

use crate::support::app::{Server, program};
use crate::support::command::{error_of, private, run, run_on, stdout};
use crate::support::database::execute;
use crate::support::private_database::{connect, open_durable};
use crate::support::{OwnDirectory, TestDatabase};

#[test]
fn pending_migrations_name_the_command_that_runs_them() {
    let database = TestDatabase::empty();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["client", "list"],
        &["key", "list"],
    ] {
        let message = error_of(run_on(&database, arguments));
        assert!(
            message.contains("contact-search migrate") && message.contains("--migrate"),
            "{message}"
        );
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let steps = std::fs::read_dir(folder).expect("the migrations").count();
    assert_eq!(
        stdout(run_on(&database, &["migrate"])),
        format!("Ran {steps} migrations.\n")
    );
    assert_eq!(stdout(run_on(&database, &["migrate"])), "The schema is up to date.\n");
    stdout(run_on(&database, &["client", "list"]));
    execute(
        &mut database.connect(),
        "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())",
    );
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let message = error_of(run_on(&database, arguments));
        assert!(message.contains("newer schema"), "{message}");
    }
}

#[test]
fn two_servers_that_migrate_and_bootstrap_at_once_make_one_client_and_show_one_key() {
    let database = TestDatabase::empty();
    let start = || {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--migrate", "--bootstrap", "Acme"]);
        command.env("DATABASE_URL", database.url());
        Server::start(command)
    };
    let servers = std::thread::scope(|scope| {
        let other = scope.spawn(start);
        [start(), other.join().expect("the other server starts")]
    });
    let said: String = servers
        .iter()
        .map(|server| server.output.lock().unwrap().clone())
        .collect();
    assert_eq!(said.matches("Made the client 'Acme'").count(), 1, "{said}");
    let key = said
        .split_whitespace()
        .find(|word| word.starts_with("mindo_"))
        .expect("a key");
    for server in &servers {
        assert_eq!(server.get("/api/v1/contact-lookup/?phone=1", Some(key)).status, 200);
        assert!(!server.log.lock().unwrap().contains(key), "a key is never logged");
    }
    let again = start();
    assert!(!again.output.lock().unwrap().contains("mindo_"));
}

#[test]
fn a_server_starts_without_its_database_and_is_ready_when_it_comes() {
    let database = TestDatabase::new();
    database.set_available(false);
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
    let server = Server::start(command);
    assert_eq!(server.get("/healthz", None).status, 200);
    assert_eq!(server.get("/readyz", None).status, 503);
    database.set_available(true);
    let start = Instant::now();
    while server.get("/readyz", None).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "it doesn't come back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn in_a_database_of_ones_own_nothing_is_filled_in() {
    let database = TestDatabase::new();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
    let server = Server::start(command);
    assert_eq!(server.get("/readyz", None).status, 200);
    for table in ["clients", "api_keys", "contacts"] {
        assert_eq!(
            database.count(&format!("SELECT count(*) AS count FROM {table}")),
            0,
            "{table}"
        );
    }
    assert!(!server.output.lock().unwrap().contains("curl"));
}

#[test]
fn a_database_that_comes_without_its_schema_is_503_and_the_log_names_the_command() {
    let database = TestDatabase::empty();
    database.set_available(false);
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
    let server = Server::start(command);
    database.set_available(true);
    let status = || {
        server
            .get(
                "/api/public/contacts/search?email=a",
                Some("mindo_000000000000000000000000"),
            )
            .status
    };
    let start = Instant::now();
    while !server.log.lock().unwrap().contains("contact-search migrate") {
        assert_eq!(status(), 503);
        assert!(start.elapsed() < Duration::from_secs(20), "the log doesn't say it");
    }
    stdout(run_on(&database, &["migrate"]));
    while status() != 401 {
        assert!(start.elapsed() < Duration::from_secs(40), "it doesn't come back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_database_that_will_never_have_us_ends_the_server_by_a_sentence() {
    let database = TestDatabase::new();
    let elsewhere = |from: &str, to: &str| database.url().replace(from, to);
    for (url, expected) in [
        (
            elsewhere("user=contact_search", "user=nobody"),
            "authentication failed for user \"nobody\"",
        ),
        (elsewhere("///test_", "///absent_"), "does not exist"),
    ] {
        for command in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["client", "list"],
            &["migrate"],
        ] {
            let mut program = program();
            program.args(command).args(["--database-url", &url]);
            let said = error_of(run(program, ""));
            assert!(
                said.starts_with("contact-search: the database refuses the connection (") && said.contains(expected),
                "{said}"
            );
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}

#[test]
fn no_piece_of_a_url_that_cant_be_read_is_in_a_message() {
    for url in [
        "mysql://u:hunter2@h/d",
        "postgres://u:hun@ter2@127.0.0.1/d",
        "postgres://u:hun/ter2@127.0.0.1/d",
        "postgres://u:hunter2%zz@127.0.0.1/d",
        "host=127.0.0.1 password=a hunter2",
        "postgres://u@127.0.0.1/d?pasword=hunter2",
        "hunter2",
    ] {
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["key", "list"]] {
            let mut program = program();
            program.args(command).env("DATABASE_URL", url);
            let said = error_of(run(program, ""));
            assert!(
                said.starts_with("contact-search: the database URL can't be read: write "),
                "{said}"
            );
            assert!(!said.contains("ter2") && said.lines().count() == 1, "{said}");
        }
    }
}

#[test]
fn an_outage_is_one_line_of_the_log() {
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--database-url", "postgresql://nobody@127.0.0.1:1/none"]);
    let server = Server::start(command);
    assert_eq!(server.get("/readyz", None).status, 503);
    let log = server.log.lock().unwrap().clone();
    assert!(
        log.contains("the database can't be reached: connection to server at"),
        "{log}"
    );
    let is_record = |line: &str| line.starts_with('[');
    assert!(log.lines().all(is_record), "{log}");
}

#[test]
fn private_data_of_a_newer_schema_are_said_in_a_sentence() {
    let directory = OwnDirectory::new();
    stdout(run(private(&directory, &["migrate"]), ""));
    let database = open_durable(directory.path());
    let mut connection = connect(&database.url());
    execute(
        &mut connection,
        "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())",
    );
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["client", "list"],
        &["migrate"],
    ] {
        assert_eq!(
            error_of(run(private(&directory, arguments), "")),
            "contact-search: the database has a newer schema than this program knows: use the newer contact-search\n"
        );
    }
}
