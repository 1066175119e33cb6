//! A database that takes no writes, and a standby that cancels reads.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::app::{Server, program};
use crate::support::contact_api::{BATCH, UPSERT};
use crate::support::database::replace_contacts;
use crate::support::messages::message;
use crate::support::metrics::{metrics, start_with, value};
use crate::support::private_database::query;
use crate::support::replication::{LOOKUP, PHONE, Replication};
use crate::support::webhook::{SECRET, add_webhook, payload, sign};
use crate::support::{Contact, PATIENCE, TestApp, wait_until};

const SEARCH: &str = "/api/public/contacts/search?phone=1123456789";

fn start() -> (TestApp, String) {
    let app = TestApp::start();
    let id = add_contact(&app);
    (app, id)
}

fn add_contact(app: &TestApp) -> String {
    let contact = app.add(Contact {
        phone: Some(PHONE),
        ..Contact::default()
    });
    contact.id
}

/// Makes all later connections read-only or writable, and ends the server's connections if `end_connections` is set.
fn set_read_only(app: &TestApp, is_read_only: bool, end_connections: bool) {
    app.sql(&format!(
        "BEGIN READ WRITE;
         DO $$ BEGIN
             EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {is_read_only}', current_database());
         END $$;
         COMMIT"
    ));
    if end_connections {
        app.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
        );
    }
}

#[test]
fn writes_to_a_read_only_database_are_503_with_retry_after_and_reads_are_answered() {
    let app = start_with(&[]);
    let id = add_contact(&app);
    let hook = format!("/webhooks/whatsapp/{}", add_webhook(&app, app.client, SECRET));
    assert_eq!(app.get(LOOKUP).status, 200);
    set_read_only(&app, true, true);
    wait_until(PATIENCE, "reads are not answered", || app.get(LOOKUP).status == 200);
    assert_eq!(app.get(SEARCH).ids(), [id.as_str()]);

    let contact = format!("/api/public/contact/{id}");
    let new = json!({"channel": "whatsapp", "contact_phone_number": "+56912345678"});
    let known = json!({"channel": "whatsapp", "contact_phone_number": PHONE, "contact_name": "Ana"});
    let mut missing = message("+56912345678", "inbound", "2025-03-28T14:22:00Z");
    missing["createMissing"] = json!(true);
    let inbound = message(PHONE, "inbound", "2025-03-28T14:22:00Z");
    let many = json!(vec![&inbound; 20]);
    let batch = json!([{"platform": "whatsapp", "phone": PHONE, "name": "Ana"}]);
    for (method, target, body) in [
        ("POST", UPSERT, &new),
        ("POST", UPSERT, &known),
        ("POST", "/api/v1/messages/", &inbound),
        ("POST", "/api/v1/messages/", &missing),
        ("POST", "/api/v1/messages/", &many),
        ("POST", BATCH, &batch),
        ("PATCH", &contact, &json!({"name": "Ana"})),
        ("DELETE", &contact, &json!({})),
    ] {
        let answer = app.send(method, target, body);
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("1")),
            "{method} {target} {body}: {answer:?}"
        );
        assert!(
            answer
                .body
                .contains("The database takes no writes now. Try again in a second."),
            "{method} {target} {body}: {answer:?}"
        );
    }
    let delivery = payload("text");
    let headers = [("X-Hub-Signature-256", &*sign(SECRET, &delivery))];
    let answer = app.server.send_body("POST", &hook, &headers, &delivery);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let log = app.server.wait_for_log(|log| log.contains("the database is read-only"));
    assert!(log.contains("the database takes no writes"), "{log}");
    assert!(!log.contains("status=500") && !log.contains("no database"), "{log}");
    let metrics = metrics(&app).body;
    assert!(
        value(&metrics, r#"contact_search_failures_total{reason="read_only"}"#) >= Some(9.0),
        "{metrics}"
    );

    // A connection that refused a write is not used again, so the next one may reach a database that takes writes.
    set_read_only(&app, false, false);
    let answer = app.post_with_retries(UPSERT, &known);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// What each statement that reads contacts calls first.
const CONFLICT: &str = "
    CREATE SEQUENCE asked;
    CREATE FUNCTION conflict() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END'";

/// Makes `conflict` fail with the error by which a standby cancels a statement, if `condition` holds.
fn cancel_if(app: &TestApp, condition: &str, code: &str) {
    app.sql(&format!(
        "ALTER SEQUENCE asked RESTART;
         CREATE OR REPLACE FUNCTION conflict() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             IF {condition} THEN
                 RAISE EXCEPTION 'canceling statement due to conflict with recovery' USING ERRCODE = '{code}';
             END IF;
             RETURN true;
         END $$"
    ));
}

#[test]
fn a_read_that_a_standby_cancels_is_repeated_once_and_then_503() {
    if crate::support::citus::is_not_for(
        "a_read_that_a_standby_cancels_is_repeated_once_and_then_503",
        "whose name it gives to a view",
    ) {
        return;
    }
    let (app, _) = start();
    app.sql(CONFLICT);
    app.sql(&replace_contacts("*", "(SELECT conflict())"));
    assert_eq!(app.get(LOOKUP).status, 200);
    for code in ["40001", "40P01"] {
        cancel_if(&app, "nextval('asked') = 1", code);
        let answer = app.get(LOOKUP);
        assert_eq!(answer.status, 200, "{code}: {answer:?}");
        assert_eq!(answer.json()["found"], json!(true));
        assert!(
            app.database.count("SELECT last_value AS count FROM asked") > 1,
            "the read was not cancelled"
        );

        cancel_if(&app, "true", code);
        let answer = app.get(LOOKUP);
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("1")),
            "{code}"
        );
    }
}

#[test]
fn a_streaming_standby_answers_reads_repeats_a_cancelled_read_and_takes_writes_after_its_promotion() {
    let replication = Replication::start(1);
    replication.execute("SELECT 1");
    let mut command = program();
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &replication.standbys[0].url(),
    ]);
    let server = Server::start(command);
    let lookup = || server.get(LOOKUP, Some(&replication.key));
    let upsert = || {
        let body = json!({"channel": "whatsapp", "contact_phone_number": PHONE, "contact_name": "Ana"});
        server.send_json("POST", UPSERT, Some(&replication.key), body.to_string().as_bytes())
    };
    wait_until(PATIENCE, "reads are not answered", || lookup().status == 200);
    assert_eq!(lookup().json()["found"], json!(true));
    let answer = upsert();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1")),
        "{answer:?}"
    );
    assert!(answer.body.contains("The database takes no writes now."), "{answer:?}");

    replication.slow_down_reads("true");
    let answer = replication.lookup_during(&server, |_| replication.cause_conflict());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["found"], json!(true));
    wait_until(PATIENCE, "the read was not cancelled", || replication.conflicts() >= 1);
    let answer = replication.lookup_during(&server, |is_answered| {
        while !is_answered() {
            replication.cause_conflict();
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1")),
        "{answer:?}"
    );
    wait_until(PATIENCE, "the read was not cancelled twice", || {
        replication.conflicts() >= 3
    });
    let log = server.wait_for_log(|log| log.matches("status=503").count() == 2);
    assert!(!log.contains("status=500") && !log.contains("status=504"), "{log}");

    replication.drop_view();
    query(&replication.standbys[0].superuser_url("postgres"), "pg_promote()");
    wait_until(PATIENCE, "the former standby takes no writes", || {
        upsert().status == 200
    });
    assert_eq!(lookup().json()["contact"]["fullName"], json!("Ana"));
}
