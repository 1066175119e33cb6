//! The commands, as an operator types them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use contact_search::embedded::PrivateDatabase;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::app::{Server, add_key, program};
use crate::support::database::programs;
use crate::support::{Contact, EVER, OwnDirectory, TestApp, TestDatabase, wait_until};

/// What a command said, and how it ended.
pub struct Said {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end, with that text on its standard input.
pub fn run(mut command: Command, input: &str) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    // A command that doesn't read its input may have ended already.
    let _ = child
        .stdin
        .take()
        .expect("standard input is piped")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("a child can be waited for");
    Said {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Runs the program on a database.
pub fn on(database: &TestDatabase, arguments: &[&str]) -> Said {
    let mut command = program();
    command.args(arguments).env("DATABASE_URL", database.url());
    run(command, "")
}

/// What the command printed; it must have succeeded.
pub fn stdout(said: Said) -> String {
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    said.stdout
}

/// What the command complained of; it must have failed without a panic and without printing a result.
pub fn complaint(said: Said) -> String {
    assert!(matches!(said.status, Some(1 | 2)), "{:?}: {}", said.status, said.stderr);
    assert_eq!(said.stdout, "");
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said.stderr
}

#[test]
fn a_client_is_made_with_its_id_alone_on_stdout() {
    let database = TestDatabase::new();
    let id = stdout(on(&database, &["client", "create", "  Acme Ñandú ", "--region", "cl"]));
    let id: uuid::Uuid = id.trim_end().parse().expect("the id alone");
    let list = stdout(on(&database, &["client", "list"]));
    assert!(
        list.contains(&id.to_string()) && list.contains("Acme Ñandú") && list.contains("CL"),
        "{list}"
    );

    let twice = complaint(on(&database, &["client", "create", "Acme Ñandú"]));
    assert!(twice.contains("a client named 'Acme Ñandú' exists already"), "{twice}");
    for wrong in ["", "   ", "a\nb", &"x".repeat(201)] {
        let message = complaint(on(&database, &["client", "create", wrong]));
        assert!(message.contains("1 to 200 characters"), "{message}");
    }
    let region = complaint(on(&database, &["client", "create", "X", "--region", "XX"]));
    assert!(region.contains("ISO 3166"), "{region}");
}

#[test]
fn a_key_is_shown_once_alone_on_stdout_and_works_on_both_apis() {
    let app = TestApp::start();
    let create = |arguments: &[&str]| {
        let arguments = [&["key", "create", "--client", "Test"], arguments].concat();
        stdout(on(&app.database, &arguments)).trim_end().to_owned()
    };
    let status = |path: &str, key: &str| app.server.get(path, Some(key)).status;
    let (lookup, search) = ("/api/v1/contact-lookup/?phone=1", "/api/public/contacts/search?email=a");

    let mindo = create(&[]);
    assert!(mindo.len() == 30 && mindo.starts_with("mindo_"), "{mindo}");
    assert_eq!((status(lookup, &mindo), status(search, &mindo)), (200, 200));
    let opaque = create(&[
        "--format",
        "opaque",
        "--scope",
        "search",
        "--label",
        "crm",
        "--expires-in",
        "1h",
    ]);
    assert!(opaque.len() == 35 && opaque.starts_with("cs_"), "{opaque}");
    assert_eq!((status(lookup, &opaque), status(search, &opaque)), (403, 200));
    let short = create(&["--expires-in", "1s"]);
    assert_eq!(status(lookup, &short), 200);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(status(lookup, &short), 401);

    let list = stdout(on(&app.database, &["key", "list", "--client", &app.client.to_string()]));
    for key in [&mindo, &opaque] {
        assert!(
            !list.contains(key.as_str()) && list.contains(&key[key.len() - 4..]),
            "{list}"
        );
    }
    let crm = list.lines().find(|line| line.contains("crm")).expect("its label");
    let id = crm.split_whitespace().next().unwrap();
    assert_eq!(stdout(on(&app.database, &["key", "revoke", id])), "Revoked.\n");
    assert_eq!(status(search, &opaque), 401);
    let list = stdout(on(&app.database, &["key", "list"]));
    assert!(
        list.lines()
            .any(|line| line.contains("crm") && line.contains("revoked")),
        "{list}"
    );

    let again = stdout(on(&app.database, &["key", "revoke", id]));
    assert!(again.starts_with("It was revoked already, 2"), "{again}");
    assert!(list.contains("expired 2"), "{list}");

    let unknown = complaint(on(
        &app.database,
        &["key", "revoke", "00000000-0000-0000-0000-000000000000"],
    ));
    assert!(unknown.contains("contact-search key list"), "{unknown}");
    let nobody = complaint(on(&app.database, &["key", "create", "--client", "Nobody"]));
    assert!(nobody.contains("contact-search client list"), "{nobody}");
    for (arguments, expected) in [
        (["--scope", "read"], "lookup, search or write"),
        (["--expires-in", "90"], "such as 90d"),
        (["--expires-in", "9W"], "such as 90d"),
        (["--format", "jwt"], "mindo"),
        (["--label", "a\nb"], "line breaks"),
    ] {
        let arguments = [&["key", "create", "--client", "Test"], &arguments[..]].concat();
        let message = complaint(on(&app.database, &arguments));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn an_existing_key_is_brought_along_through_stdin() {
    let app = TestApp::start();
    let import = |text: &str| {
        let mut command = program();
        command
            .args(["key", "import", "--client", "Test"])
            .env("DATABASE_URL", app.database.url());
        run(command, text)
    };
    let key = "live_9f8e7d6c5b4a39281706";
    let id = stdout(import(&format!("{key}\n")));
    id.trim_end().parse::<uuid::Uuid>().expect("the id alone");
    assert_eq!(app.server.get("/api/v1/contact-lookup/?phone=1", Some(key)).status, 200);

    for (text, expected) in [
        (key, "stored already"),
        ("", "the key is empty"),
        ("short", "16 to 256"),
        ("two words that are long enough", "without blanks"),
    ] {
        let message = complaint(import(text));
        assert!(message.contains(expected), "{message}");
        assert!(
            text.is_empty() || !message.contains(text),
            "a key is never repeated: {message}"
        );
    }
}

#[test]
fn pending_migrations_name_the_command_that_runs_them() {
    let database = TestDatabase::empty();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["client", "list"],
        &["key", "list"],
    ] {
        let message = complaint(on(&database, arguments));
        assert!(
            message.contains("contact-search migrate") && message.contains("--migrate"),
            "{message}"
        );
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let steps = std::fs::read_dir(folder).expect("the migrations").count();
    assert_eq!(
        stdout(on(&database, &["migrate"])),
        format!("Ran {steps} migrations.\n")
    );
    assert_eq!(stdout(on(&database, &["migrate"])), "The schema is up to date.\n");
    stdout(on(&database, &["client", "list"]));
    diesel::connection::SimpleConnection::batch_execute(
        &mut database.connect(),
        "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())",
    )
    .unwrap();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let message = complaint(on(&database, arguments));
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
    stdout(on(&database, &["migrate"]));
    while status() != 401 {
        assert!(start.elapsed() < Duration::from_secs(40), "it doesn't come back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn flags_go_before_the_environment_and_that_before_defaults() {
    let database = TestDatabase::new();
    let start = |arguments: &[&str]| {
        let mut command = program();
        command
            .args(arguments)
            .env("DATABASE_URL", database.url())
            .env("CONTACT_SEARCH_LISTEN", "127.0.0.2:0");
        Server::start(command)
    };
    assert!(
        start(&[]).address().starts_with("127.0.0.2:"),
        "serve is the default command"
    );
    assert!(start(&["serve"]).address().starts_with("127.0.0.2:"));
    assert!(
        start(&["serve", "--listen", "127.0.0.3:0"])
            .address()
            .starts_with("127.0.0.3:")
    );
    assert!(start(&["--listen", "127.0.0.3:0"]).address().starts_with("127.0.0.3:"));
    let by_name = start(&["--listen", "localhost:0"]);
    assert_eq!(by_name.get("/healthz", None).status, 200);
}

#[test]
fn every_flag_goes_before_its_variable() {
    let database = TestDatabase::new();
    let mut command = program();
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--pool-size",
            "3",
            "--log-format",
            "text",
        ])
        .env("DATABASE_URL", database.url())
        .env("CONTACT_SEARCH_POOL_SIZE", "many")
        .env("CONTACT_SEARCH_LOG_FORMAT", "json");
    let server = Server::start(command);
    server.get("/", None);
    wait_until(EVER, "the log has no line", || {
        server.log.lock().unwrap().contains("answered")
    });
    assert!(!server.log.lock().unwrap().starts_with('{'));

    let directory = OwnDirectory::new();
    let mut command = private(&directory, &["database", "url"]);
    command.env("CONTACT_SEARCH_DATA_DIR", "/nowhere/at/all");
    let url = stdout(run(command, ""));
    assert!(url.contains(directory.path().to_str().unwrap()), "{url}");
}

#[test]
fn options_stand_before_or_after_the_command() {
    let database = TestDatabase::new();
    let plain = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments);
        run(command, "")
    };
    let url = database.url();
    for arguments in [
        ["--database-url", url, "--log-format", "json", "client", "list"],
        ["--log-format", "json", "client", "list", "--database-url", url],
        ["client", "--database-url", url, "list", "--log-format", "json"],
    ] {
        assert!(stdout(plain(&arguments)).starts_with("ID"), "{arguments:?}");
    }
    let directory = OwnDirectory::new();
    let mut command = program();
    command.arg("--data-dir").arg(directory.path());
    command.args(
        programs()
            .iter()
            .flat_map(|programs| ["--pg-bin".as_ref(), programs.as_os_str()]),
    );
    command.args(["client", "list"]);
    assert!(stdout(run(command, "")).starts_with("ID"));

    // Without a command they are serve's, in any order.
    let mut command = program();
    command.args(["--pool-size", "3", "--database-url", url, "--listen", "127.0.0.1:0"]);
    Server::start(command);
    let misplaced = complaint(plain(&[
        "--listen",
        "127.0.0.1:0",
        "client",
        "list",
        "--database-url",
        url,
    ]));
    assert!(misplaced.contains("'--listen' is an option of serve"), "{misplaced}");
}

#[test]
fn a_variable_of_serve_is_nothing_to_another_command_and_an_empty_one_is_none() {
    let database = TestDatabase::new();
    let names = [
        "CONTACT_SEARCH_LISTEN",
        "CONTACT_SEARCH_POOL_SIZE",
        "CONTACT_SEARCH_MIGRATE",
        "CONTACT_SEARCH_BOOTSTRAP",
        "CONTACT_SEARCH_NO_DEMO",
    ];
    let mut command = program();
    command.args(["client", "list"]).env("DATABASE_URL", database.url());
    command.envs(names.map(|name| (name, "some nonsense")));
    stdout(run(command, ""));

    let directory = OwnDirectory::new();
    let mut command = private(&directory, &["--listen", "127.0.0.1:0"]);
    command.envs(names.map(|name| (name, "")));
    command.envs(
        [
            "DATABASE_URL",
            "CONTACT_SEARCH_DATA_DIR",
            "CONTACT_SEARCH_LOG_FORMAT",
            "RUST_LOG",
        ]
        .map(|name| (name, "")),
    );
    if programs().is_none() {
        command.env("CONTACT_SEARCH_PG_BIN", "");
    }
    let server = Server::start(command);
    run_printed_examples(&server);
    assert!(server.log.lock().unwrap().contains("INFO"));
}

#[test]
fn a_switch_in_the_environment_may_be_any_usual_word() {
    let database = TestDatabase::empty();
    let serve = |migrate: &str| {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command
            .env("DATABASE_URL", database.url())
            .env("CONTACT_SEARCH_MIGRATE", migrate);
        command
    };
    for no in ["0", "no", "false", "off"] {
        let message = complaint(run(serve(no), ""));
        assert!(message.contains("contact-search migrate"), "{message}");
    }
    let message = complaint(run(serve("perhaps"), ""));
    assert!(message.contains("--migrate"), "{message}");
    for yes in ["1", "yes", "true", "on"] {
        let server = Server::start(serve(yes));
        assert_eq!(server.get("/readyz", None).status, 200);
        stdout(on(&database, &["client", "list"]));
    }
}

/// The command with nobody who reads what it prints.
pub fn unread(mut command: Command) -> (Option<i32>, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a child can be waited for");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is_one() {
    let app = TestApp::start();
    let command = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments).env("DATABASE_URL", app.database.url());
        command
    };
    for arguments in [
        &["key", "list"][..],
        &["client", "list"],
        &["client", "create", "Unread"],
        &["migrate"],
        &["database", "url"],
        &["--help"],
    ] {
        assert_eq!(unread(command(arguments)), (Some(0), String::new()), "{arguments:?}");
    }
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = command(&["key", "list"]).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("contact-search: standard output can't be written: No space"),
            "{said}"
        );
    }
    // Standard error has no reader either.
    let mut nobody = command(&["key", "list", "--client", "Nobody"]);
    let mut child = nobody.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_key_that_nobody_has_seen_is_revoked() {
    let app = TestApp::start();
    let mut command = program();
    command
        .args(["key", "create", "--client", "Test", "--label", "unseen"])
        .env("DATABASE_URL", app.database.url());
    let (status, said) = unread(command);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.starts_with("contact-search: the key can't be shown (Broken pipe") && said.contains("it was revoked"),
        "{said}"
    );
    let list = stdout(on(&app.database, &["key", "list"]));
    let line = list.lines().find(|line| line.contains("unseen")).expect("its line");
    assert!(line.contains("revoked"), "{line}");
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
            let said = complaint(run(program, ""));
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
            let said = complaint(run(program, ""));
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
    let database = open_private(&directory);
    let mut connection = contact_search::store::connection::connect(&database.url()).expect("the database answers");
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
            complaint(run(private(&directory, arguments), "")),
            "contact-search: the database has a newer schema than this program knows: use the newer contact-search\n"
        );
    }
}

