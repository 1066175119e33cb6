//! `contact-search database restore`: the files and databases that it refuses. A refusal changes nothing.

use std::fs;
use std::path::Path;

use contact_search::embedded::client_program::ClientProgram;
use contact_search::store::backup;
use contact_search::store::migrations::{SchemaState, schema_state};

use crate::support::backup::{backup_of, contents, directory, error_of, names, printed, rows, stand_in};
use crate::support::command::{CommandOutput, command_on, private, run};
use crate::support::database::{execute, programs};
use crate::support::private_database::open_durable;
use crate::support::{OwnDirectory, TestApp, TestDatabase};

#[test]
fn restore_refuses_a_database_with_clients_and_says_what_to_do() {
    if crate::support::citus::is_not_for(
        "restore_refuses_a_database_with_clients_and_says_what_to_do",
        "into which it restores a backup",
    ) {
        return;
    }
    let (app, files, home) = (TestApp::start(), directory(), OwnDirectory::new());
    let file = files.path().join("a.backup");
    let file = file.to_str().unwrap();
    printed(command_on(&app.database, &["database", "backup", file]));
    let before = contents(app.database.url());
    let own = error_of(command_on(&app.database, &["database", "restore", file]));
    assert!(
        own.contains("already has clients (1)") && own.contains("CREATE DATABASE"),
        "{own}"
    );
    assert_eq!(contents(app.database.url()), before);

    // Follows the message literally.
    let data_dir = home.path();
    printed(private(data_dir, &["client", "create", "Old"]));
    let refused = error_of(private(data_dir, &["database", "restore", file]));
    let (_, rest) = refused.split_once("with `mv ").expect("a command");
    let (command, _) = rest.split_once('`').expect("the end of the command");
    let (from, to) = command.split_once(' ').expect("two paths");
    fs::rename(from, to).unwrap();
    printed(private(data_dir, &["database", "restore", file]));
    let list = printed(private(data_dir, &["client", "list"]));
    assert!(list.contains("Test") && !list.contains("Old"), "{list}");
}

#[test]
fn a_file_that_is_no_backup_is_refused_before_a_database_is_opened() {
    let (files, home) = (directory(), OwnDirectory::new());
    let data_dir = home.path().join("data");
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("dump.sql"), "-- PostgreSQL database dump\n").unwrap();
    for (file, expected) in [
        (path("none"), "none can't be read: No such file"),
        (
            path(""),
            "is not a regular file: name one that `contact-search database backup` wrote",
        ),
        ("/dev/null".to_owned(), "is not a regular file"),
        (
            path("empty"),
            "empty is not a backup written by `contact-search database backup`",
        ),
        (path("dump.sql"), "dump.sql is not a backup"),
    ] {
        let message = error_of(private(&data_dir, &["database", "restore", &file]));
        assert!(message.contains(expected), "{message}");
    }
    assert!(!data_dir.exists(), "the data directory must not be created");
}

#[test]
fn a_truncated_or_damaged_backup_restores_nothing_and_keeps_the_schema() {
    if crate::support::citus::is_not_for(
        "a_truncated_or_damaged_backup_restores_nothing_and_keeps_the_schema",
        "into which it restores a backup",
    ) {
        return;
    }
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    // Damages the compressed rows of the last table.
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
            let message = error_of(command_on(target, &["database", "restore", &file]));
            assert!(
                message.contains("a.backup is truncated or damaged"),
                "{}: {message}",
                cut.len()
            );
        }
    }
    assert!(!backup::has_schema(&mut empty.connect()).unwrap());
    assert_eq!(schema_state(&mut migrated.connect()).unwrap(), SchemaState::Current);

    fs::write(&file, whole).unwrap();
    for target in [&empty, &migrated] {
        printed(command_on(target, &["database", "restore", &file]));
        assert_eq!(contents(target.url()), contents(database.url()));
    }
}

#[test]
fn a_refused_file_neither_creates_nor_removes_a_private_database() {
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
        &mut newer.connect(),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')",
    );
    let later = files.path().join("later").to_str().unwrap().to_owned();
    printed(command_on(&newer, &["database", "backup", &later]));
    let refused = |data_dir: &Path| {
        for (file, expected) in [(&file, "truncated or damaged"), (&later, "newer contact-search")] {
            let message = error_of(private(data_dir, &["database", "restore", file]));
            assert!(message.contains(expected), "{message}");
        }
    };
    let data_dir = home.path().join("data");
    refused(&data_dir);
    assert!(!data_dir.exists(), "the data directory must not be created");

    open_durable(&data_dir).close().expect("the database can be closed");
    let list = printed(private(&data_dir, &["client", "list"]));
    refused(&data_dir);
    assert_eq!(printed(private(&data_dir, &["client", "list"])), list);

    fs::write(&file, whole).unwrap();
    printed(private(&data_dir, &["database", "restore", &file]));
    assert!(printed(private(&data_dir, &["client", "list"])).contains("Acme"));
}

