//! Backups: written, restored, moved from one PostgreSQL to another, and everything that can be wrong with one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::Utc;
use contact_search::embedded::client_program::ClientProgram;
use contact_search::store::migrations::{SchemaState, schema_state};
use contact_search::store::{backup, connection};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::support::app::{Server, program};
use crate::support::database::programs;
use crate::support::{OwnDirectory, TestApp, TestDatabase};

/// What there is to keep, row by row, and what sees to it that it is found and stays right.
const KEPT: [&str; 12] = [
    "SELECT * FROM clients",
    "SELECT * FROM api_keys",
    "SELECT * FROM webhooks",
    "SELECT * FROM contact_lists",
    "SELECT * FROM contacts",
    "SELECT * FROM contact_texts",
    "SELECT * FROM contacts_newest",
    "SELECT * FROM contacts_newest_border",
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT relname, reloptions, attstattarget FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = 'public'::regnamespace AND relkind <> 'S' AND attnum > 0 AND NOT attisdropped",
    // A condition that has been printed and read has more parentheses than at first.
    "SELECT tgname, translate(pg_get_triggerdef(oid), '()', '') FROM pg_trigger WHERE NOT tgisinternal",
];

/// The rows of a query, sorted, as one text.
fn rows(url: &str, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let sql =
        format!("SELECT coalesce(string_agg(row::text, E'\n' ORDER BY row::text), '') AS text FROM ({query}) AS row");
    let mut connection = connection::connect(url).expect("the database answers");
    let row: Row = diesel::sql_query(&sql)
        .get_result(&mut connection)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    row.text
}

fn kept(url: &str) -> Vec<String> {
    KEPT.iter().map(|query| rows(url, query)).collect()
}

fn credential_version(url: &str) -> String {
    rows(url, "SELECT version FROM credential_version")
}

fn execute(database: &TestDatabase, sql: &str) {
    database
        .connect()
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Runs the program to its end: its exit status, its output, and its errors.
fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the program can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The program on a database of the tests' PostgreSQL.
fn on(database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).env("DATABASE_URL", database.url());
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    command
}

/// The program on the private database in a directory.
fn private(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).arg("--data-dir").arg(data_dir);
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    command
}

/// What the command printed; it must have succeeded.
fn printed(command: Command) -> String {
    let (status, stdout, stderr) = run(command);
    assert_eq!(status, Some(0), "{stderr}");
    stdout.trim_end().to_owned()
}