#[test]
fn a_mistake_is_answered_by_a_sentence() {
    let database = TestDatabase::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (&["serv"][..], "serve"),
        (
            &["serve", "--listen", "8080"],
            "write an address and a port, such as 127.0.0.1:8080 or localhost:8080",
        ),
        (
            &["serve", "--listen", "192.0.2.1:8080"],
            "can't listen on 192.0.2.1:8080 (Cannot assign requested address): choose another address with --listen",
        ),
        (
            &["serve", "--listen", "name.invalid:8080"],
            "can't listen on name.invalid:8080",
        ),
        (
            &["key", "revoke", "abc"],
            "give the key's id, which `contact-search key list` shows",
        ),
        (&["serve", "--listen", &taken], "choose another address with --listen"),
        (&["serve", "--pool-size", "0"], "1..=1000"),
        (&["serve", "--rate-limit", "100001"], "1..=100000"),
        (&["serve", "--log-format", "xml"], "json"),
        (&["client", "list", "--database-url", "mysql://x"], "postgresql://"),
        (
            &[
                "client",
                "list",
                "--database-url",
                "postgresql://nobody@127.0.0.1:1/none",
            ],
            "the database can't be reached",
        ),
        (&["key", "create"], "--client"),
    ] {
        let message = complaint(on(&database, arguments));
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let commands = [
        &["serve"][..],
        &["migrate"],
        &["client", "create"],
        &["client", "list"],
        &["key", "create"],
        &["key", "import"],
        &["key", "list"],
        &["key", "revoke"],
        &["import"],
        &["export"],
        &["generate"],
        &["database", "url"],
        &[],
    ];
    for arguments in commands {
        let mut command = program();
        command.args(arguments).arg("--help");
        let help = stdout(run(command, ""));
        assert!(
            help.contains("Example") && help.contains("contact-search"),
            "{arguments:?}: {help}"
        );
    }
}

