//! `POST /api/v1/messages/`: what a message changes, whom it means, and that neither order nor company matters.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use contact_search::domain::client::ClientId;
use contact_search::domain::key::Scope;
use contact_search::domain::message::{Direction, Message, Newcomer, Person, Phone, Whom};
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::clients;
use contact_search::store::messages::{Outcome, record_messages, record_together};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, add_key, encode};
use crate::support::{Contact, TestApp, TestDatabase, Turn};

const PHONE: &str = "+5492235961983";

fn post(app: &TestApp, key: &str, body: &Value) -> Answer {
    let headers = [("X-API-Key", key), ("Content-Type", "application/json")];
    app.server
        .send_body("POST", "/api/v1/messages/", &headers, body.to_string().as_bytes())
}

/// What a message that has to be taken is answered with.
fn status(app: &TestApp, body: &Value) -> String {
    let answer = post(app, &app.key, body);
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    let answer = answer.json();
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["status"].as_str().expect("a status").to_owned()
}

/// What is answered to each message of an array.
fn statuses(app: &TestApp, messages: &[Value]) -> Vec<String> {
    let answer = post(app, &app.key, &json!(messages));
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json()["results"].clone();
    let results = results.as_array().expect("an array").iter();
    results
        .map(|result| result["status"].as_str().expect("a status").to_owned())
        .collect()
}

fn message(phone: &str, direction: &str, sent_at: &str) -> Value {
    json!({"platform": "whatsapp", "phone": phone, "direction": direction, "sentAt": sent_at})
}

/// What a contact keeps of its messages.
#[derive(Clone, PartialEq, Eq, Debug, QueryableByName)]
struct State {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_inbound_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    is_chat_read: bool,
    #[diesel(sql_type = Text)]
    chat_status: String,
}

fn state(app: &TestApp, id: &str) -> State {
    diesel::sql_query(format!(
        "SELECT last_message_at, last_inbound_at, is_chat_read, chat_status FROM contacts WHERE id = '{id}'"
    ))
    .get_result(&mut app.database.connect())
    .expect("the contact is there")
}

/// A contact whose chat has been read and attended to.
fn attended(app: &TestApp, contact: Contact<'_>) -> String {
    let id = app.add(contact).id;
    app.sql(&format!(
        "UPDATE contacts SET chat_status = 'ATTENDED' WHERE id = '{id}'"
    ));
    id
}

