//! `contact-search webhook`: create, list, delete.

use std::io::Write;
use std::process::Stdio;

use crate::support::app::program;
use crate::support::command::{command_on, error_of, run, run_on, stdout};
use crate::support::webhook::{SECRET, payload, sign};
use crate::support::{TestApp, TestDatabase};

#[test]
fn webhook_commands_create_list_and_delete_a_webhook() {
    let app = TestApp::start();
    let run = |arguments: &[&str], input: &str| {
        let mut child = program()
            .args(arguments)
            .env("DATABASE_URL", app.database.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (succeeded, output_text, hint) = run(&["webhook", "create", "--client", "Test"], &format!("{SECRET}\n"));
    assert!(succeeded, "{hint}");
    let mut lines = output_text.lines();
    let path = lines
        .next()
        .and_then(|line| line.strip_prefix("Callback URL path: "))
        .expect("a path");
    let token = lines
        .next()
        .and_then(|line| line.strip_prefix("Verify token: "))
        .expect("a token");
    assert_eq!(lines.next(), None);
    assert!(!output_text.contains(SECRET) && !hint.contains(SECRET) && !hint.contains(token));

    let handshake = format!("{path}?hub.mode=subscribe&hub.challenge=77&hub.verify_token={token}");
    assert_eq!(app.server.get(&handshake, None).body, "77");
    let body = payload("text");
    let deliver = || {
        let headers = [("X-Hub-Signature-256", &*sign(SECRET, &body))];
        app.server.send_body("POST", path, &headers, &body).status
    };
    assert_eq!(deliver(), 200);

    let (_, list, _) = run(&["webhook", "list", "--client", "Test"], "");
    assert!(
        list.contains("Test") && !list.contains(token) && !list.contains(SECRET),
        "{list}"
    );
    let id = list
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').next())
        .expect("an id");
    assert_eq!(run(&["webhook", "delete", id], "").1, "Deleted.\n");
    assert_eq!((deliver(), app.server.get(&handshake, None).status), (404, 404));
    let (succeeded, _, message) = run(&["webhook", "delete", id], "");
    assert!(
        !succeeded && message.contains("contact-search webhook list"),
        "{message}"
    );

    for (client, input, expected) in [
        ("Test", "", "the app secret is empty"),
        ("Test", "two words", "without blanks"),
        ("Nobody", SECRET, "contact-search client list"),
    ] {
        let (succeeded, output_text, message) = run(&["webhook", "create", "--client", client], input);
        assert!(
            !succeeded && output_text.is_empty() && message.contains(expected),
            "{message}"
        );
        assert!(!message.contains("two words") && !message.contains(SECRET), "{message}");
    }
    let (_, help, _) = run(&["webhook", "create", "--help"], "");
    assert!(
        help.contains("printf %s \"$APP_SECRET\" | contact-search webhook create --client Acme"),
        "{help}"
    );
}

#[test]
fn webhook_list_tells_webhooks_apart_by_their_client_and_the_end_of_their_token() {
    let database = TestDatabase::new();
    let mut ends = Vec::new();
    for client in ["Acme", "Other"] {
        stdout(run_on(&database, &["client", "create", client]));
        for _ in 0..2 {
            let create = command_on(&database, &["webhook", "create", "--client", client]);
            let created = stdout(run(create, SECRET));
            let token = created.trim_end().rsplit(' ').next().unwrap();
            ends.push((client, token[token.len() - 4..].to_owned(), token.to_owned()));
        }
    }
    let list = stdout(run_on(&database, &["webhook", "list"]));
    let heading = list.lines().next().unwrap().split("  ").map(str::trim);
    let heading: Vec<&str> = heading.filter(|cell| !cell.is_empty()).collect();
    assert_eq!(heading, ["ID", "CLIENT", "TOKEN", "CREATED", "LAST DELIVERY"]);
    for (client, end, token) in &ends {
        let lines = list
            .lines()
            .filter(|line| line.contains(client) && line.contains(&format!("…{end}")));
        assert_eq!(lines.count(), 1, "{list}");
        assert!(!list.contains(token) && !list.contains(SECRET), "{list}");
    }
    assert_eq!(list.matches("never").count(), 4, "{list}");

    // A webhook from before the end of its token was stored.
    database.execute("UPDATE webhooks SET token_end = NULL");
    let list = stdout(run_on(&database, &["webhook", "list", "--client", "Acme"]));
    assert_eq!(list.matches("unknown").count(), 2, "{list}");
}

#[test]
fn a_webhook_that_could_not_be_printed_does_not_exist() {
    let database = TestDatabase::new();
    stdout(run_on(&database, &["client", "create", "Acme"]));
    let create = || command_on(&database, &["webhook", "create", "--client", "Acme"]);
    let mut outputs = Vec::new();
    let mut child = create()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(SECRET.as_bytes()).unwrap();
    outputs.push(child.wait_with_output().unwrap());
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let mut child = create()
            .stdin(Stdio::piped())
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(SECRET.as_bytes()).unwrap();
        outputs.push(child.wait_with_output().unwrap());
    }
    for output in outputs {
        let message = error_of(output.into());
        assert!(
            message.starts_with("contact-search: the token can't be shown, so no webhook was created: "),
            "{message}"
        );
    }
    assert_eq!(database.count("SELECT count(*) AS count FROM webhooks"), 0);
    stdout(run(create(), SECRET));
    assert_eq!(database.count("SELECT count(*) AS count FROM webhooks"), 1);
}
