//! The commands, as an operator types them.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use serde_json::{Value, json};

use crate::support::app::{Server, add_key, program};
use crate::support::database::programs;
use crate::support::directory::ServerDirectory;
use crate::support::{Contact, TestApp, TestDatabase};

/// What a command said, and how it ended.
struct Said {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs a command to its end, with that text on its standard input.
fn run(mut command: Command, input: &str) -> Said {
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
fn on(database: &TestDatabase, arguments: &[&str]) -> Said {
    let mut command = program();
    command.args(arguments).env("DATABASE_URL", database.url());
    run(command, "")
}

/// What the command printed; it must have succeeded.
fn stdout(said: Said) -> String {
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    said.stdout
}

/// What the command complained of; it must have failed without a panic and without printing a result.
fn complaint(said: Said) -> String {
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
    assert_eq!(stdout(on(&database, &["migrate"])), "Ran one migration.\n");
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
}

#[test]
fn a_mistake_is_answered_by_a_sentence() {
    let database = TestDatabase::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (&["serv"][..], "serve"),
        (&["serve", "--listen", "8080"], "--listen"),
        (&["serve", "--listen", &taken], "choose another address with --listen"),
        (&["serve", "--pool-size", "0"], "1..=1000"),
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
fn private(directory: &ServerDirectory, arguments: &[&str]) -> Command {
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
    let directory = ServerDirectory::new();
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
    let mut connection = contact_search::store::pool::connect(url.trim()).expect("psql could connect");
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
    let directory = ServerDirectory::new();
    let mut server = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]));
    assert_eq!(server.get("/readyz", None).status, 200);
    assert!(!directory.path().join("demo-key").exists());
    let url = stdout(run(private(&directory, &["database", "url"]), ""));
    let mut connection = contact_search::store::pool::connect(url.trim()).expect("psql could connect");
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