/// The program on the private database in a directory.
fn private(directory: &OwnDirectory, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).arg("--data-dir").arg(directory.path());
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    command
}

/// The documented examples, as a server that has just been started prints them: each line of curl, run.
fn run_printed_examples(server: &Server) -> Vec<Value> {
    let start = Instant::now();
    let lines: Vec<String> = loop {
        let output = server.output.lock().unwrap().clone();
        let lines: Vec<String> = output
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("curl "))
            .map(str::to_owned)
            .collect();
        if lines.len() == 2 {
            break lines;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{output}");
        std::thread::sleep(Duration::from_millis(10));
    };
    lines
        .iter()
        .map(|line| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{line} --silent --fail")]);
            serde_json::from_str(&stdout(run(command, ""))).expect("JSON")
        })
        .collect()
}

#[test]
fn the_first_start_fills_in_a_demo_and_prints_examples_that_work() {
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

    // A command beside the server, and a second server, on the same database.
    let list = stdout(run(private(&directory, &["key", "list"]), ""));
    assert!(list.contains("demo") && list.contains("lookup,search"), "{list}");
    let url = stdout(run(private(&directory, &["database", "url"]), ""));
    let mut connection = contact_search::store::connection::connect(url.trim()).expect("psql could connect");
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
        "the first server goes on without the second"
    );

    // Killed at its work, it leaves PostgreSQL running; the next start goes on from there, with the same key.
    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.pid()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    server.wait();
    let server = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(run_printed_examples(&server)[0]["sessionWindowActive"], true);
    assert!(server.output.lock().unwrap().contains(&key), "the key stays");
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 10_000);
}

