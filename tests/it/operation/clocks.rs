//! Wrong or jumping clocks of the server: only the database's clock counts.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use contact_search::domain::key::Scope;
use serde_json::json;

use crate::support::app::{Server, add_key, encode, program};
use crate::support::{Contact, PATIENCE, TestApp, wait_until};

const REPLIED_RECENTLY: &str = "+5491123456781";
const REPLIED_LONG_AGO: &str = "+5491123456782";
const WRITES_NOW: &str = "+5491123456783";

/// Shifts the command's clock by the offset in the file `skew`, such as `+3d`. The file may change at any time. Copies
/// the environment variables that the program `faketime` sets. Running the command under `faketime` would leave another
/// process between the test and the command.
fn set_clock(command: &mut Command, skew: &Path) {
    let output = Command::new("faketime")
        .args(["--exclude-monotonic", "-f", "+0", "env"])
        .output()
        .expect("faketime is installed");
    let environment = String::from_utf8(output.stdout).expect("text");
    // Drops two of `faketime`'s variables. One sets the offset, but here the file sets it. The
    // other names shared memory, which `faketime` removed when it ended.
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    let kept = variables.filter(|(name, _)| ["LD_PRELOAD", "FAKETIME_DONT_FAKE_MONOTONIC"].contains(name));
    command
        .envs(kept)
        .env("FAKETIME_TIMESTAMP_FILE", skew)
        .env("FAKETIME_NO_CACHE", "1");
}

/// The offset of the server's clock.
fn skew_of(server: &Server) -> TimeDelta {
    let answer = server.get("/healthz", None);
    let date = DateTime::parse_from_rfc2822(answer.header("date").expect("each answer has a date"));
    date.expect("a date").with_timezone(&Utc) - Utc::now()
}

#[test]
fn session_windows_keys_and_messages_follow_the_databases_clock() {
    let app = TestApp::start();
    for (phone, last_inbound_at) in [
        (REPLIED_RECENTLY, "now() - interval '1 hour'"),
        (REPLIED_LONG_AGO, "now() - interval '25 hours'"),
        (WRITES_NOW, "null"),
    ] {
        app.add(Contact {
            phone: Some(phone),
            last_message_at: last_inbound_at,
            last_inbound_at,
            ..Contact::default()
        });
    }
    let add_key = |lifetime| add_key(&mut app.database.connect(), app.client, &Scope::ALL, Some(lifetime));
    let (good, ended) = (add_key(TimeDelta::hours(1)), add_key(TimeDelta::hours(-1)));
    let lookup = |server: &Server, phone: &str, key: &str| {
        let target = format!("/api/v1/contact-lookup/?phone={}", encode(phone));
        server.get(&target, Some(key))
    };
    let right = [REPLIED_RECENTLY, REPLIED_LONG_AGO].map(|phone| lookup(&app.server, phone, &good).json());
    assert_eq!(
        right.each_ref().map(|answer| &answer["sessionWindowActive"]),
        [&json!(true), &json!(false)]
    );

    let directory = tempfile::tempdir().unwrap();
    let skew = directory.path().join("skew");
    let set_skew = |text: &str| {
        // Replaces the file atomically, so that the server never reads an empty file.
        fs::write(directory.path().join("next"), text).unwrap();
        fs::rename(directory.path().join("next"), &skew).unwrap();
    };
    set_skew("+3d");
    let mut command = program();
    set_clock(&mut command, &skew);
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", app.database.url()]);
    let server = Server::start(command);
    for (text, days) in [("+3d", 3), ("-3d", -3), ("+3d", 3), ("+0", 0)] {
        set_skew(text);
        wait_until(PATIENCE, "the server's clock does not change", || {
            (skew_of(&server) - TimeDelta::days(days)).abs() < TimeDelta::hours(1)
        });
        let answers = [REPLIED_RECENTLY, REPLIED_LONG_AGO].map(|phone| lookup(&server, phone, &good).json());
        assert_eq!(answers, right, "{text}");
        assert_eq!(lookup(&server, REPLIED_RECENTLY, &ended).status, 401, "{text}");
        assert_eq!(server.get("/readyz", None).status, 200, "{text}");

        // A key that expires while the server has it cached.
        let short = add_key(TimeDelta::seconds(1));
        wait_until(PATIENCE, "the key does not expire", || {
            lookup(&server, REPLIED_RECENTLY, &short).status == 401
        });

        let send_message = |sent_at: DateTime<Utc>| {
            let message = json!({
                "platform": "whatsapp", "phone": WRITES_NOW, "direction": "inbound", "sentAt": sent_at.to_rfc3339(),
            });
            let message = message.to_string();
            server.send_json("POST", "/api/v1/messages/", Some(&good), message.as_bytes())
        };
        assert_eq!(send_message(Utc::now()).json()["status"], "updated", "{text}");
        assert_eq!(send_message(Utc::now() + TimeDelta::minutes(10)).status, 400, "{text}");

        let contact = json!({"channel": "webchat", "external_user_id": format!("made at {text}")}).to_string();
        let upserted = server.send_json(
            "POST",
            "/api/public/customer/upsert/info",
            Some(&good),
            contact.as_bytes(),
        );
        assert_eq!(upserted.status, 200);
    }
    let misdated = "SELECT count(*) AS count FROM contacts
        WHERE created_at NOT BETWEEN now() - interval '1 hour' AND now()";
    assert_eq!(app.database.count(misdated), 0);
}
