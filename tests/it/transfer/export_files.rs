//! `contact-search export FILE`: the old file stays until the new one is complete.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use contact_search::domain::phone::Region;
use contact_search::store::clients;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::app::on_terminal;
use crate::support::command::{command_on, error_of, run_on, stdout};
use crate::support::database::{count, execute};
use crate::support::{Contact, PATIENCE, TestDatabase, wait_until};

/// A database whose client `Acme` has one contact.
fn database() -> TestDatabase {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    Contact {
        name: Some("Ana\u{1b}[2J\u{202e}"),
        email: Some("ana@example.com"),
        ..Contact::default()
    }
    .add(&mut connection, client);
    database
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into()).collect()
}

#[test]
fn an_exported_file_is_private_and_replaces_another_only_by_force() {
    let database = database();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("acme.csv");
    let path = file.to_str().unwrap();
    let output = run_on(&database, &["export", "--client", "Acme", path]);
    assert_eq!(
        (stdout(output), names(directory.path())),
        (String::new(), vec!["acme.csv".into()])
    );
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nAna\u{1b}[2J\u{202e},,ana@example.com,"), "{text:?}");

    fs::write(&file, "last night's file").unwrap();
    let error = error_of(run_on(&database, &["export", "--client", "Acme", path]));
    assert!(
        error.ends_with("acme.csv already exists: name another file, or replace it with --force\n"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "last night's file");
    let error = error_of(run_on(&database, &["export", "--client", "Nobody", path, "--force"]));
    assert!(error.contains("there is no client"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "last night's file");
    stdout(run_on(&database, &["export", "--client", "Acme", path, "--force"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(names(directory.path()), [PathBuf::from("acme.csv")]);
}

#[test]
fn a_killed_export_leaves_the_old_file() {
    let database = database();
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("acme.csv");
        fs::write(&file, "last night's file").unwrap();
        let mut lock = database.connect();
        execute(&mut lock, "BEGIN; LOCK TABLE contacts");
        let mut command = command_on(&database, &["export", "--client", "Acme", "--force"]);
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child: Child = command.spawn().unwrap();
        wait_until(PATIENCE, "the export does not wait for the lock", || {
            let waiting = "SELECT count(*) AS count FROM pg_locks WHERE NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            count(&mut lock, waiting) == 1
        });
        assert_eq!(
            names(directory.path()).len(),
            2,
            "the new file grows beside the old one"
        );
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        child.wait().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "last night's file", "{signal}");
        let rest = if signal == Signal::SIGTERM { 1 } else { 2 };
        assert_eq!(names(directory.path()).len(), rest, "{signal}");
    }
}

#[test]
fn a_file_that_appears_while_an_export_runs_is_not_replaced() {
    let database = database();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("acme.csv");
    let mut lock = database.connect();
    execute(&mut lock, "BEGIN; LOCK TABLE contacts");
    let mut command = command_on(&database, &["export", "--client", "Acme"]);
    command.arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child: Child = command.spawn().unwrap();
    wait_until(PATIENCE, "the export does not wait for the lock", || {
        let waiting = "SELECT count(*) AS count FROM pg_locks WHERE NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        count(&mut lock, waiting) == 1
    });
    fs::write(&file, "another program's file").unwrap();
    execute(&mut lock, "COMMIT");
    let error = error_of(child.wait_with_output().unwrap().into());
    assert!(
        error.ends_with("acme.csv already exists: name another file, or replace it with --force\n"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "another program's file");
    assert_eq!(names(directory.path()), [PathBuf::from("acme.csv")]);
}

#[test]
fn export_to_a_dash_writes_to_standard_output() {
    let database = database();
    let directory = tempfile::tempdir().unwrap();
    let mut outputs = Vec::new();
    for arguments in [
        &["export", "--client", "Acme", "-"][..],
        &["export", "--client", "Acme"],
        &["export", "--client", "Acme", "-", "--force"],
    ] {
        let mut command = command_on(&database, arguments);
        command.current_dir(directory.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        outputs.push(output.stdout);
    }
    assert!(outputs[0].starts_with(b"name,phone,email,"));
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    assert!(names(directory.path()).is_empty());
}

#[test]
fn an_export_to_a_terminal_escapes_control_characters() {
    let database = database();
    let (status, output) = on_terminal(&database, "export --client Acme");
    assert_eq!(status, Some(0), "{output}");
    assert!(
        output.contains("Ana\\u{1b}[2J\\u{202e},,ana@example.com,"),
        "{output:?}"
    );
    assert!(!output.contains(['\u{1b}', '\u{202e}']), "{output:?}");
}
