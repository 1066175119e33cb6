//! A database that takes no writes, and a standby that cancels reads.

use serde_json::json;

use crate::support::contact_api::{BATCH, UPSERT};
use crate::support::messages::message;
use crate::support::metrics::{metrics, start_with, value};
use crate::support::webhook::{SECRET, add_webhook, payload, sign};
use crate::support::{Contact, PATIENCE, TestApp, wait_until};

const PHONE: &str = "+5491123456789";
const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";
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
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
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

/// Makes every statement that reads contact lists call the function `conflict` first.
const CALL_CONFLICT_FIRST: &str = "
    CREATE SEQUENCE asked;
    ALTER TABLE contact_lists RENAME TO kept_lists;
    CREATE FUNCTION conflict() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
    CREATE VIEW contact_lists AS SELECT kept_lists.* FROM kept_lists, (SELECT conflict()) AS conflict";

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
    let (app, _) = start();
    app.sql(CALL_CONFLICT_FIRST);
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
