//! How the server and the commands handle a missing database, pending migrations, a newer schema, and a refused
//! connection.

use std::time::{Duration, Instant};

use crate::support::app::{Server, program};
use crate::support::command::{command_on, error_of, private, run, run_on, stdout};
use crate::support::database::execute;
use crate::support::metrics::{metrics, start_with, value};
use crate::support::private_database::{connect, open_durable};
use crate::support::{OwnDirectory, PATIENCE, TestApp, TestDatabase, wait_until};

#[test]
fn pending_migrations_are_reported_with_the_command_that_runs_them() {
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
    let steps = std::fs::read_dir(folder).expect("the folder of migrations").count();
    assert_eq!(
        stdout(run_on(&database, &["migrate"])),
        format!("Ran {steps} migrations.\n")
    );
    assert_eq!(stdout(run_on(&database, &["migrate"])), "The schema is up to date.\n");
    stdout(run_on(&database, &["client", "list"]));
}

#[test]
fn two_servers_that_bootstrap_concurrently_create_one_client_and_print_one_key() {
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
    let printed: String = servers
        .iter()
        .map(|server| server.output.lock().unwrap().clone())
        .collect();
    assert_eq!(printed.matches("Created the client 'Acme'").count(), 1, "{printed}");
    let key = printed
        .split_whitespace()
        .find(|word| word.starts_with("mindo_"))
        .expect("a key");
    for server in &servers {
        assert_eq!(server.get("/api/v1/contact-lookup/?phone=123", Some(key)).status, 200);
        assert!(!server.log.lock().unwrap().contains(key), "a key must not be logged");
    }
    let again = start();
    assert!(!again.output.lock().unwrap().contains("mindo_"));
}

