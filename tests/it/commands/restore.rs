//! `contact-search database restore`: what it refuses, and what it leaves then.

use std::fs;
use std::path::Path;

use contact_search::embedded::client_program::ClientProgram;
use contact_search::store::backup;
use contact_search::store::migrations::{SchemaState, schema_state};

use crate::support::backup::{backup_of, contents, directory, error_of, names, printed, rows, stand_in};
use crate::support::command::{CommandOutput, command_on, private, run};
use crate::support::database::{execute, programs};
use crate::support::{OwnDirectory, TestApp, TestDatabase};

#[test]
fn a_database_with_clients_is_never_restored_into_and_the_complaint_says_what_to_do() {
    let (app, files, home) = (TestApp::start(), directory(), OwnDirectory::new());
    let file = files.path().join("a.backup");
    let file = file.to_str().unwrap();
    printed(command_on(&app.database, &["database", "backup", file]));
    let before = contents(app.database.url());
    let own = error_of(command_on(&app.database, &["database", "restore", file]));
    assert!(
        own.contains("has clients already (1)") && own.contains("CREATE DATABASE"),
        "{own}"
    );
    assert_eq!(contents(app.database.url()), before);

    // As the sentence says it, letter by letter.
    let data_dir = home.path();
    printed(private(data_dir, &["client", "create", "Old"]));
    let refused = error_of(private(data_dir, &["database", "restore", file]));
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
        let said = error_of(private(&data_dir, &["database", "restore", &file]));
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
            let said = error_of(command_on(target, &["database", "restore", &file]));
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
        printed(command_on(target, &["database", "restore", &file]));
        assert_eq!(contents(target.url()), contents(database.url()));
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
        &mut newer.connect(),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')",
    );
    let later = files.path().join("later").to_str().unwrap().to_owned();
    printed(command_on(&newer, &["database", "backup", &later]));
    let refused = |data_dir: &Path| {
        for (file, complains) in [(&file, "cut short or damaged"), (&later, "newer contact-search")] {
            let said = error_of(private(data_dir, &["database", "restore", file]));
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
    execute(&mut database.connect(), "CREATE TABLE contacts (id integer)");
    let file = files.path().join("other");
    let pg_dump = ClientProgram::find("pg_dump", programs().as_deref(), 0).expect("there is one");
    let dumped = pg_dump
        .command()
        .args(["--format=custom", "--dbname", database.url(), "--file"])
        .arg(&file)
        .status();
    assert!(dumped.unwrap().success());
    let said = error_of(command_on(&target, &["database", "restore", file.to_str().unwrap()]));
    assert!(said.contains("other is no backup"), "{said}");
    assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
    let said = error_of(command_on(
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
        panic!("it lacks steps");
    };
    let file = backup_of(&older, &files);
    for target in [TestDatabase::empty(), TestDatabase::new()] {
        let CommandOutput {
            status, stderr: said, ..
        } = run(command_on(&target, &["database", "restore", &file]), "");
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains(&format!("were run: {lacking}.")), "{said}");
        assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
        assert_eq!(
            rows(target.url(), "SELECT * FROM contacts"),
            rows(older.url(), "SELECT * FROM contacts")
        );
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
    let said = error_of(command_on(&empty, &["database", "restore", later]));
    assert!(said.contains("newer contact-search"), "{said}");
    assert!(!backup::has_schema(&mut empty.connect()).unwrap());
    let said = error_of(command_on(&newer, &["database", "restore", &file]));
    assert!(said.contains("newer schema"), "{said}");
}

#[test]
fn a_restore_that_fails_in_its_middle_leaves_the_database_as_it_was() {
    let (database, files) = (TestDatabase::new(), directory());
    let file = backup_of(&database, &files);
    // Somebody else's table is in the way of the second one of ours.
    let target = TestDatabase::empty();
    execute(
        &mut target.connect(),
        "CREATE TABLE clients (theirs text); INSERT INTO clients VALUES ('kept')",
    );
    let said = error_of(command_on(&target, &["database", "restore", &file]));
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
    let mut command = command_on(&target, &["database", "restore", &file]);
    command.arg("--pg-bin").arg(stand_in.path());
    let said = error_of(command);
    assert!(
        said.contains("nothing of it is in the database: pg_restore: error: the line went dead"),
        "{said}"
    );
    assert_eq!(schema_state(&mut target.connect()).unwrap(), SchemaState::Current);
}