#[test]
fn an_inbound_message_opens_the_window_and_wants_to_be_read() {
    let app = TestApp::start();
    let id = attended(
        &app,
        Contact {
            phone: Some(PHONE),
            ..Contact::default()
        },
    );
    let lookup = || {
        app.get(&format!("/api/v1/contact-lookup/?phone={}", encode(PHONE)))
            .json()
    };
    assert_eq!(
        (&lookup()["hasReplied"], &lookup()["sessionWindowActive"]),
        (&json!(false), &json!(false))
    );

    let sent_at = (Utc::now() - TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    assert_eq!(status(&app, &message(PHONE, "inbound", &sent_at)), "updated");

    let found = lookup();
    assert_eq!(
        (&found["hasReplied"], &found["sessionWindowActive"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(found["lastReplyAt"], sent_at);
    let contact = app.get("/api/public/contacts/search?phone=2235961983").json()[0].clone();
    assert_eq!(contact["last_message_at"], sent_at.replace('Z', ".000Z"));
    assert_eq!(
        (&contact["is_chat_read"], &contact["chat_status"]),
        (&json!(false), &json!("UNATTENDED"))
    );

    app.sql(&format!(
        "UPDATE contacts SET is_chat_read = true, chat_status = 'ATTENDED' WHERE id = '{id}'"
    ));
    assert_eq!(
        status(&app, &message(PHONE, "inbound", &sent_at)),
        "unchanged",
        "told again"
    );
    let state = state(&app, &id);
    assert_eq!((state.is_chat_read, state.chat_status.as_str()), (true, "ATTENDED"));
}

#[test]
fn times_move_forward_and_never_back() {
    let app = TestApp::start();
    let id = attended(
        &app,
        Contact {
            phone: Some(PHONE),
            last_message_at: "'2025-03-28T15:00Z'",
            last_inbound_at: "'2025-03-28T14:00Z'",
            ..Contact::default()
        },
    );
    let steps = [
        ("outbound", "2025-03-28T14:30:00Z", "unchanged", "15:00", "14:00", true),
        ("inbound", "2025-03-28T13:00:00Z", "unchanged", "15:00", "14:00", true),
        ("outbound", "2025-03-28T16:00:00Z", "updated", "16:00", "14:00", true),
        ("inbound", "2025-03-28T15:30:00Z", "updated", "16:00", "15:30", false),
        (
            "inbound",
            "2025-03-28T18:00:00+01:00",
            "updated",
            "17:00",
            "17:00",
            false,
        ),
        (
            "inbound",
            "2025-03-28T17:00:00.0000009Z",
            "unchanged",
            "17:00",
            "17:00",
            false,
        ),
    ];
    for (direction, sent_at, expected, last_message, last_inbound, is_read) in steps {
        assert_eq!(
            status(&app, &message(PHONE, direction, sent_at)),
            expected,
            "{direction} {sent_at}"
        );
        let time = |clock| Some(format!("2025-03-28T{clock}:00Z").parse().unwrap());
        let chat_status = if is_read { "ATTENDED" } else { "UNATTENDED" };
        let expected = State {
            last_message_at: time(last_message),
            last_inbound_at: time(last_inbound),
            is_chat_read: is_read,
            chat_status: chat_status.to_owned(),
        };
        assert_eq!(state(&app, &id), expected, "{direction} {sent_at}");
    }
}

#[test]
fn a_person_is_found_by_id_external_id_number_or_line() {
    let app = TestApp::start();
    let at = "2025-03-28T14:22:00Z";
    let external = app.add(Contact {
        external_user_id: Some("u-7"),
        platform: "webchat",
        ..Contact::default()
    });
    let fixed = app.add(Contact {
        phone: Some("+542235961983"),
        created_at: "'2024-01-01Z'",
        ..Contact::default()
    });
    let mobile = app.add(Contact {
        phone: Some(PHONE),
        ..Contact::default()
    });
    let younger = app.add(Contact {
        phone: Some(PHONE),
        external_user_id: Some("other"),
        created_at: "now() + interval '1 second'",
        ..Contact::default()
    });
    let sms = app.add(Contact {
        phone: Some(PHONE),
        platform: "sms",
        ..Contact::default()
    });
    let told = |who: Value| {
        app.sql("UPDATE contacts SET last_message_at = NULL");
        let mut body = json!({"direction": "outbound", "sentAt": at});
        body.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        let status = status(&app, &body);
        let mut connection = app.database.connect();
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            id: String,
        }
        let rows: Vec<Row> = diesel::sql_query("SELECT id::text FROM contacts WHERE last_message_at IS NOT NULL")
            .load(&mut connection)
            .unwrap();
        (status, rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
    };
    let updated = |id: &str| ("updated".to_owned(), vec![id.to_owned()]);
    assert_eq!(told(json!({"contactId": sms.serial_id})), updated(&sms.id));
    assert_eq!(
        told(json!({"contactId": sms.serial_id, "platform": "whatsapp", "phone": PHONE})),
        updated(&sms.id),
        "the id decides alone"
    );
    assert_eq!(
        told(json!({"platform": "webchat", "externalUserId": "u-7"})),
        updated(&external.id)
    );
    for phone in [
        PHONE,
        "0223 15-596-1983",
        "5492235961983@s.whatsapp.net",
        "5492235961983",
    ] {
        let who = json!({"platform": "whatsapp", "phone": phone});
        assert_eq!(
            told(who),
            updated(&mobile.id),
            "{phone}: the very number, of the older contact"
        );
    }
    assert_eq!(
        told(json!({"platform": "whatsapp", "phone": "+54 223 596 1983"})),
        updated(&fixed.id)
    );
    assert_eq!(
        told(json!({"platform": "whatsapp", "externalUserId": "other", "phone": PHONE})),
        updated(&younger.id),
        "the external id goes before the phone"
    );
    assert_eq!(
        told(json!({"platform": "whatsapp", "externalUserId": "new", "phone": PHONE})),
        updated(&mobile.id),
        "who has another external id is somebody else"
    );
    assert_eq!(
        told(json!({"platform": "sms", "phone": "+542235961983"})),
        updated(&sms.id),
        "the same line"
    );
    app.sql(&format!("DELETE FROM contacts WHERE id = '{}'", mobile.id));
    app.sql(&format!("DELETE FROM contacts WHERE id = '{}'", younger.id));
    assert_eq!(
        told(json!({"platform": "whatsapp", "phone": PHONE})),
        updated(&fixed.id),
        "the same line"
    );

    let nobody = ("not_found".to_owned(), Vec::new());
    for who in [
        json!({"contactId": 0}),
        json!({"contactId": -1, "createMissing": true}),
        json!({"platform": "webchat", "externalUserId": "U-7"}),
        json!({"platform": "whatsapp", "externalUserId": "u-7"}),
        json!({"platform": "telegram", "phone": PHONE}),
        json!({"platform": "whatsapp", "phone": "+5491111111111"}),
    ] {
        assert_eq!(told(who.clone()), nobody, "{who}");
    }
}

#[test]
fn what_is_missing_is_made_where_that_is_asked_for() {
    let app = TestApp::start();
    let at = "2025-03-28T14:22:00Z";
    let mut body = message("0223 15-596-1983", "inbound", at);
    assert_eq!(status(&app, &body), "not_found");
    body["createMissing"] = json!(true);
    assert_eq!(status(&app, &body), "created");
    assert_eq!(status(&app, &body), "unchanged");
    let contact = app.get("/api/public/contacts/search?phone=2235961983").json();
    let contact = &contact.as_array().unwrap()[..];
    assert_eq!(contact.len(), 1);
    assert_eq!(
        (&contact[0]["phone"], &contact[0]["platform"]),
        (&json!(PHONE), &json!("whatsapp"))
    );
    assert_eq!(
        (&contact[0]["is_chat_read"], &contact[0]["last_message_at"]),
        (&json!(false), &json!("2025-03-28T14:22:00.000Z"))
    );
    let found = app
        .get(&format!("/api/v1/contact-lookup/?phone={}", encode(PHONE)))
        .json();
    assert_eq!(found["contact"]["contactListName"], "Lista Principal");

    // The external id is new, the phone's contact has none: it is the same person, who now has both.
    let both = json!({"platform": "whatsapp", "externalUserId": "u-1", "phone": PHONE, "createMissing": true,
        "direction": "outbound", "sentAt": at});
    assert_eq!(status(&app, &both), "updated");
    let known = json!({"platform": "whatsapp", "externalUserId": "u-1", "direction": "outbound", "sentAt": at});
    assert_eq!(status(&app, &known), "unchanged");
    assert_eq!(app.database.count("SELECT count(*) AS count FROM contacts"), 1);

    let sent = json!({"platform": "webchat", "externalUserId": "visitor", "createMissing": true,
        "direction": "outbound", "sentAt": at});
    assert_eq!(statuses(&app, &[sent.clone(), sent]), ["created", "unchanged"]);
    let unread = "SELECT count(*) AS count FROM contacts WHERE NOT is_chat_read OR last_inbound_at IS NULL";
    assert_eq!(app.database.count(unread), 2, "who was written to has nothing to read");
}

#[test]
fn a_bad_message_of_an_array_does_not_stop_the_others() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some(PHONE),
        ..Contact::default()
    });
    let good = message(PHONE, "inbound", "2025-03-28T14:22:00Z");
    let with = |name: &str, value: Value| {
        let mut message = good.clone();
        message[name] = value;
        message
    };
    let future = (Utc::now() + TimeDelta::minutes(6)).to_rfc3339();
    let bad = [
        (json!(7), "An object was expected"),
        (json!({}), "'phone'"),
        (with("phone", json!("none")), "'phone'"),
        (with("phone", json!(5492235961983_i64)), "'phone' should be a text"),
        (with("phone", json!("1".repeat(257))), "'phone' is longer than 256"),
        (with("platform", json!(" ")), "'platform'"),
        (with("platform", json!("x".repeat(65))), "'platform' is longer than 64"),
        (with("externalUserId", json!("a\0")), "'externalUserId' has a NUL"),
        (with("contactId", json!("7")), "'contactId' should be a whole number"),
        (with("direction", Value::Null), "'direction'"),
        (with("direction", json!("sideways")), "\"inbound\" or \"outbound\""),
        (with("sentAt", json!("yesterday")), "'sentAt' should be an RFC 3339"),
        (
            with("sentAt", json!("0000-01-01T00:00:00Z")),
            "'sentAt' should be an RFC 3339",
        ),
        (with("sentAt", Value::Null), "'sentAt'"),
        (
            with("sentAt", json!(future)),
            "'sentAt' is more than five minutes ahead",
        ),
        (
            with("createMissing", json!("yes")),
            "'createMissing' should be true or false",
        ),
    ];
    for (body, expected) in &bad {
        let answer = post(&app, &app.key, body);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (400, Some("application/problem+json")),
            "{body}"
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(expected), "{body}: {detail}");
    }
    assert_eq!(
        app.database
            .count("SELECT count(*) AS count FROM contacts WHERE last_message_at IS NOT NULL"),
        0
    );

    let mut items: Vec<Value> = bad.iter().map(|(body, _)| body.clone()).collect();
    items.insert(3, good.clone());
    items.push(good.clone());
    items.push(message("+5491111111111", "inbound", "2025-03-28T14:22:00Z"));
    let answer = post(&app, &app.key, &json!(items)).json();
    let mut results = answer["results"].as_array().unwrap().clone();
    assert_eq!(results.pop().unwrap(), json!({"status": "not_found"}));
    assert_eq!(results.pop().unwrap(), json!({"status": "unchanged"}));
    assert_eq!(results.remove(3), json!({"status": "updated"}));
    for (result, (body, expected)) in results.iter().zip(&bad) {
        assert_eq!(result["status"], "error", "{body}");
        assert!(result["error"].as_str().unwrap().contains(expected), "{result}");
    }
    assert_eq!(results.len(), bad.len());
}

