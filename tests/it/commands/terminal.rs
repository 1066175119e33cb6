//! Text that somebody else wrote can't drive the operator's terminal.

use std::fs;

use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use contact_search::store::keys;
use serde_json::Value;

use crate::support::TestDatabase;
use crate::support::app::{Server, on_terminal, program};
use crate::support::command::{command_on, run, run_on};

/// Characters that a terminal acts on: escape sequences, direction marks, line separators.
const ACTIVE: [char; 8] = [
    '\u{1b}', '\u{7}', '\u{9b}', '\u{7f}', '\u{202e}', '\u{2066}', '\u{2028}', '\r',
];

fn assert_harmless(text: &str) {
    assert!(!text.contains(ACTIVE), "{text:?}");
}

#[test]
fn a_csv_header_can_not_drive_the_terminal() {
    let database = TestDatabase::new();
    clients::create_client(&mut database.connect(), "Acme", Region::DEFAULT).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("contacts.csv");
    let path = file.to_str().unwrap();
    let evil = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2028}";
    let blocked = format!("blocked{evil}\nforged: line");
    let choice = format!("blocked={blocked}");
    for (text, arguments) in [
        // The table of columns, a rejected row, a cell that is left out, and the summary.
        (
            format!("email,\"{blocked}\",\"x{evil}\"\na@x.com,maybe,b@x.com\n,yes,\n"),
            &["--column", &choice, "--skip-bad-rows", "--skip-bad-cells"][..],
        ),
        (format!("email,\"{blocked}\"\na@x.com,maybe\n"), &["--column", &choice]),
        (format!("\"email{evil}\",\"mail{evil}\"\na@x.com,b@x.com\n"), &[]),
        (format!("\"name{evil}\"\nAna\n"), &[]),
        (
            format!("\"x{evil}\",\"x{evil}\",email\n1,2,a@x.com\n"),
            &["--column", "name=x0owned31m"],
        ),
        (
            format!("email,y{evil}\na@x.com,b\n"),
            &["--column", "phone=z\u{1b}\u{202e}"],
        ),
    ] {
        fs::write(&file, &text).unwrap();
        let output = run_on(&database, &[&["import", path, "--client", "Acme"], arguments].concat());
        assert_harmless(&output.stdout);
        assert_harmless(&output.stderr);
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert!(!shown.lines().any(|line| line.starts_with("forged")), "{shown}");
        assert!(shown.contains("\\u{1b}"), "{shown}");
    }
}

#[test]
fn a_files_name_can_neither_forge_a_line_nor_drive_the_terminal() {
    let (database, empty) = (TestDatabase::new(), TestDatabase::empty());
    let mut connection = database.connect();
    clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let name = |stem: &str| {
        let file = directory
            .path()
            .join(format!("{stem}\u{1b}[31m\u{202e}\u{2028}\nforged: line"));
        file.to_str().unwrap().to_owned()
    };
    let (backup, export, other, absent) = (name("backup"), name("export"), name("other"), name("absent"));
    fs::write(&other, "email\nx\n").unwrap();
    // Each command writes its file's name on standard error, the successful ones and the refused ones.
    for (database, status, arguments) in [
        (&database, 0, &["database", "backup", &backup][..]),
        (&database, 1, &["database", "backup", &backup]),
        (&database, 1, &["database", "restore", &backup]),
        (&empty, 0, &["database", "restore", &backup]),
        (&empty, 1, &["database", "restore", &other]),
        (&empty, 1, &["database", "restore", &absent]),
        (&database, 1, &["import", &other, "--client", "Acme"]),
        (&database, 1, &["import", &absent, "--client", "Acme"]),
        (&database, 0, &["export", &export, "--client", "Acme"]),
        (&database, 1, &["export", &export, "--client", "Acme"]),
        (&database, 1, &["export", &format!("{absent}/x"), "--client", "Acme"]),
    ] {
        let output = run_on(database, arguments);
        assert_eq!(output.status, Some(status), "{arguments:?}: {}", output.stderr);
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert_harmless(&shown);
        assert!(
            !shown.lines().any(|line| line.starts_with("forged")),
            "{arguments:?}: {shown}"
        );
    }
    let mut command = program();
    command.args(["key", "list", "--data-dir", &absent]);
    let output = run(command, "");
    assert!(
        output.stderr.contains("\\u{1b}[31m\\u{202e}\\u{2028}\\nforged: line"),
        "{}",
        output.stderr
    );
}