#[test]
fn without_a_demo_nothing_is_filled_in() {
    let directory = OwnDirectory::new();
    let mut server = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]));
    assert_eq!(server.get("/readyz", None).status, 200);
    assert!(!directory.path().join("demo-key").exists());
    let url = stdout(run(private(&directory, &["database", "url"]), ""));
    let mut connection = contact_search::store::connection::connect(url.trim()).expect("psql could connect");
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM clients"), 0);
    drop(connection);

    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.pid()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(server.wait(), Some(0));
    assert!(!server.output.lock().unwrap().contains("curl"));
    assert!(
        !directory.path().join("postgres/postmaster.pid").exists(),
        "the last to leave stops PostgreSQL"
    );
}

/// A command that waits for a lock on the private database, whose only user it is: an import.
struct Waiting {
    child: Child,
    directory: OwnDirectory,
    _lock: contact_search::store::PgConnection,
}

impl Waiting {
    fn start(program: impl FnOnce(Command) -> Command) -> Self {
        let directory = OwnDirectory::new();
        stdout(run(private(&directory, &["client", "create", "Acme"]), ""));
        let file = directory.path().join("contacts.csv");
        std::fs::write(&file, "email\na@example.com\n").unwrap();

        let database = open_private(&directory);
        let mut lock = contact_search::store::connection::connect(&database.url()).expect("the database answers");
        execute(&mut lock, "BEGIN; LOCK TABLE contacts");
        let mut command = program(private(&directory, &["import", "--client", "Acme"]));
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program can be started");
        wait_until(EVER, "it doesn't wait for the lock", || {
            count(&mut lock, "SELECT count(*) AS count FROM pg_locks WHERE NOT granted") == 1
        });
        // The connection holds no lease.
        database.close().expect("the other one stays");
        Self {
            child,
            directory,
            _lock: lock,
        }
    }