#[test]
fn a_dump_of_another_program_is_refused() {
    let (database, target, files) = (TestDatabase::empty(), TestDatabase::new(), directory());
    execute(&mut database.connect(), "CREATE TABLE contacts (id integer)");
    let file = files.path().join("other");
    let pg_dump =
        ClientProgram::find("pg_dump", programs().as_deref(), 0).expect("PostgreSQL's client programs are installed");
    let dumped = pg_dump
        .command()
        .args(["--format=custom", "--dbname", database.url(), "--file"])
        .arg(&file)
        .status();
    assert!(dumped.unwrap().success());
    let message = error_of(command_on(&target, &["database", "restore", file.to_str().unwrap()]));
    assert!(message.contains("other is not a backup"), "{message}");
    assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
    let message = error_of(command_on(
        &database,
        &["database", "backup", files.path().join("b").to_str().unwrap()],
    ));
    assert!(message.contains("check that it is the right one"), "{message}");
    assert_eq!(names(&files), ["other"]);
}

#[test]
fn an_older_backup_is_migrated_and_a_newer_one_is_refused() {
    if crate::support::citus::is_not_for(
        "an_older_backup_is_migrated_and_a_newer_one_is_refused",
        "into which it restores a backup",
    ) {
        return;
    }
    let (older, newer, files) = (TestDatabase::empty(), TestDatabase::new(), directory());
    for step in [
        include_str!("../../../migrations/20261121000000_contacts/up.sql"),
        include_str!("../../../migrations/20261121010000_webhooks/up.sql"),
        include_str!("../../../migrations/20261122000000_contact_texts/up.sql"),
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now());
         INSERT INTO __diesel_schema_migrations (version)
         VALUES ('20261121000000'), ('20261121010000'), ('20261122000000')",
    ] {
        execute(&mut older.connect(), step);
    }
    let SchemaState::Behind(lacking @ 2..) = schema_state(&mut older.connect()).unwrap() else {
        panic!("the older schema must lack at least two migrations");
    };
    let file = backup_of(&older, &files);
    for target in [TestDatabase::empty(), TestDatabase::new()] {
        let CommandOutput {
            status,
            stderr: message,
            ..
        } = run(command_on(&target, &["database", "restore", &file]), "");
        assert_eq!(status, Some(0), "{message}");
        assert!(message.contains(&format!("Migrations run: {lacking}.")), "{message}");
        assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
        // The columns of the older version.
        let kept =
            "SELECT client_id, id, serial_id, contact_list_id, phone, phone_key, phone_as_given, email, platform,
            created_at, last_message_at, last_inbound_at FROM contacts";
        assert_eq!(rows(target.url(), kept), rows(older.url(), kept));
        printed(command_on(&target, &["client", "list"]));
    }

    execute(
        &mut newer.connect(),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')",
    );
    let later = files.path().join("newer");
    let later = later.to_str().unwrap();
    printed(command_on(&newer, &["database", "backup", later]));
    let empty = TestDatabase::empty();
    let message = error_of(command_on(&empty, &["database", "restore", later]));
    assert!(message.contains("newer contact-search"), "{message}");
    assert!(!backup::has_schema(&mut empty.connect()).unwrap());
    let message = error_of(command_on(&newer, &["database", "restore", &file]));
    assert!(message.contains("newer schema"), "{message}");
}

#[test]
fn a_restore_that_fails_halfway_leaves_the_database_unchanged() {
    if crate::support::citus::is_not_for(
        "a_restore_that_fails_halfway_leaves_the_database_unchanged",
        "into which it restores a backup",
    ) {
        return;
    }
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    // A table of another program has the name of one of our tables.
    let target = TestDatabase::empty();
    execute(
        &mut target.connect(),
        "CREATE TABLE clients (theirs text); INSERT INTO clients VALUES ('kept')",
    );
    let mut command = command_on(&target, &["database", "restore", &file]);
    command.env("CONTACT_SEARCH_DATABASE_URL", target.url());
    let message = error_of(command);
    assert!(message.contains("\"clients\" already exists"), "{message}");
    assert_eq!(rows(target.url(), "SELECT * FROM clients"), "(kept)");
    assert_eq!(
        rows(
            target.url(),
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ),
        "(clients)"
    );

    let real = ClientProgram::find("pg_restore", programs().as_deref(), 0)
        .expect("PostgreSQL's client programs are installed");
    let script = format!(
        "case \"$*\" in *--dbname*) echo 'pg_restore: error: the line went dead' >&2; exit 1;; esac\nexec '{}' \"$@\"",
        real.path().display()
    );
    let stand_in = stand_in("pg_restore", 15, &script);
    let target = TestDatabase::new();
    let mut command = command_on(&target, &["database", "restore", &file]);
    command.arg("--pg-bin").arg(stand_in.path());
    let message = error_of(command);
    assert!(
        message.contains("the database is unchanged: pg_restore: error: the line went dead"),
        "{message}"
    );
    assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
}