#[test]
fn nobody_is_made_of_what_is_no_persons_phone() {
    let app = TestApp::start();
    let with = |phone: &str, is_made: bool| {
        let mut message = message(phone, "inbound", "2025-03-28T14:22:00Z");
        message["createMissing"] = json!(is_made);
        message
    };
    for phone in [
        "0",
        "0000000000",
        "12",
        "120363025246125486@g.us",
        "5491123456789-1612345678@g.us",
        "7@newsletter",
    ] {
        let answer = post(&app, &app.key, &with(phone, true));
        assert_eq!(answer.status, 400, "{phone}: {answer:?}");
        let detail = answer.json()["detail"].clone();
        assert!(
            detail
                .as_str()
                .unwrap()
                .starts_with("The member 'phone' should be a person's"),
            "{detail}"
        );
        let results = statuses(&app, &[with(phone, true), with(phone, false), with(PHONE, false)]);
        assert_eq!(results, ["error", "not_found", "not_found"], "{phone}");
    }
    let mut known = with("0", true);
    known["externalUserId"] = json!("u-1");
    assert_eq!(
        statuses(&app, &[known]),
        ["error"],
        "the phone would be kept beside the external id"
    );
    assert_eq!(app.database.count("SELECT count(*) AS count FROM contacts"), 0);
    assert_eq!(
        statuses(&app, &[with("22395", true), with("611", true)]),
        ["created", "created"]
    );
}

