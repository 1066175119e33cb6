//! Which database a command works on: the private database, which only some commands create, or the database that a
//! variable or an option names.

use crate::support::app::{Server, program};
use crate::support::command::{command_on, error_of, private, run, run_on, stdout};
use crate::support::database::execute;
use crate::support::{OwnDirectory, TestDatabase};

/// A database with the tables of a Rails application. The name of one table contains an escape sequence.
fn database_of_another_program() -> TestDatabase {
    let database = TestDatabase::empty();
    execute(
        &mut database.connect(),
        "CREATE TABLE schema_migrations (version text PRIMARY KEY);
         CREATE TABLE users (id bigint PRIMARY KEY);
         CREATE TABLE ar_internal_metadata (key text PRIMARY KEY);
         CREATE TABLE \"odd\u{1b}[31m\" (id bigint)",
    );
    database
}

fn tables(database: &TestDatabase) -> i64 {
    database.count("SELECT count(*) AS count FROM pg_tables WHERE schemaname = 'public'")
}

#[test]
fn a_mistyped_data_directory_is_reported_and_makes_no_database() {
    let home = OwnDirectory::new();
    let data_dir = home.path().join("mistyped");
    let file = home.path().join("contacts.csv");
    std::fs::write(&file, "phone\n+5491123456789\n").unwrap();
    let file = file.to_str().unwrap();
    let id = "0198c0de-0000-7000-8000-000000000000";
    for arguments in [
        &["key", "list"][..],
        &["key", "create", "--client", "Acme"],
        &["key", "revoke", id],
        &["key", "rotate", id],
        &["key", "limit", id, "9"],
        &["client", "list"],
        &["client", "edit", "Acme", "--region", "CL"],
        &["key", "import", "--client", "Acme"],
        &["webhook", "create", "--client", "Acme"],
        &["webhook", "list"],
        &["webhook", "delete", id],
        &["phones", "recheck", "--client", "Acme"],
        &["phones", "recheck", "--client", "Acme", "--apply"],
        &["import", file, "--client", "Acme"],
        &["export", "--client", "Acme"],
        &["migrate"],
        &["database", "url"],
        &["database", "backup", &format!("{file}.backup")],
    ] {
        // Some of the commands read a key or an app secret from standard input.
        let output = run(private(&data_dir, arguments), "4f8a2c1e9b7d3f604f8a2c1e9b7d3f60");
        assert_eq!(output.status, Some(1), "{arguments:?}");
        let message = error_of(output);
        for part in [
            "there is no private database in",
            data_dir.to_str().unwrap(),
            "--data-dir",
            "--database-url",
        ] {
            assert!(message.contains(part), "{arguments:?}: {message}");
        }
        assert!(!data_dir.exists(), "{arguments:?} made the directory");
    }
    // An existing directory without a database gives the same error.
    std::fs::create_dir(&data_dir).unwrap();
    let message = error_of(run(private(&data_dir, &["key", "list"]), ""));
    assert!(message.contains("there is no private database in"), "{message}");
    assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 0);
}

#[test]
fn client_create_and_generate_make_a_private_database_for_the_commands_after_them() {
    for first in [
        &["client", "create", "Acme"][..],
        &["generate", "--contacts", "1", "--client", "Acme"],
    ] {
        let directory = OwnDirectory::new();
        stdout(run(private(&directory, first), ""));
        let list = stdout(run(private(&directory, &["client", "list"]), ""));
        assert!(list.contains("Acme"), "{list}");
    }
}

#[test]
fn a_schema_with_another_programs_tables_is_refused_if_only_database_url_names_it() {
    let (database, ours, home) = (database_of_another_program(), TestDatabase::new(), OwnDirectory::new());
    let before = tables(&database);
    let backup = home.path().join("a.backup");
    let backup = backup.to_str().unwrap();
    run_on(&ours, &["database", "backup", backup]);
    for arguments in [
        &["migrate"][..],
        &["serve", "--listen", "127.0.0.1:0", "--migrate"],
        &["database", "restore", backup],
    ] {
        let message = error_of(run_on(&database, arguments));
        assert!(
            message.contains(
                "DATABASE_URL names has tables of another program (4 in all, such as \"ar_internal_metadata\""
            ) && message.contains("--database-url or CONTACT_SEARCH_DATABASE_URL"),
            "{arguments:?}: {message}"
        );
        assert!(!message.contains('\u{1b}'), "{message:?}");
        assert_eq!(tables(&database), before, "{arguments:?}");
    }
    // Commands that create no tables report the missing schema instead.
    let message = error_of(run_on(&database, &["client", "list"]));
    assert!(message.contains("contact-search migrate"), "{message}");
}

#[test]
fn a_schema_with_another_programs_tables_is_accepted_if_it_is_named_on_purpose() {
    let by_option = database_of_another_program();
    let mut command = program();
    command.args(["migrate", "--database-url", by_option.url()]);
    assert!(stdout(run(command, "")).starts_with("Ran "));
    // Now the schema has contact-search's migrations, so it is not refused any more.
    assert_eq!(stdout(run_on(&by_option, &["migrate"])), "The schema is up to date.\n");

    let by_variable = database_of_another_program();
    let mut command = program();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--migrate"])
        .env("CONTACT_SEARCH_DATABASE_URL", by_variable.url())
        .env("DATABASE_URL", by_variable.url());
    assert_eq!(Server::start(command).get("/readyz", None).status, 200);
}

#[test]
fn database_url_migrates_an_empty_schema_even_if_another_schema_has_tables() {
    let database = TestDatabase::empty();
    execute(
        &mut database.connect(),
        "CREATE SCHEMA other; CREATE TABLE other.users (id bigint)",
    );
    assert!(stdout(run_on(&database, &["migrate"])).starts_with("Ran "));
    assert_eq!(tables(&TestDatabase::empty()), 0);
}

#[test]
fn contact_searchs_own_variable_goes_before_database_url() {
    let (ours, other) = (TestDatabase::new(), TestDatabase::empty());
    let url = |own: &str| {
        let mut command = command_on(&other, &["database", "url"]);
        command.env("CONTACT_SEARCH_DATABASE_URL", own);
        stdout(run(command, "")).trim_end().to_owned()
    };
    assert_eq!(url(ours.url()), ours.url());
    assert_eq!(url(""), other.url(), "an empty variable counts as unset");

    let mut command = command_on(&other, &["client", "list", "--database-url", ours.url()]);
    command.env("CONTACT_SEARCH_DATABASE_URL", other.url());
    stdout(run(command, ""));

    // A pooler's URL may come from either variable.
    for name in ["CONTACT_SEARCH_DATABASE_URL", "DATABASE_URL"] {
        let mut command = program();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--pooler"])
            .env(name, ours.url());
        Server::start(command);
    }
}
