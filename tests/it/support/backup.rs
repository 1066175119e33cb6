//! Databases to back up, and stand-ins for PostgreSQL's client programs.

use std::fs;
use std::process::{Command, Stdio};

use contact_search::store::connection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use tempfile::TempDir;

use super::TestDatabase;
use super::command::{CommandOutput, command_on, run, stdout};
use super::database::execute;

/// Queries for everything that a backup must preserve: the rows, and the sequences, indexes, options and triggers that
/// keep them correct.
pub const CONTENTS: [&str; 13] = [
    "SELECT * FROM clients",
    "SELECT * FROM api_keys",
    "SELECT * FROM webhooks",
    "SELECT * FROM contact_lists",
    "SELECT * FROM contacts",
    "SELECT * FROM contact_texts",
    "SELECT * FROM contacts_newest",
    "SELECT * FROM contacts_newest_border",
    // A running server changes the fence, which has no meaning in another cluster.
    "SELECT border FROM contact_period_border",
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    // Since version 17 the default of attstattarget is NULL. Before it was -1.
    "SELECT relname, reloptions, coalesce(attstattarget, -1) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = 'public'::regnamespace AND relkind <> 'S' AND attnum > 0 AND NOT attisdropped",
    // Ignores parentheses, because a dump and its restore add some to a trigger's condition.
    "SELECT tgname, translate(pg_get_triggerdef(oid), '()', '') FROM pg_trigger WHERE NOT tgisinternal",
];

/// The sorted rows of a query as one text.
pub fn rows(url: &str, query: &str) -> String {
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

pub fn contents(url: &str) -> Vec<String> {
    CONTENTS.iter().map(|query| rows(url, query)).collect()
}

pub fn credential_version(url: &str) -> String {
    rows(url, "SELECT version FROM credential_version")
}

/// Runs a command that must succeed, and returns its trimmed output.
pub fn printed(command: Command) -> String {
    stdout(run(command, "")).trim_end().to_owned()
}

/// Runs a command that must fail, and returns its single error line.
pub fn error_of(command: Command) -> String {
    let CommandOutput { status, stdout, stderr } = run(command, "");
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

pub fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

pub fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A directory with one program: a shell script that answers `--version` with the given major version.
pub fn stand_in(name: &str, major: u32, script: &str) -> TempDir {
    let directory = directory();
    let path = directory.path().join(name);
    let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo '{name} (PostgreSQL) {major}.1' && exit\n{script}\n");
    // Another process writes the file. If the tests had it open for writing, a concurrently forked process would
    // inherit the descriptor and the program could not be run.
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

/// Shell code of a stand-in for pg_dump that writes a partial file.
pub const WRITE_HALF: &str = "while [ \"$1\" != --file ]; do shift; done; echo half >\"$2\"";

/// Inserts one client with two contacts.
pub fn fill(database: &TestDatabase) {
    execute(
        &mut database.connect(),
        "INSERT INTO clients (id, name) VALUES ('0198c0de-0000-7000-8000-000000000001', 'Acme');
         INSERT INTO contact_lists (client_id, name) SELECT id, 'Lista' FROM clients;
         INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT client_id, gen_random_uuid(), id, 'a' || n || '@b.c', '2025-03-28T14:22:00.123456Z'
         FROM contact_lists, generate_series(1, 2) AS n;",
    );
}

/// Fills the database, backs it up, and returns the path of the backup.
pub fn backup_of(database: &TestDatabase, directory: &TempDir) -> String {
    fill(database);
    let file = directory.path().join("a.backup").to_str().unwrap().to_owned();
    printed(command_on(database, &["database", "backup", &file]));
    file
}