#[test]
fn an_id_may_be_written_with_a_point_and_what_is_not_asked_for_may_be_any_json() {
    let app = TestApp::start();
    let contact = Contact {
        phone: Some(PHONE),
        ..Contact::default()
    };
    let id = app.add(contact).serial_id;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let send = |who: &str| {
        let body = format!(r#"{{{who}, "direction": "inbound", "sentAt": "2025-03-28T14:22:00Z"}}"#);
        let headers = [("X-API-Key", app.key.as_str())];
        app.server
            .send_body("POST", "/api/v1/messages/", &headers, body.as_bytes())
    };
    for who in [
        format!("\"contactId\": {id}.0"),
        format!("\"contactId\": {id}e0"),
        format!("\"contactId\": {id}, \"other\": {deep}, \"\\ud800\": \"\\udfff\", \"more\": 1e999"),
    ] {
        let answer = send(&who);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_ne!(answer.json()["status"], "not_found", "{answer:?}");
    }
    for (who, expected) in [
        (format!("\"contactId\": {id}.5"), "'contactId' should be a whole number"),
        (
            "\"contactId\": 1e999".to_owned(),
            "'contactId' should be a whole number",
        ),
        (format!("\"contactId\": {deep}"), "'contactId' should be a whole number"),
        (
            "\"platform\": \"sms\", \"phone\": \"\\ud800\"".to_owned(),
            "'phone' should be a text",
        ),
    ] {
        let answer = send(&who);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(expected),
            "{answer:?}"
        );
    }
}

#[test]
fn a_call_takes_a_thousand_messages() {
    let app = TestApp::start();
    let messages = |count: usize| -> Vec<Value> {
        let one = |index| {
            let mut message = message(
                &format!("+54911{:08}", 10_000_000 + index),
                "inbound",
                "2025-03-28T14:22:00Z",
            );
            message["createMissing"] = json!(true);
            message
        };
        (0..count).map(one).collect()
    };
    assert_eq!(statuses(&app, &[]), Vec::<String>::new());
    let too_many = post(&app, &app.key, &json!(messages(1_001)));
    assert_eq!(too_many.status, 400, "{too_many:?}");
    assert!(too_many.body.contains("more than 1000 items"), "{too_many:?}");
    assert_eq!(statuses(&app, &messages(1_000)), vec!["created"; 1_000]);
    let start = Instant::now();
    assert_eq!(statuses(&app, &messages(1_000)), vec!["unchanged"; 1_000]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());

    let headers = [("X-API-Key", app.key.as_str())];
    let send = |body: &[u8]| app.server.send_body("POST", "/api/v1/messages", &headers, body).status;
    assert_eq!(send(&vec![b' '; 2 * 1024 * 1024 + 1]), 413);
    assert_eq!(
        (send(b""), send(b"[{]"), send(b"\xff"), send(b"null")),
        (400, 400, 400, 400)
    );
}