    fn end(&mut self, signal: Signal) -> (Option<i32>, String) {
        send(self.child.id(), signal);
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().expect("standard error is piped");
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

fn send(process: u32, signal: Signal) {
    let process = nix::unistd::Pid::from_raw(i32::try_from(process).unwrap());
    nix::sys::signal::kill(process, signal).expect("it can be signalled");
}

fn open_private(directory: &OwnDirectory) -> PrivateDatabase {
    PrivateDatabase::open(&contact_search::embedded::Options {
        data_dir: directory.path().to_owned(),
        programs: programs(),
        settings: Vec::new(),
    })
    .expect("the private database opens")
}

fn is_running(directory: &OwnDirectory) -> bool {
    directory.path().join("postgres/postmaster.pid").exists()
}

/// Whoever runs the tests may have them ignore SIGHUP, and every process with them.
fn minding_hangups(command: Command) -> Command {
    const EXEC: &str =
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])";
    wrapped("python3", &["-c", EXEC], command)
}

/// The command as the arguments of another program.
fn wrapped(program: &str, arguments: &[&str], command: Command) -> Command {
    let mut outer = Command::new(program);
    outer
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

#[test]
fn a_command_that_is_interrupted_leaves_the_database_as_it_was_and_stops_it() {
    for (signal, name, status) in [
        (Signal::SIGINT, "SIGINT", 130),
        (Signal::SIGTERM, "SIGTERM", 143),
        (Signal::SIGHUP, "SIGHUP", 129),
    ] {
        let mut import = Waiting::start(minding_hangups);
        let (ended, said) = import.end(signal);
        assert_eq!(ended, Some(status), "{said}");
        assert!(
            said.contains(&format!("contact-search: interrupted by {name}\n")),
            "{said}"
        );
        assert!(!is_running(&import.directory), "nobody is left to stop PostgreSQL");
        let database = open_private(&import.directory);
        let mut connection = contact_search::store::connection::connect(&database.url()).expect("the database answers");
        assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 0);
    }
}

