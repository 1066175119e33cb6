//! `contact-search client edit`, and what `client create` says about the region.

use crate::support::command::{error_of, private, run, run_on, stdout};
use crate::support::database::execute;
use crate::support::{OwnDirectory, PATIENCE, TestApp, TestDatabase, wait_until};

#[test]
fn client_create_without_a_region_says_that_argentina_is_the_default() {
    let database = TestDatabase::new();
    let silent = run_on(&database, &["client", "create", "Andes", "--region", "CL"]);
    assert_eq!((silent.status, silent.stderr.as_str()), (Some(0), ""));
    let created = run_on(&database, &["client", "create", "Ana's Café"]);
    assert!(
        created.stderr.contains("AR (Argentina)")
            && created
                .stderr
                .contains(r"`contact-search client edit 'Ana'\''s Café' --region CC`"),
        "{}",
        created.stderr
    );
    assert_eq!(
        stdout(created).trim_end().len(),
        36,
        "only the id is on standard output"
    );
}

#[test]
fn serve_with_bootstrap_prints_the_region_of_the_new_client() {
    let database = TestDatabase::new();
    let mut command = crate::support::command::command_on(&database, &["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--bootstrap", "Acme"]);
    let server = crate::support::app::Server::start(command);
    let output = server.output.lock().unwrap().clone();
    assert!(output.contains("AR (Argentina)"), "{output}");
}

#[test]
fn client_edit_changes_the_region_and_the_name() {
    let app = TestApp::start();
    let edit = |arguments: &[&str]| run_on(&app.database, &[&["client", "edit"], arguments].concat());
    app.add(crate::support::Contact {
        phone: Some("+56987654321"),
        ..Default::default()
    });
    let finds = || app.get("/api/v1/contact-lookup/?phone=987654321").json()["found"] == true;
    assert!(!finds(), "Argentina has no such number");
    let edited = edit(&["Test", "--region", "cl"]);
    assert!(
        edited.stderr.contains("contact-search phones recheck --client 'Test'"),
        "{}",
        edited.stderr
    );
    assert_eq!(stdout(edited), "Changed.\n");
    wait_until(PATIENCE, "the server keeps reading phones in the old region", finds);

    let same = edit(&["Test", "--region", "CL"]);
    assert_eq!((same.status, same.stderr.as_str()), (Some(0), ""));
    stdout(edit(&[&app.client.to_string(), "--name", "  Renamed "]));
    stdout(edit(&["Renamed", "--name", "Renamed"]));
    let list = stdout(run_on(&app.database, &["client", "list"]));
    assert!(
        list.contains("Renamed") && list.contains("CL") && !list.contains("Test"),
        "{list}"
    );
    stdout(edit(&["Renamed", "--region", "PE", "--name", "Both"]));
    let list = stdout(run_on(&app.database, &["client", "list"]));
    assert!(list.contains("Both") && list.contains("PE"), "{list}");
}

#[test]
fn client_edit_refuses_a_name_that_another_client_has() {
    let database = TestDatabase::new();
    for name in ["Acme", "Other"] {
        stdout(run_on(&database, &["client", "create", name]));
    }
    let edit = |arguments: &[&str]| error_of(run_on(&database, &[&["client", "edit"], arguments].concat()));
    let taken = edit(&["Acme", "--name", "Other", "--region", "CL"]);
    assert!(
        taken.contains("a client named 'Other' exists already: choose another name"),
        "{taken}"
    );
    let list = stdout(run_on(&database, &["client", "list"]));
    assert!(
        list.contains("Acme") && !list.contains("CL"),
        "the refused edit must change nothing: {list}"
    );
    for (arguments, expected) in [
        (&["Acme"][..], "--region"),
        (&["Nobody", "--name", "X"], "contact-search client list"),
        (&["Acme", "--name", " "], "1 to 200 characters"),
        (&["Acme", "--region", "XX"], "ISO 3166"),
    ] {
        let message = edit(arguments);
        assert!(message.contains(expected), "{message}");
    }
    execute(&mut database.connect(), "DELETE FROM clients");
    assert!(edit(&["Acme", "--name", "X"]).contains("there is no client"));
}

#[test]
fn client_edit_works_on_the_private_database() {
    let directory = OwnDirectory::new();
    stdout(run(private(&directory, &["client", "create", "Acme"]), ""));
    stdout(run(
        private(&directory, &["client", "edit", "Acme", "--region", "MX"]),
        "",
    ));
    let list = stdout(run(private(&directory, &["client", "list"]), ""));
    assert!(list.contains("MX"), "{list}");
}

#[test]
fn a_clients_name_has_no_character_that_a_terminal_acts_on() {
    let database = TestDatabase::new();
    stdout(run_on(&database, &["client", "create", "Acme"]));
    for name in [
        "C\u{1b}[31m",
        "C\u{202e}moc",
        "C\u{2066}x",
        "C\u{2028}x",
        "C\u{85}x",
        "C\nx",
        "C\u{200f}",
    ] {
        for arguments in [
            &["client", "create", name][..],
            &["client", "edit", "Acme", "--name", name],
        ] {
            let message = error_of(run_on(&database, arguments));
            assert!(
                message.contains("without control characters, line breaks or direction marks"),
                "{name:?}: {message}"
            );
        }
    }
    assert_eq!(database.count("SELECT count(*) AS count FROM clients"), 1);
}