#[test]
fn messages_that_come_at_once_are_recorded_together_and_each_is_told_its_own() {
    let app = TestApp::start();
    let phone = |number: usize| format!("+54911{:08}", 10_000_000 + number);
    for number in 0..200 {
        app.add(Contact {
            phone: Some(&phone(number)),
            ..Contact::default()
        });
    }
    let ahead = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    let expected = |number: usize| match number % 5 {
        0 | 1 => "updated",
        2 => "not_found",
        3 => "created",
        _ => "ahead",
    };
    let send = |number: usize| {
        let mut body = message(&phone(number), "inbound", "2025-03-28T14:22:00Z");
        match expected(number) {
            "not_found" => body["platform"] = json!("sms"),
            "created" => {
                body["platform"] = json!("sms");
                body["createMissing"] = json!(true);
            }
            "ahead" => body["sentAt"] = json!(ahead),
            _ => {}
        }
        let answer = app.post_patiently("/api/v1/messages/", &body);
        match expected(number) {
            "ahead" => {
                assert_eq!(answer.status, 400, "{answer:?}");
                assert!(answer.body.contains("'sentAt'"), "{answer:?}");
            }
            expected => assert_eq!(answer.json(), json!({"status": expected}), "{number}: {answer:?}"),
        }
    };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                while let number @ ..200 = next.fetch_add(1, Ordering::Relaxed) {
                    send(number);
                }
            });
        }
    });
    let updated = "last_message_at IS NOT NULL AND platform = 'whatsapp'";
    let count = |of: &str, which: &str| {
        app.database
            .count(&format!("SELECT {of} AS count FROM contacts WHERE {which}"))
    };
    assert_eq!(count("count(*)", updated), 80);
    assert_eq!(count("count(*)", "platform = 'sms'"), 40);
    let writings = count("count(DISTINCT xmin::text)", updated);
    assert!(writings < 60, "each by itself: {writings} of 80");
}

#[test]
fn a_contact_that_somebody_has_locked_keeps_no_other_message_waiting() {
    let app = TestApp::start();
    let phones: Vec<String> = (0..40)
        .map(|number| format!("+54911{:08}", 10_000_000 + number))
        .collect();
    for phone in &phones {
        app.add(Contact {
            phone: Some(phone),
            ..Contact::default()
        });
    }
    let mut other = app.database.connect();
    let lock = format!("BEGIN; SELECT 1 FROM contacts WHERE phone = '{}' FOR UPDATE", phones[0]);
    diesel::connection::SimpleConnection::batch_execute(&mut other, &lock).unwrap();
    let sent_at = "2025-03-28T14:22:00Z";
    std::thread::scope(|scope| {
        let locked = scope.spawn(|| post(&app, &app.key, &message(&phones[0], "inbound", sent_at)));
        for phone in &phones[1..] {
            scope.spawn(|| {
                let body = message(phone, "inbound", sent_at);
                let answer = app.post_patiently("/api/v1/messages/", &body);
                assert_eq!(answer.json(), json!({"status": "updated"}), "{answer:?}");
            });
        }
        assert_eq!(locked.join().unwrap().status, 503);
    });
    let recorded = "SELECT count(last_message_at) AS count FROM contacts";
    assert_eq!(app.database.count(recorded), 39);
}

#[test]
fn messages_that_cannot_be_recorded_are_told_so_soon_and_recorded_when_they_can() {
    let _alone = Turn::take_alone();
    let app = TestApp::start();
    app.add(Contact {
        phone: Some(PHONE),
        ..Contact::default()
    });
    let send = || post(&app, &app.key, &message(PHONE, "inbound", "2025-03-28T14:22:00Z"));
    let mut other = app.database.connect();
    let mut execute = |sql| diesel::connection::SimpleConnection::batch_execute(&mut other, sql).unwrap();
    execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let start = Instant::now();
                let answer = send();
                assert_eq!(
                    (answer.status, answer.header("retry-after")),
                    (503, Some("1")),
                    "{answer:?}"
                );
                // The wait for a turn, and half a second for who has the contact.
                assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
            });
        }
    });
    execute("ROLLBACK");
    assert_eq!(send().json(), json!({"status": "updated"}));
}