#[test]
fn a_first_start_that_is_interrupted_stops_what_it_has_begun() {
    // While initdb runs, while PostgreSQL starts, and while the demo is filled in.
    for (begun, words) in [
        ("postgres.new/PG_VERSION", ""),
        ("postgres/postmaster.pid", ""),
        ("postgres/postmaster.pid", "ready"),
    ] {
        let directory = OwnDirectory::new();
        let mut command = private(&directory, &["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().expect("the program can be started");
        wait_until(EVER, begun, || {
            std::fs::read_to_string(directory.path().join(begun)).is_ok_and(|text| text.contains(words))
        });
        // As a terminal does it: to every process of the group.
        let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::killpg(group, Signal::SIGINT).expect("the group can be interrupted");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{begun}: {said}");
        assert!(
            said.contains("contact-search: interrupted by SIGINT\n"),
            "{begun}: {said}"
        );
        assert!(!is_running(&directory), "{begun}");
        assert!(!directory.path().join("postgres.new").exists(), "{begun}");
        stdout(run(private(&directory, &["client", "list"]), ""));
    }
}

#[test]
fn a_second_ctrl_c_ends_a_command_at_once_and_nohup_keeps_one_from_hangups() {
    let directory = OwnDirectory::new();
    // Who has this has the turn to start and stop the server: the command waits for it, and its end does.
    let turn = std::fs::File::create(directory.path().join("lock")).unwrap();
    turn.lock().unwrap();
    let mut command = wrapped("nohup", &[], private(&directory, &["client", "list"]));
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut log = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
    let mut wait_for = |words: &str| {
        assert!(log.any(|line| line.unwrap().contains(words)), "{words}");
    };
    wait_for("waiting for another process");
    send(child.id(), Signal::SIGHUP);
    send(child.id(), Signal::SIGINT);
    wait_for("interrupted by SIGINT");
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none(), "it waits for its turn to leave");
    send(child.id(), Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_server_ends_well_on_every_signal_and_stops_postgresql() {
    let directory = OwnDirectory::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let command = private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]);
        let mut server = Server::start(minding_hangups(command));
        // No sooner than its address is known: the first thing that a supervisor can do.
        send(server.pid(), signal);
        let start = Instant::now();
        assert_eq!(server.wait(), Some(0), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(10), "{signal}");
        assert!(!is_running(&directory), "{signal}");
    }
}