/// The one line that the command complained in; it must have failed.
fn complaint(command: Command) -> String {
    let (status, stdout, stderr) = run(command);
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "{stderr}");
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("contact-search: "))
        .collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    assert!(
        !stderr.contains("panicked") && stderr.trim_end().ends_with(lines[0]),
        "{stderr}"
    );
    lines[0].to_owned()
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A directory with one program, a shell script, which answers `--version` by that major version.
fn stand_in(name: &str, major: u32, script: &str) -> TempDir {
    let directory = directory();
    let path = directory.path().join(name);
    let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo '{name} (PostgreSQL) {major}.1' && exit\n{script}\n");
    // By another process, since a program that is open for writing in a fork of another test's can't be run.
    let mut writer = Command::new("sh")
        .args(["-c", r#"cat >"$1" && chmod 755 "$1""#, "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh can be run");
    std::io::Write::write_all(&mut writer.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
    directory
}

/// What a stand-in for pg_dump does to the file that it is to write.
const WRITE_HALF: &str = "while [ \"$1\" != --file ]; do shift; done; echo half >\"$2\"";

/// One client with two contacts, a key and a webhook.
fn fill(database: &TestDatabase) {
    execute(
        database,
        "INSERT INTO clients (id, name) VALUES ('0198c0de-0000-7000-8000-000000000001', 'Acme');
         INSERT INTO contact_lists (client_id, name) SELECT id, 'Lista' FROM clients;
         INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT client_id, gen_random_uuid(), id, 'a' || n || '@b.c', '2025-03-28T14:22:00.123456Z'
         FROM contact_lists, generate_series(1, 2) AS n;",
    );
}

/// A backup of a filled database.
fn backup_of(database: &TestDatabase, directory: &TempDir) -> String {
    fill(database);
    let file = directory.path().join("a.backup").to_str().unwrap().to_owned();
    printed(on(database, &["database", "backup", &file]));
    file
}

#[test]
fn a_database_moves_from_the_private_postgresql_to_ones_own_and_back_with_all_that_is_in_it() {
    let (first, second, files) = (OwnDirectory::new(), OwnDirectory::new(), directory());
    let data_dir = first.path();
    let file = files.path().join("contacts.backup");
    let file = file.to_str().unwrap();
    let server = Server::start(private(data_dir, &["serve", "--no-demo", "--listen", "127.0.0.1:0"]));
    let client = printed(private(data_dir, &["client", "create", "Acme", "--region", "CL"]));
    let key = printed(private(
        data_dir,
        &["key", "create", "--client", "Acme", "--scope", "lookup,search,write"],
    ));
    let mut webhook = private(data_dir, &["webhook", "create", "--client", "Acme"]);
    webhook.stdin(fs::File::open(secret(&files)).unwrap());
    printed(webhook);
    let upsert = |server: &Server, phone: &str| {
        let body =
            format!(r#"{{"channel":"whatsapp","contact_phone_number":"{phone}","contact_email":"Ana@Example.com"}}"#);
        let answer = server.send_json("POST", "/api/public/customer/upsert/info", Some(&key), body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let lookup = |server: &Server, phone: &str| {
        let answer = server.get(&format!("/api/v1/contact-lookup/?phone={phone}"), Some(&key));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    for phone in ["+56912345678", "+56912345679"] {
        upsert(&server, phone);
    }
    let message = format!(
        r#"{{"platform":"whatsapp","phone":"56912345678","direction":"inbound","sentAt":"{}"}}"#,
        Utc::now().to_rfc3339()
    );
    let answer = server.send_json("POST", "/api/v1/messages/", Some(&key), message.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let before = lookup(&server, "56912345678");
    assert_eq!(before["found"], true);

    printed(private(data_dir, &["database", "backup", file]));
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let url = printed(private(data_dir, &["database", "url"]));
    let (there, version) = (kept(&url), credential_version(&url));
    assert!(there.iter().all(|rows| !rows.is_empty()), "{there:?}");
    drop(server);

    // Under a server that knows no key, on a schema without clients.
    let own = TestDatabase::new();
    let server = Server::start(on(&own, &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(server.get("/api/v1/contact-lookup/?phone=1", Some(&key)).status, 401);
    printed(on(&own, &["database", "restore", file]));
    assert_eq!(kept(own.url()), there);
    assert_ne!(
        credential_version(own.url()),
        version,
        "no server takes it for what it has seen before"
    );
    let start = Instant::now();
    while server.get("/api/v1/contact-lookup/?phone=1", Some(&key)).status == 401 {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the key works after the restore"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(lookup(&server, "56912345678"), before);
    assert_eq!(
        server
            .get("/api/public/contacts/search?email=example.com", Some(&key))
            .ids()
            .len(),
        2
    );

    // What comes later has an id that nobody has, and is found like the rest.
    upsert(&server, "+56912345670");
    let serial = |answer: &serde_json::Value| answer["contact"]["id"].as_i64().expect("an id");
    let newest = serial(&lookup(&server, "56912345670"));
    assert!(newest > serial(&before) + 1, "{newest}");
    assert_eq!(
        server
            .get("/api/public/contacts/search?phone=345670", Some(&key))
            .ids()
            .len(),
        1
    );

    // Back, into a place where nothing was before; the first server finds the clients and makes no demo.
    printed(on(&own, &["database", "backup", file, "--force"]));
    let data_dir = second.path();
    printed(private(data_dir, &["database", "restore", file]));
    let server = Server::start(private(data_dir, &["serve", "--listen", "127.0.0.1:0"]));
    let url = printed(private(data_dir, &["database", "url"]));
    assert_eq!(kept(&url), kept(own.url()));
    assert_eq!(serial(&lookup(&server, "56912345670")), newest);
    assert!(printed(private(data_dir, &["client", "list"])).contains(&client));
}

/// A file with a WhatsApp app secret.
fn secret(directory: &TempDir) -> PathBuf {
    let path = directory.path().join("secret");
    fs::write(&path, "0123456789abcdef0123456789abcdef").unwrap();
    path
}

#[test]
fn a_database_with_clients_is_never_restored_into_and_the_complaint_says_what_to_do() {
    let (app, files, home) = (TestApp::start(), directory(), OwnDirectory::new());
    let file = files.path().join("a.backup");
    let file = file.to_str().unwrap();
    printed(on(&app.database, &["database", "backup", file]));
    let before = kept(app.database.url());
    let own = complaint(on(&app.database, &["database", "restore", file]));
    assert!(
        own.contains("has clients already (1)") && own.contains("CREATE DATABASE"),
        "{own}"
    );
    assert_eq!(kept(app.database.url()), before);

    // As the sentence says it, letter by letter.
    let data_dir = home.path();
    printed(private(data_dir, &["client", "create", "Old"]));
    let refused = complaint(private(data_dir, &["database", "restore", file]));
    let (_, rest) = refused.split_once("with `mv ").expect("a command");
    let (command, _) = rest.split_once('`').expect("its end");
    let (from, to) = command.split_once(' ').expect("two places");
    fs::rename(from, to).unwrap();
    printed(private(data_dir, &["database", "restore", file]));
    let list = printed(private(data_dir, &["client", "list"]));
    assert!(list.contains("Test") && !list.contains("Old"), "{list}");
}

#[test]
fn what_is_no_backup_is_told_before_a_database_is_looked_for() {
    let (files, home) = (directory(), OwnDirectory::new());
    let data_dir = home.path().join("data");
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("dump.sql"), "-- PostgreSQL database dump\n").unwrap();
    for (file, complains) in [
        (path("none"), "none can't be read: No such file"),
        (
            path(""),
            "is not a file: name one that `contact-search database backup` wrote",
        ),
        ("/dev/null".to_owned(), "is not a file"),
        (
            path("empty"),
            "empty is no backup that `contact-search database backup` wrote",
        ),
        (path("dump.sql"), "dump.sql is no backup"),
    ] {
        let said = complaint(private(&data_dir, &["database", "restore", &file]));
        assert!(said.contains(complains), "{said}");
    }
    assert!(!data_dir.exists(), "nothing was made");
}

#[test]
fn a_file_that_is_cut_short_or_damaged_restores_nothing_and_leaves_the_schema() {
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    // Within the last table's compressed rows.
    let at = whole.len() - 40;
    damaged[at] ^= 0xff;
    let (empty, migrated) = (TestDatabase::empty(), TestDatabase::new());
    let mut cuts: Vec<Vec<u8>> = [6, 100, whole.len() / 2, whole.len() - 1]
        .map(|length| whole[..length].to_vec())
        .to_vec();
    cuts.push(damaged);
    for cut in &cuts {
        fs::write(&file, cut).unwrap();
        for target in [&empty, &migrated] {
            let said = complaint(on(target, &["database", "restore", &file]));
            assert!(
                said.contains("a.backup is cut short or damaged"),
                "{}: {said}",
                cut.len()
            );
        }
    }
    assert!(!backup::has_schema(&mut empty.connect()).unwrap());
    assert_eq!(schema_state(&mut migrated.connect()).unwrap(), SchemaState::Current);

    fs::write(&file, whole).unwrap();
    for target in [&empty, &migrated] {
        printed(on(target, &["database", "restore", &file]));
        assert_eq!(kept(target.url()), kept(database.url()));
    }
}

#[test]
fn a_private_database_is_made_for_no_file_that_is_refused_and_none_that_is_there_goes() {
    let (database, newer, files, home) = (
        TestDatabase::new(),
        TestDatabase::new(),
        directory(),
        OwnDirectory::new(),
    );
    let file = backup_of(&database, &files);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    execute(
        &newer,
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')",
    );
    let later = files.path().join("later").to_str().unwrap().to_owned();
    printed(on(&newer, &["database", "backup", &later]));
    let refused = |data_dir: &Path| {
        for (file, complains) in [(&file, "cut short or damaged"), (&later, "newer contact-search")] {
            let said = complaint(private(data_dir, &["database", "restore", file]));
            assert!(said.contains(complains), "{said}");
        }
    };
    let data_dir = home.path().join("data");
    refused(&data_dir);
    assert!(!data_dir.exists(), "nothing was made");

    let list = printed(private(&data_dir, &["client", "list"]));
    refused(&data_dir);
    assert_eq!(printed(private(&data_dir, &["client", "list"])), list);

    fs::write(&file, whole).unwrap();
    printed(private(&data_dir, &["database", "restore", &file]));
    assert!(printed(private(&data_dir, &["client", "list"])).contains("Acme"));
}

#[test]
fn another_programs_dump_is_no_backup() {
    let (database, target, files) = (TestDatabase::empty(), TestDatabase::new(), directory());
    execute(&database, "CREATE TABLE contacts (id integer)");
    let file = files.path().join("other");
    let pg_dump = ClientProgram::find("pg_dump", programs().as_deref(), 0).expect("there is one");
    let dumped = pg_dump
        .command()
        .args(["--format=custom", "--dbname", database.url(), "--file"])
        .arg(&file)
        .status();
    assert!(dumped.unwrap().success());
    let said = complaint(on(&target, &["database", "restore", file.to_str().unwrap()]));
    assert!(said.contains("other is no backup"), "{said}");
    assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
    let said = complaint(on(
        &database,
        &["database", "backup", files.path().join("b").to_str().unwrap()],
    ));
    assert!(said.contains("is it the right one?"), "{said}");
    assert_eq!(names(&files), ["other"]);
}

#[test]
fn an_older_backup_is_brought_up_to_date_and_a_newer_one_is_refused() {
    let (older, newer, files) = (TestDatabase::empty(), TestDatabase::new(), directory());
    for step in [
        include_str!("../../migrations/20261121000000_contacts/up.sql"),
        include_str!("../../migrations/20261121010000_webhooks/up.sql"),
        include_str!("../../migrations/20261122000000_contact_texts/up.sql"),
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now());
         INSERT INTO __diesel_schema_migrations (version)
         VALUES ('20261121000000'), ('20261121010000'), ('20261122000000')",
    ] {
        execute(&older, step);
    }
    let SchemaState::Behind(lacking @ 2..) = schema_state(&mut older.connect()).unwrap() else {
        panic!("it lacks steps");
    };
    let file = backup_of(&older, &files);
    for target in [TestDatabase::empty(), TestDatabase::new()] {
        let (status, _, said) = run(on(&target, &["database", "restore", &file]));
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains(&format!("were run: {lacking}.")), "{said}");
        assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
        assert_eq!(
            rows(target.url(), "SELECT * FROM contacts"),
            rows(older.url(), "SELECT * FROM contacts")
        );
        printed(on(&target, &["client", "list"]));
    }

    execute(
        &newer,
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')",
    );
    let later = files.path().join("newer");
    let later = later.to_str().unwrap();
    printed(on(&newer, &["database", "backup", later]));
    let empty = TestDatabase::empty();
    let said = complaint(on(&empty, &["database", "restore", later]));
    assert!(said.contains("newer contact-search"), "{said}");
    assert!(!backup::has_schema(&mut empty.connect()).unwrap());
    let said = complaint(on(&newer, &["database", "restore", &file]));
    assert!(said.contains("newer schema"), "{said}");
}

#[test]
fn a_restore_that_fails_in_its_middle_leaves_the_database_as_it_was() {
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    // Somebody else's table is in the way of the second one of ours.
    let target = TestDatabase::empty();
    execute(
        &target,
        "CREATE TABLE clients (theirs text); INSERT INTO clients VALUES ('kept')",
    );
    let said = complaint(on(&target, &["database", "restore", &file]));
    assert!(said.contains("\"clients\" already exists"), "{said}");
    assert_eq!(rows(target.url(), "SELECT * FROM clients"), "(kept)");
    assert_eq!(
        rows(
            target.url(),
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ),
        "(clients)"
    );

    let real = ClientProgram::find("pg_restore", programs().as_deref(), 0).expect("there is one");
    let script = format!(
        "case \"$*\" in *--dbname*) echo 'pg_restore: error: the line went dead' >&2; exit 1;; esac\nexec '{}' \"$@\"",
        real.path().display()
    );
    let stand_in = stand_in("pg_restore", 15, &script);
    let target = TestDatabase::new();
    let mut command = on(&target, &["database", "restore", &file]);
    command.arg("--pg-bin").arg(stand_in.path());
    let said = complaint(command);
    assert!(
        said.contains("nothing of it is in the database: pg_restore: error: the line went dead"),
        "{said}"
    );
    assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
}

#[test]
fn a_backup_that_fails_leaves_an_older_one_and_no_half_one() {
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    fs::write(&file, "older").unwrap();
    let said = complaint(on(&database, &["database", "backup", &file]));
    assert!(said.contains("exists already") && said.contains("--force"), "{said}");

    let failing = stand_in(
        "pg_dump",
        99,
        &format!("{WRITE_HALF}; echo 'pg_dump: error: could not write: No space left on device' >&2; exit 1"),
    );
    let mut command = on(&database, &["database", "backup", &file, "--force"]);
    command.arg("--pg-bin").arg(failing.path());
    let said = complaint(command);
    assert!(
        said.contains("a.backup was not written") && said.contains("No space left"),
        "{said}"
    );
    for (target, complains) in [
        (files.path().to_owned(), "is not a file"),
        (PathBuf::from("/dev/null"), "is not a file"),
        (files.path().join("none/x"), "can't be written: No such file"),
        (files.path().join("a.backup/x"), "can't be written: Not a directory"),
    ] {
        let said = complaint(on(
            &database,
            &["database", "backup", target.to_str().unwrap(), "--force"],
        ));
        assert!(said.contains(complains), "{said}");
    }
    assert_eq!(
        (names(&files), fs::read(&file).unwrap()),
        (vec!["a.backup".to_owned()], b"older".to_vec())
    );

    printed(on(&database, &["database", "backup", &file, "--force"]));
    printed(on(&TestDatabase::empty(), &["database", "restore", &file]));
    assert_eq!(names(&files), ["a.backup"]);
}

#[test]
fn a_password_is_in_no_argument_and_in_no_complaint() {
    let (database, files, seen) = (TestDatabase::new(), directory(), directory());
    let note = seen.path().join("note");
    let script = format!(
        "echo \"$PGPASSWORD\" >'{0}'; echo \"$@\" >>'{0}'; echo 'pg_dump: error: no' >&2; exit 1",
        note.display()
    );
    let spy = stand_in("pg_dump", 99, &script);
    let file = files.path().join("a").to_str().unwrap().to_owned();
    let mut command = program();
    command.args(["database", "backup", &file, "--pg-bin"]).arg(spy.path());
    // The tests' PostgreSQL asks for none.
    command.env("DATABASE_URL", format!("{}&password=hunter%32", database.url()));
    let said = complaint(command);
    assert!(!said.contains("hunter"), "{said}");
    let note = fs::read_to_string(note).expect("it was run");
    let (password, arguments) = note.split_once('\n').unwrap();
    assert_eq!(password, "hunter2");
    assert!(
        arguments.contains("--no-password") && arguments.contains("user='contact_search'"),
        "{arguments}"
    );
    assert!(!arguments.contains("hunter"), "{arguments}");
}

#[test]
fn where_pg_dump_is_missing_or_too_old_the_complaint_says_what_to_install() {
    let (database, files) = (TestDatabase::new(), directory());
    let server = backup::server_major(&mut database.connect()).unwrap();
    let file = files.path().join("a").to_str().unwrap().to_owned();
    let (none, old) = (directory(), stand_in("pg_dump", 9, "exit 1"));
    for (programs, complains) in [(&none, "no pg_dump was found in"), (&old, "pg_dump is 9.1: install")] {
        let mut command = on(&database, &["database", "backup", &file]);
        command.arg("--pg-bin").arg(programs.path());
        let said = complaint(command);
        assert!(said.contains(complains), "{said}");
        assert!(said.contains(&format!("postgresql-client-{server}")), "{said}");
    }
    assert!(names(&files).is_empty());
}

#[test]
fn an_interrupted_backup_ends_pg_dump_and_leaves_no_file() {
    let (database, files, seen) = (TestDatabase::new(), directory(), directory());
    let note = seen.path().join("note");
    let script = format!(
        "{WRITE_HALF}; echo $$ >'{0}.new'; mv '{0}.new' '{0}'; exec sleep 600",
        note.display()
    );
    let slow = stand_in("pg_dump", 99, &script);
    let file = files.path().join("a").to_str().unwrap().to_owned();
    let mut command = on(&database, &["database", "backup", &file]);
    command.arg("--pg-bin").arg(slow.path()).stderr(Stdio::piped());
    let child: Child = command.spawn().expect("the program can be started");
    let start = Instant::now();
    while !note.exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "pg_dump is run");
        std::thread::sleep(Duration::from_millis(10));
    }
    let [part] = &names(&files)[..] else { panic!("one file") };
    assert_eq!(fs::read_to_string(files.path().join(part)).unwrap(), "half\n");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{said}");
    assert!(said.ends_with("contact-search: interrupted by SIGTERM\n"), "{said}");
    assert!(names(&files).is_empty());
    let program = fs::read_to_string(note)
        .unwrap()
        .trim()
        .parse()
        .expect("a process number");
    assert!(kill(Pid::from_raw(program), None).is_err(), "it has ended");
}