#[test]
fn a_key_needs_the_scope_and_reaches_its_own_clients_contacts_alone() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &[Scope::Write], None);
    let reader = add_key(&mut connection, app.client, &[Scope::Lookup, Scope::Search], None);
    let contact = app.add(Contact {
        phone: Some(PHONE),
        external_user_id: Some("u-1"),
        ..Contact::default()
    });
    let at = "2025-03-28T14:22:00Z";
    let body = message(PHONE, "inbound", at);
    assert_eq!(post(&app, &reader, &body).status, 403);
    let before = state(&app, &contact.id);
    for who in [
        json!({"contactId": contact.serial_id}),
        json!({"platform": "whatsapp", "phone": PHONE}),
        json!({"platform": "whatsapp", "externalUserId": "u-1"}),
    ] {
        let mut body = json!({"direction": "inbound", "sentAt": at});
        body.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        let answer = post(&app, &other_key, &body);
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"status": "not_found"})),
            "{who}"
        );
        body["createMissing"] = json!(true);
        assert_eq!(post(&app, &other_key, &body).status, 200);
    }
    assert_eq!(state(&app, &contact.id), before);
    assert_eq!(
        app.database.count("SELECT count(*) AS count FROM contacts"),
        3,
        "the other client's two are its own"
    );
}

