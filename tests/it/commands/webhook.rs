//! `contact-search webhook`: create, list, delete.

use std::io::Write;
use std::process::Stdio;

use crate::support::TestApp;
use crate::support::app::program;
use crate::support::webhook::{SECRET, payload, sign};

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