#[test]
fn a_server_starts_without_its_database_and_becomes_ready_once_the_database_answers() {
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
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the server does not become ready"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_demo_is_created_in_an_external_database() {
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
fn a_database_without_a_schema_is_503_and_the_log_names_the_command_that_migrates() {
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
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the log does not name the command"
        );
    }
    stdout(run_on(&database, &["migrate"]));
    while status() != 401 {
        assert!(
            start.elapsed() < Duration::from_secs(40),
            "the server does not become ready"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_refused_login_or_a_missing_database_ends_every_command_with_one_line() {
    let database = TestDatabase::new();
    let url_with = |from: &str, to: &str| database.url().replace(from, to);
    for (url, expected) in [
        (
            url_with("user=contact_search", "user=nobody"),
            "authentication failed for user \"nobody\"",
        ),
        (url_with("///test_", "///absent_"), "does not exist"),
    ] {
        for command in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["client", "list"],
            &["migrate"],
        ] {
            let mut program = program();
            program.args(command).args(["--database-url", &url]);
            let stderr = error_of(run(program, ""));
            assert!(
                stderr.starts_with("contact-search: the database refuses the connection (")
                    && stderr.contains(expected),
                "{stderr}"
            );
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
}

#[test]
fn an_unreadable_database_url_is_reported_without_repeating_any_part_of_it() {
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
            let stderr = error_of(run(program, ""));
            assert!(
                stderr.starts_with(
                    "contact-search: the value of the environment variable DATABASE_URL can't be used: the database URL \
                     can't be read: write "
                ),
                "{stderr}"
            );
            assert!(!stderr.contains("ter2") && stderr.lines().count() == 1, "{stderr}");
        }
    }
}

#[test]
fn an_unreachable_database_is_logged_in_one_line() {
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

/// A migration that this program does not know.
const NEWER: &str = "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())";

/// Records that only a newer program can run on the schema.
const NOT_FOR_OLDER: &str = "UPDATE schema_requirement SET oldest_program = '99990101000000'";

#[test]
fn a_newer_migration_leaves_a_running_older_server_ready_if_the_server_can_run_on_it() {
    let app = TestApp::start();
    assert_eq!(app.server.get("/readyz", None).status, 200);
    app.sql(NEWER);
    app.server
        .wait_for_log(|log| log.contains("a newer contact-search has migrated the database"));
    let ready = app.server.get("/readyz", None);
    assert_eq!(ready.status, 200, "{ready:?}");
    assert_eq!(app.get("/api/v1/contact-lookup/?phone=123").status, 200);
}

#[test]
fn a_server_that_is_too_old_for_the_schema_becomes_unready_and_says_so() {
    let app = start_with(&[]);
    app.sql(NEWER);
    app.sql(NOT_FOR_OLDER);
    wait_until(PATIENCE, "the server stays ready", || {
        app.server.get("/readyz", None).status == 503
    });
    let answer = app.server.get("/readyz", None);
    assert_eq!(
        answer.json()["detail"],
        "This server is too old for the database's schema. Use the newer contact-search."
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    let text = metrics(&app).body;
    assert!(value(&text, r#"contact_search_failures_total{reason="schema"}"#) >= Some(1.0));
    assert_eq!(
        value(&text, r#"contact_search_failures_total{reason="no_database"}"#),
        Some(0.0)
    );
    assert_eq!(value(&text, "contact_search_database_up"), Some(1.0));
    // The server still answers requests that a load balancer has already sent to it.
    assert_eq!(app.get("/api/v1/contact-lookup/?phone=123").status, 200);
    app.sql("UPDATE schema_requirement SET oldest_program = '20261129020000'");
    wait_until(PATIENCE, "the server does not become ready again", || {
        app.server.get("/readyz", None).status == 200
    });
}

#[test]
fn a_database_that_lacks_migrations_makes_readyz_name_the_command() {
    let app = TestApp::start();
    app.sql("DELETE FROM __diesel_schema_migrations WHERE version = '20261129020000'");
    wait_until(PATIENCE, "the server stays ready", || {
        app.server.get("/readyz", None).status == 503
    });
    let detail = app.server.get("/readyz", None).json()["detail"].to_string();
    assert!(detail.contains("contact-search migrate"), "{detail}");
}

#[test]
fn an_older_program_starts_and_works_on_a_newer_schema_that_it_can_run_on() {
    let database = TestDatabase::new();
    execute(&mut database.connect(), NEWER);
    stdout(run_on(&database, &["client", "create", "Acme"]));
    stdout(run_on(&database, &["key", "create", "--client", "Acme"]));
    let mut import = command_on(&database, &["import", "-", "--client", "Acme"]);
    import.env("CONTACT_SEARCH_LOG_FORMAT", "text");
    stdout(run(import, "phone\n+5491123456789\n"));
    for migrate in [&[][..], &["--migrate"]] {
        let mut command = command_on(&database, &["serve", "--listen", "127.0.0.1:0"]);
        command.args(migrate);
        let server = Server::start(command);
        assert_eq!(server.get("/readyz", None).status, 200);
    }
    let message = error_of(run_on(&database, &["migrate"]));
    assert_eq!(
        message,
        "contact-search: the database has a newer schema than this program knows: use the newer contact-search\n"
    );

    execute(&mut database.connect(), NOT_FOR_OLDER);
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["serve", "--listen", "127.0.0.1:0", "--migrate"],
        &["client", "list"],
        &["migrate"],
    ] {
        let message = error_of(run_on(&database, arguments));
        assert!(
            message.contains("a contact-search as old as this one can't run: use the newer contact-search"),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn a_newer_schema_in_the_private_database_keeps_commands_working_until_they_are_too_old() {
    let directory = OwnDirectory::new();
    let database = open_durable(directory.path());
    stdout(run(private(&directory, &["migrate"]), ""));
    let mut connection = connect(&database.url());
    execute(&mut connection, NEWER);
    stdout(run(private(&directory, &["client", "list"]), ""));
    let server = Server::start(private(&directory, &["serve", "--no-demo", "--listen", "127.0.0.1:0"]));
    assert_eq!(server.get("/readyz", None).status, 200);
    execute(&mut connection, NOT_FOR_OLDER);
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["client", "list"],
        &["migrate"],
    ] {
        assert_eq!(
            error_of(run(private(&directory, arguments), "")),
            "contact-search: the database has a newer schema, on which a contact-search as old as this one can't run: use \
             the newer contact-search\n"
        );
    }
}

#[test]
fn the_migrations_of_another_program_are_not_taken_for_a_newer_contact_search() {
    let database = TestDatabase::empty();
    execute(
        &mut database.connect(),
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now());
         INSERT INTO __diesel_schema_migrations (version) VALUES ('00000000000000'), ('20200101000000')",
    );
    for arguments in [&["migrate"][..], &["client", "list"]] {
        let message = error_of(run_on(&database, arguments));
        assert!(message.contains("belongs to another program"), "{message}");
    }
}