#[test]
fn every_order_and_partition_of_messages_ends_in_the_same_state() {
    let app = TestApp::start();
    let minute = |minute: i64| {
        let at: DateTime<Utc> = "2025-03-28T14:00:00Z".parse().unwrap();
        (at + TimeDelta::minutes(minute)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    // Messages about three people, the last of whom nobody knows yet; in a shuffled order, cut into calls.
    let told = proptest::collection::vec((0_usize..3, any::<bool>(), 0_i64..6), 1..9).prop_flat_map(|told| {
        let count = told.len();
        let cuts = proptest::collection::vec(any::<bool>(), count);
        (Just(told.clone()), Just(told).prop_shuffle(), cuts)
    });
    let number = std::cell::Cell::new(0_u64);
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let end = |told: &[(usize, bool, i64)], cuts: &[bool]| {
        number.set(number.get() + 10);
        let phones: Vec<String> = (0..3)
            .map(|index| format!("+54911{}", 20_000_000 + number.get() + index))
            .collect();
        for phone in &phones[..2] {
            let contact = Contact {
                phone: Some(phone),
                last_message_at: "'2025-03-28T14:03Z'",
                last_inbound_at: "'2025-03-28T14:01Z'",
                ..Contact::default()
            };
            attended(&app, contact);
        }
        let mut call = Vec::new();
        for (index, (person, is_inbound, at)) in told.iter().enumerate() {
            let direction = if *is_inbound { "inbound" } else { "outbound" };
            let mut message = message(&phones[*person], direction, &minute(*at));
            message["createMissing"] = json!(true);
            call.push(message);
            if cuts[index] || index + 1 == told.len() {
                let statuses = statuses(&app, &std::mem::take(&mut call));
                assert!(statuses.iter().all(|status| status != "error" && status != "not_found"));
            }
        }
        let mut connection = app.database.connect();
        let states: Vec<Option<State>> = phones
            .iter()
            .map(|phone| {
                diesel::sql_query(format!(
                    "SELECT last_message_at, last_inbound_at, is_chat_read, chat_status FROM contacts
                     WHERE phone = '{phone}'"
                ))
                .get_result(&mut connection)
                .optional()
                .unwrap()
            })
            .collect();
        states
    };
    TestRunner::new(config)
        .run(&told, |(told, shuffled, cuts)| {
            let alone = vec![true; told.len()];
            let expected = end(&told, &alone);
            prop_assert_eq!(&end(&shuffled, &cuts), &expected);
            let twice = [shuffled.clone(), told].concat();
            prop_assert_eq!(&end(&twice, &vec![false; twice.len()]), &expected);
            Ok(())
        })
        .unwrap();
}

#[test]
fn batches_in_opposite_orders_neither_block_nor_lose_anything() {
    let app = TestApp::start();
    // As few as let the batches share the connections of all requests, so that many run at the same time.
    let phones: Vec<String> = (0..9).map(|index| format!("+54911{}", 30_000_000 + index)).collect();
    let at = |minute: i64| {
        let start: DateTime<Utc> = "2025-03-28T14:00:00Z".parse().unwrap();
        (start + TimeDelta::minutes(minute)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let tell = |minute: i64| {
        let mut messages: Vec<Value> = phones
            .iter()
            .map(|phone| {
                let mut message = message(phone, "inbound", &at(minute));
                message["createMissing"] = json!(true);
                message
            })
            .collect();
        if minute % 2 == 1 {
            messages.reverse();
        }
        loop {
            let answer = post(&app, &app.key, &json!(messages));
            // Where no connection is free it is told to come back.
            assert!([200, 503].contains(&answer.status), "{answer:?}");
            if answer.status == 200 {
                break answer.body.matches("created").count();
            }
        }
    };
    for round in 0..15 {
        let minutes = round * 8..(round + 1) * 8;
        let latest = at(minutes.end - 1);
        let tell = &tell;
        let created: usize = std::thread::scope(|scope| {
            let calls: Vec<_> = minutes.map(|minute| scope.spawn(move || tell(minute))).collect();
            calls.into_iter().map(|call| call.join().unwrap()).sum()
        });
        assert_eq!(created, if round == 0 { phones.len() } else { 0 }, "each is made once");
        let known = format!(
            "SELECT count(*) AS count FROM contacts WHERE last_inbound_at = '{latest}' AND last_message_at = '{latest}'"
        );
        assert_eq!(app.database.count(&known), 9, "round {round}");
        assert_eq!(app.database.count("SELECT count(*) AS count FROM contacts"), 9);
    }
}

#[test]
fn an_external_id_that_a_message_of_an_array_brings_counts_for_the_messages_after_it() {
    let app = TestApp::start();
    let known = app.add(Contact {
        phone: Some("+5491123456789"),
        platform: "mix",
        ..Contact::default()
    });
    let message = |external_id: &str, direction: &str, sent_at: &str| {
        json!({
            "platform": "mix", "externalUserId": external_id, "phone": "+5491123456789", "direction": direction,
            "sentAt": sent_at, "createMissing": true,
        })
    };
    let body = json!([
        message("a", "outbound", "2025-01-01T00:00:00Z"),
        message("b", "inbound", "2025-01-05T00:00:00Z"),
        message("a", "outbound", "2025-01-02T00:00:00Z"),
    ]);
    let answer = app
        .server
        .send_json("POST", "/api/v1/messages/", Some(&app.key), body.to_string().as_bytes());
    let expected = json!({ "results": [{ "status": "updated" }, { "status": "created" }, { "status": "updated" }] });
    assert_eq!(answer.json(), expected);
    let of_a = format!(
        "SELECT count(*) AS count FROM contacts WHERE id = '{}' AND external_user_id = 'a' AND last_inbound_at IS NULL
         AND last_message_at = '2025-01-02T00:00:00Z'",
        known.id
    );
    assert_eq!(app.database.count(&of_a), 1, "b's message is not a's");
    let of_b = "SELECT count(*) AS count FROM contacts WHERE external_user_id = 'b' AND last_inbound_at IS NOT NULL";
    assert_eq!(app.database.count(of_b), 1);
}

#[test]
fn a_number_with_two_readings_is_not_taken_from_its_contact_by_a_later_message_of_an_array() {
    let app = TestApp::start();
    // Argentina's at home, and Aruba's abroad.
    let aruban = app.add(Contact {
        phone: Some("+2975678901"),
        ..Contact::default()
    });
    let mut newcomer = message("+542975678901", "inbound", "2025-03-28T14:23:00Z");
    newcomer["createMissing"] = json!(true);
    let messages = [message("2975678901", "inbound", "2025-03-28T14:22:00Z"), newcomer];
    assert_eq!(statuses(&app, &messages), ["updated", "created"]);
    let heard = format!(
        "SELECT count(*) AS count FROM contacts WHERE id = '{}' AND last_inbound_at = '2025-03-28T14:22:00Z'",
        aruban.id
    );
    assert_eq!(app.database.count(&heard), 1);
}

/// By what a contact is known, or a message names its person: phone and external id.
type Names = (Option<&'static str>, Option<&'static str>);

/// Two notations of one line, a number that has two readings, and each of these.
const NOTATIONS: [&str; 6] = [
    "+5491123456789",
    "011 2345-6789",
    "2975678901",
    "2975678901@c.us",
    "+2975678901",
    "+542975678901",
];

fn names() -> impl Strategy<Value = Names> {
    let phone = proptest::option::weighted(0.8, proptest::sample::select(&NOTATIONS));
    let external_id = proptest::option::weighted(0.3, proptest::sample::select(&["a", "b"]));
    (phone, external_id).prop_filter("somebody is named", |names| *names != (None, None))
}

/// A message about somebody, or about one of the contacts that are there; some are sent in a future that is refused.
fn told() -> impl Strategy<Value = (Result<Names, usize>, Message)> {
    let whom = prop_oneof![9 => names().prop_map(Ok), 1 => (0_usize..3).prop_map(Err)];
    let name = proptest::option::of(proptest::sample::select(&["Ana", "Eva"]));
    let newcomer = proptest::option::of(name.prop_map(|name| Newcomer {
        name: name.map(str::to_owned),
        source: "test",
    }));
    let minute = prop_oneof![19 => 0_i64..6, 1 => Just(100_000_000)];
    (whom, any::<bool>(), newcomer, minute).prop_map(|(whom, is_inbound, newcomer, minute)| {
        let direction = if is_inbound {
            Direction::Inbound
        } else {
            Direction::Outbound
        };
        let person = |(phone, external_id): Names| Person {
            platform: "whatsapp".to_owned(),
            external_user_id: external_id.map(str::to_owned),
            phone: phone.and_then(|phone| Phone::read(phone, Region::DEFAULT)),
        };
        let meant = whom.map_or(Whom::Contact(0), |names| Whom::Person(person(names)));
        let start: DateTime<Utc> = "2025-03-28T14:00:00Z".parse().unwrap();
        let sent_at = start + TimeDelta::minutes(minute);
        (whom, Message::new(meant, direction, sent_at, newcomer).unwrap())
    })
}

#[derive(PartialEq, Eq, Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    contact: String,
}

/// What becomes of messages, and of a new client's contacts, who have these names, by recording the messages in one way.
fn end<T>(
    connection: &mut PgConnection,
    known: &[Names],
    told: &[(Result<Names, usize>, Message)],
    record: impl FnOnce(&mut PgConnection, ClientId, &[Message]) -> T,
) -> (T, Vec<Row>) {
    let client = clients::create_client(connection, &Uuid::now_v7().to_string(), Region::DEFAULT).unwrap();
    let mut serial_ids = Vec::new();
    let mut identities = HashSet::new();
    for (phone, external_id) in known {
        let stored = phone.and_then(|phone| StoredPhone::read(phone, Region::DEFAULT).phone);
        if identities.insert(external_id.map_or_else(|| stored, |id| Some(id.to_owned()))) {
            let contact = Contact {
                phone: *phone,
                external_user_id: *external_id,
                created_at: &format!("now() - interval '{} hours'", serial_ids.len() + 1),
                last_message_at: "'2025-03-28T14:03Z'",
                last_inbound_at: "'2025-03-28T14:01Z'",
                ..Contact::default()
            };
            serial_ids.push(contact.add(connection, client).serial_id);
        }
    }
    let messages: Vec<Message> = told
        .iter()
        .map(|(whom, message)| {
            let mut message = message.clone();
            if let Err(index) = whom {
                message.whom = Whom::Contact(serial_ids.get(*index).copied().unwrap_or_default());
            }
            message
        })
        .collect();
    let outcomes = record(connection, client, &messages);
    // In the order in which a later write would mean one of several.
    let contacts = diesel::sql_query(format!(
        "SELECT concat_ws(', ', name, phone, phone_key, phone_as_given, external_user_id, source, last_message_at,
                last_inbound_at, is_chat_read, chat_status) AS contact
         FROM contacts WHERE client_id = '{client}' ORDER BY created_at, serial_id"
    ))
    .load(connection)
    .unwrap();
    (outcomes, contacts)
}

/// Checks what `holds` of some known contacts and messages about them and others.
fn check(
    mut holds: impl FnMut(&mut PgConnection, &[Names], &[(Result<Names, usize>, Message)]) -> Result<(), TestCaseError>,
) {
    let database = TestDatabase::new();
    let connection = std::cell::RefCell::new(database.connect());
    let holds = std::cell::RefCell::new(&mut holds);
    let config = ProptestConfig {
        cases: 120,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let known = proptest::collection::vec(names(), 0..4);
    TestRunner::new(config)
        .run(&(known, proptest::collection::vec(told(), 2..9)), |(known, told)| {
            holds.borrow_mut()(&mut connection.borrow_mut(), &known, &told)
        })
        .unwrap();
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[test]
fn an_array_ends_as_its_messages_do_one_at_a_time() {
    check(|connection, known, told| {
        let mut end_in_calls_of = |size: usize| {
            end(connection, known, told, |connection, client, messages| {
                let calls = messages.chunks(size);
                let outcomes = calls.flat_map(|call| record_messages(connection, client, call, deadline()).unwrap());
                outcomes.collect::<Vec<Outcome>>()
            })
        };
        prop_assert_eq!(end_in_calls_of(told.len()), end_in_calls_of(1));
        Ok(())
    });
}

#[test]
fn what_is_recorded_together_ends_as_one_at_a_time_and_the_rest_is_left() {
    let (mut together, mut left) = (0, 0);
    check(|connection, known, told| {
        let (outcomes, contacts) = end(connection, known, told, |connection, client, messages| {
            record_together(connection, client, messages).unwrap()
        });
        together += outcomes.iter().flatten().count();
        left += outcomes.iter().filter(|outcome| outcome.is_none()).count();
        let one_at_a_time = end(connection, known, told, |connection, client, messages| {
            let mut alone = |message: &Message| {
                record_messages(connection, client, std::slice::from_ref(message), deadline()).unwrap()[0]
            };
            let asked = messages.iter().zip(&outcomes);
            asked
                .map(|(message, outcome)| outcome.map(|_| alone(message)))
                .collect::<Vec<_>>()
        });
        prop_assert_eq!((outcomes.clone(), contacts), one_at_a_time);
        Ok(())
    });
    assert!(together > 100 && left > 50, "{together} together, {left} left");
}
