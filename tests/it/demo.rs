//! The demo client of the private database: when it is made, and what it leaves alone.

use std::process::Command;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::OwnDirectory;
use crate::support::app::{Server, program};
use crate::support::database::programs;

/// The program on the private database in a directory.
fn private(directory: &OwnDirectory, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).arg("--data-dir").arg(directory.path());
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    command
}

fn serve(directory: &OwnDirectory) -> Server {
    Server::start(private(directory, &["serve", "--listen", "127.0.0.1:0"]))
}

/// Runs a command to its end, and gives what it printed.
fn run(directory: &OwnDirectory, arguments: &[&str]) -> String {
    let output = private(directory, arguments)
        .output()
        .expect("the program can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// One text of the database.
fn ask(directory: &OwnDirectory, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let url = run(directory, &["database", "url"]);
    let mut connection = contact_search::store::connection::connect(url.trim()).expect("the database answers");
    let row: Row = diesel::sql_query(format!("SELECT ({sql})::text AS text"))
        .get_result(&mut connection)
        .unwrap();
    row.text
}

fn key(directory: &OwnDirectory) -> String {
    std::fs::read_to_string(directory.path().join("demo-key"))
        .expect("a demo has a key")
        .trim()
        .to_owned()
}

#[test]
fn servers_that_start_together_for_the_first_time_make_one_demo() {
    let directory = OwnDirectory::new();
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| serve(&directory))).collect();
        starts
            .into_iter()
            .map(|start| start.join().expect("it starts"))
            .collect()
    });
    let key = key(&directory);
    for server in &servers {
        let answer = server.get("/api/v1/contact-lookup/?phone=5492235961983", Some(&key));
        assert_eq!(answer.json()["found"], true);
    }
    let counts = "SELECT (SELECT count(*) FROM clients) || ' ' || (SELECT count(*) FROM api_keys) || ' '
                  || (SELECT count(*) FROM contacts)";
    assert_eq!(ask(&directory, counts), "1 1 10000");
}

#[test]
fn a_database_that_has_a_client_gets_no_demo_whatever_the_clients_name() {
    let directory = OwnDirectory::new();
    run(&directory, &["client", "create", "Demo"]);
    let server = serve(&directory);
    assert_eq!(server.get("/readyz", None).status, 200);
    assert!(!directory.path().join("demo-key").exists());
    assert_eq!(ask(&directory, "SELECT count(*) FROM contacts"), "0");
    assert_eq!(ask(&directory, "SELECT count(*) FROM api_keys"), "0");
}

#[test]
fn a_later_start_moves_the_window_and_leaves_all_else_as_it_was_edited() {
    let directory = OwnDirectory::new();
    let server = serve(&directory);
    let first_key = key(&directory);
    let url = run(&directory, &["database", "url"]);
    let mut connection = contact_search::store::connection::connect(url.trim()).expect("the database answers");
    diesel::connection::SimpleConnection::batch_execute(
        &mut connection,
        "UPDATE contacts SET name = 'Edited', last_inbound_at = '2025-01-01', last_message_at = '2025-01-01'
         WHERE phone = '+5492235961983';
         DELETE FROM contacts WHERE phone = '+56912345678';
         UPDATE api_keys SET revoked_at = now()",
    )
    .unwrap();
    drop(connection);
    drop(server);

    let server = serve(&directory);
    let second_key = key(&directory);
    assert_ne!(first_key, second_key, "a key that was revoked is replaced");
    let answer = server
        .get("/api/v1/contact-lookup/?phone=5492235961983", Some(&second_key))
        .json();
    assert_eq!(answer["contact"]["fullName"], "Edited");
    assert_eq!(answer["sessionWindowActive"], true);
    assert_eq!(ask(&directory, "SELECT count(*) FROM contacts"), "9999");
}