#[test]
fn names_and_labels_in_tables_can_not_drive_the_terminal() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    // The command refuses some of these names, but other programs write to the database, too.
    let name = "Acme\u{1b}[2J\nforged\u{202e}";
    let client = clients::create_client(&mut connection, name, Region::DEFAULT).unwrap();
    let new = NewKey {
        label: "crm\u{1b}[2J\nforged\u{2066}".to_owned(),
        ..NewKey::new("", vec![Scope::Lookup], None).unwrap()
    };
    keys::add_key(&mut connection, client, &ApiKey::generate(Format::Mindo).unwrap(), &new).unwrap();
    for arguments in [&["client", "list"][..], &["key", "list"]] {
        let output = run_on(&database, arguments);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert_harmless(&output.stdout);
        assert!(
            output.stdout.contains("Acme\\u{1b}[2J\\nforged\\u{202e}"),
            "{}",
            output.stdout
        );
        assert_eq!(output.stdout.lines().count(), 2, "{}", output.stdout);
    }
    let output = run_on(&database, &["key", "list"]);
    assert!(
        output.stdout.contains("crm\\u{1b}[2J\\nforged\\u{2066}"),
        "{}",
        output.stdout
    );
}

#[test]
fn a_label_can_neither_forge_a_field_of_a_log_line_nor_drive_the_terminal() {
    for format in ["text", "json"] {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
        let label = "crm status=500 \"x\"\u{1b}[2J\nforged\u{202e}\u{2028}";
        let new = NewKey {
            label: label.to_owned(),
            ..NewKey::new("", vec![Scope::Lookup], None).unwrap()
        };
        let key = ApiKey::generate(Format::Mindo).unwrap();
        keys::add_key(&mut connection, client, &key, &new).unwrap();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", format];
        let server = Server::start(command_on(&database, &serve));
        let answer = server.get("/api/v1/contact-lookup/?phone=5491123456789", Some(key.reveal()));
        assert_eq!(answer.status, 200);
        let log = server.wait_for_log(|log| log.contains("answered"));
        assert_harmless(&log);
        assert!(!log.lines().any(|line| line.starts_with("forged")), "{log}");
        let line = log.lines().find(|line| line.contains("answered")).unwrap();
        match format {
            "text" => assert!(
                line.contains("=\"crm status=500 \\\"x\\\"\\u{1b}[2J\\nforged\\u{202e}\\u{2028}\""),
                "{line}"
            ),
            _ => {
                let line: Value = serde_json::from_str(line).unwrap();
                let fields = line.as_object().unwrap();
                assert_eq!(line["status"], 200);
                assert!(fields.values().any(|value| value == label), "{line}");
            }
        }
    }
}

#[test]
fn a_usage_error_shows_an_argument_without_driving_the_terminal() {
    let evil = "x\u{1b}[31m\u{9b}31m\u{202e}\u{2028}\u{85}\r\nforged: line";
    let option = format!("--{evil}");
    for arguments in [
        &[evil][..],
        &[&option],
        &["client", evil],
        &["client", "list", evil],
        &["key", "create", "--client", "Acme", "--format", evil],
        &["key", "revoke", evil],
        &["serve", "--listen", evil],
    ] {
        let mut command = program();
        command.args(arguments);
        let output = run(command, "");
        assert_eq!(output.status, Some(2), "{}", output.stderr);
        assert_harmless(&output.stderr);
        assert!(!output.stderr.contains('\u{85}'), "{:?}", output.stderr);
        assert!(
            !output.stderr.lines().any(|line| line.starts_with("forged")),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains("error: "), "{}", output.stderr);
        if arguments != ["key", "revoke", evil] {
            assert!(
                output.stderr.contains("\\u{1b}[31m"),
                "{arguments:?}: {}",
                output.stderr
            );
        }
    }
    // The same holds on a terminal.
    let database = TestDatabase::new();
    let (status, shown) = on_terminal(&database, "client list 'x\u{202e}\u{1b}]0;owned\u{7}'");
    assert_eq!(status, Some(2), "{shown}");
    assert!(!shown.contains(['\u{202e}', '\u{7}']), "{shown:?}");
}

#[test]
fn a_usage_error_shows_an_environment_variable_without_driving_the_terminal() {
    let mut command = program();
    command.arg("serve").env("CONTACT_SEARCH_LISTEN", "x\u{202e}\u{2028}");
    let output = run(command, "");
    assert_eq!(output.status, Some(2), "{}", output.stderr);
    assert_harmless(&output.stderr);
    assert!(output.stderr.contains("x\\u{202e}\\u{2028}"), "{}", output.stderr);
}
