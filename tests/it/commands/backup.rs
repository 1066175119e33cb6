//! `contact-search database backup`: the contents of a backup, and the files that remain after a failed backup.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use chrono::Utc;
use contact_search::store::server_version::server_version;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::app::{Server, program};
use crate::support::backup::{
    WRITE_HALF, backup_of, contents, credential_version, directory, error_of, names, printed, stand_in,
};
use crate::support::command::{command_on, private, run, stdout};
use crate::support::{OwnDirectory, TestDatabase};

#[test]
fn a_backup_moves_a_whole_database_from_the_private_postgresql_to_another_and_back() {
    if crate::support::citus::is_not_for(
        "a_backup_moves_a_whole_database_from_the_private_postgresql_to_another_and_back",
        "into which it restores a backup",
    ) {
        return;
    }
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
    let webhook = private(data_dir, &["webhook", "create", "--client", "Acme"]);
    stdout(run(webhook, "0123456789abcdef0123456789abcdef"));
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
    let (expected, version) = (contents(&url), credential_version(&url));
    assert!(expected.iter().all(|rows| !rows.is_empty()), "{expected:?}");
    drop(server);

    // Restores into a migrated database without clients while a server runs on it. The server does not know the key
    // yet.
    let own = TestDatabase::new();
    let server = Server::start(command_on(&own, &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(server.get("/api/v1/contact-lookup/?phone=123", Some(&key)).status, 401);
    printed(command_on(&own, &["database", "restore", file]));
    assert_eq!(contents(own.url()), expected);
    assert_ne!(
        credential_version(own.url()),
        version,
        "the restored database must not reuse a credential version that a server has cached"
    );
    let start = Instant::now();
    while server.get("/api/v1/contact-lookup/?phone=123", Some(&key)).status == 401 {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the key does not work after the restore"
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

    // A contact added later gets a new id and is found like the others.
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

    // Restores into an empty data directory. The server finds the clients and creates no demo.
    // The old server must end first. Otherwise it could store a later use of the key after the backup.
    drop(server);
    printed(command_on(&own, &["database", "backup", file, "--force"]));
    let data_dir = second.path();
    printed(private(data_dir, &["database", "restore", file]));
    let server = Server::start(private(data_dir, &["serve", "--listen", "127.0.0.1:0"]));
    let url = printed(private(data_dir, &["database", "url"]));
    assert_eq!(contents(&url), contents(own.url()));
    assert_eq!(serial(&lookup(&server, "56912345670")), newest);
    assert!(printed(private(data_dir, &["client", "list"])).contains(&client));
}

#[test]
fn a_failed_backup_keeps_the_older_file_and_leaves_no_partial_file() {
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    fs::write(&file, "older").unwrap();
    let message = error_of(command_on(&database, &["database", "backup", &file]));
    assert!(
        message.contains("already exists") && message.contains("--force"),
        "{message}"
    );

    let failing = stand_in(
        "pg_dump",
        99,
        &format!("{WRITE_HALF}; echo 'pg_dump: error: could not write: No space left on device' >&2; exit 1"),
    );
    let mut command = command_on(&database, &["database", "backup", &file, "--force"]);
    command.arg("--pg-bin").arg(failing.path());
    let message = error_of(command);
    assert!(
        message.contains("a.backup was not written") && message.contains("No space left"),
        "{message}"
    );
    for (target, expected) in [
        (files.path().to_owned(), "is not a regular file"),
        (PathBuf::from("/dev/null"), "is not a regular file"),
        (files.path().join("none/x"), "can't be written: No such file"),
        (files.path().join("a.backup/x"), "can't be written: Not a directory"),
    ] {
        let message = error_of(command_on(
            &database,
            &["database", "backup", target.to_str().unwrap(), "--force"],
        ));
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(
        (names(&files), fs::read(&file).unwrap()),
        (vec!["a.backup".to_owned()], b"older".to_vec())
    );

    printed(command_on(&database, &["database", "backup", &file, "--force"]));
    printed(command_on(&TestDatabase::empty(), &["database", "restore", &file]));
    assert_eq!(names(&files), ["a.backup"]);
}

#[test]
fn the_password_appears_in_no_argument_and_in_no_error_message() {
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
    // The tests' PostgreSQL does not ask for a password.
    command.env("DATABASE_URL", format!("{}&password=hunter%32", database.url()));
    let message = error_of(command);
    assert!(!message.contains("hunter"), "{message}");
    let note = fs::read_to_string(note).expect("the spy was run");
    let (password, arguments) = note.split_once('\n').unwrap();
    assert_eq!(password, "hunter2");
    assert!(
        arguments.contains("--no-password") && arguments.contains("user='contact_search'"),
        "{arguments}"
    );
    assert!(!arguments.contains("hunter"), "{arguments}");
}

#[test]
fn a_missing_or_old_pg_dump_is_reported_with_the_package_to_install() {
    let (database, files) = (TestDatabase::new(), directory());
    let server = server_version(&mut database.connect()).unwrap().major();
    let file = files.path().join("a").to_str().unwrap().to_owned();
    let (none, old) = (directory(), stand_in("pg_dump", 9, "exit 1"));
    for (programs, expected) in [(&none, "no pg_dump was found in"), (&old, "pg_dump is 9.1: install")] {
        let mut command = command_on(&database, &["database", "backup", &file]);
        command.arg("--pg-bin").arg(programs.path());
        let message = error_of(command);
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&format!("postgresql-client-{server}")), "{message}");
    }
    assert!(names(&files).is_empty());
}

#[test]
fn an_interrupted_backup_stops_pg_dump_and_leaves_no_file() {
    let (database, files, seen) = (TestDatabase::new(), directory(), directory());
    let note = seen.path().join("note");
    let script = format!(
        "{WRITE_HALF}; echo $$ >'{0}.new'; mv '{0}.new' '{0}'; exec sleep 600",
        note.display()
    );
    let slow = stand_in("pg_dump", 99, &script);
    let file = files.path().join("a").to_str().unwrap().to_owned();
    let mut command = command_on(&database, &["database", "backup", &file]);
    command.arg("--pg-bin").arg(slow.path()).stderr(Stdio::piped());
    let child: Child = command.spawn().expect("the program can be started");
    let start = Instant::now();
    while !note.exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "pg_dump was not run");
        std::thread::sleep(Duration::from_millis(10));
    }
    let [part] = &names(&files)[..] else {
        panic!("expected exactly one file")
    };
    assert_eq!(fs::read_to_string(files.path().join(part)).unwrap(), "half\n");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{message}");
    assert!(
        message.ends_with("contact-search: interrupted by SIGTERM\n"),
        "{message}"
    );
    assert!(names(&files).is_empty());
    let program = fs::read_to_string(note)
        .unwrap()
        .trim()
        .parse()
        .expect("a process number");
    assert!(kill(Pid::from_raw(program), None).is_err(), "pg_dump still runs");
}