fn execute(connection: &mut contact_search::store::PgConnection, sql: &str) {
    diesel::connection::SimpleConnection::batch_execute(connection, sql).expect("the statement can be run");
}

fn count(connection: &mut contact_search::store::PgConnection, sql: &str) -> i64 {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    diesel::sql_query(sql)
        .get_result::<Row>(connection)
        .expect("the statement can be run")
        .count
}

#[test]
fn a_key_of_one_client_works_for_it_alone() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    let id = stdout(on(&app.database, &["client", "create", "Other"]));
    let mut connection = app.database.connect();
    let other = contact_search::domain::client::ClientId::new(id.trim().parse().unwrap());
    let key = add_key(&mut connection, other, &Scope::ALL, None);
    let target = "/api/v1/contact-lookup/?phone=5491123456789";
    assert_eq!(app.get(target).json()["found"], true);
    assert_eq!(app.server.get(target, Some(&key)).json()["found"], false);
}

#[test]
fn a_program_written_for_either_vendor_works_when_its_base_url_and_key_change() {
    let app = TestApp::start();
    let hour_ago = "now() - interval '1 hour'";
    app.add(Contact {
        name: Some("Juan Perez"),
        phone: Some("+5492235961983"),
        last_message_at: hour_ago,
        last_inbound_at: hour_ago,
        ..Contact::default()
    });
    app.add(Contact {
        name: Some("John Doe"),
        phone: Some("+56912345678"),
        email: Some("john@example.com"),
        last_message_at: hour_ago,
        ..Contact::default()
    });
    let mut command = Command::new("python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/vendor_samples.py"));
    command.args([&format!("http://{}", app.server.address()), &app.key]);
    let said = stdout(run(command, ""));
    assert_eq!(
        said,
        "Contact: Juan Perez\nReplied: True\nWindow active: True\nas documented\n"
    );
}

#[test]
fn data_are_where_the_users_other_data_are_and_roots_below_var_lib() {
    use std::os::unix::process::CommandExt;

    let is_root = nix::unistd::Uid::effective().is_root();
    if is_root {
        // Only asked: a machine's own data may be there.
        let directory = contact_search::embedded::default_data_dir().expect("root has one");
        assert_eq!(directory, std::path::Path::new("/var/lib/contact-search"));
    }
    let directory = OwnDirectory::new();
    let (copy, data) = (directory.path().join("contact-search"), directory.path().join("xdg"));
    // An ordinary user may not be able to reach the program where it is.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_contact-search"))
        .arg(&copy)
        .status();
    assert!(copied.expect("cp can be run").success());
    std::fs::create_dir(&data).unwrap();
    let user = crate::embedded::server_user();
    let mut command = Command::new(&copy);
    command.args(["client", "list"]).current_dir("/").env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", &data).env("XDG_DATA_HOME", &data);
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    if is_root {
        nix::unistd::chown(&data, Some(user.uid), Some(user.gid)).unwrap();
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    assert!(stdout(run(command, "")).starts_with("ID"));
    assert!(data.join("contact-search/postgres/PG_VERSION").exists());
    assert!(
        !data.join("contact-search/postgres/postmaster.pid").exists(),
        "it was the last to leave"
    );
}
