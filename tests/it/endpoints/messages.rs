//! `POST /api/v1/messages/`: the contact that a message refers to, and the values that it changes.

use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use crate::support::app::{add_key, encode};
use crate::support::messages::{State, attended, message, post, state, status, statuses};
use crate::support::{Contact, TestApp};

const PHONE: &str = "+5492235961983";

#[test]
fn an_inbound_message_opens_the_session_window_and_marks_the_chat_unread() {
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
        "the same message again"
    );
    let state = state(&app, &id);
    assert_eq!((state.is_chat_read, state.chat_status.as_str()), (true, "ATTENDED"));
}

#[test]
fn message_times_never_move_back() {
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
fn a_contact_is_found_by_id_external_id_exact_number_or_line() {
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
    let update = |recipient: Value| {
        app.sql("UPDATE contacts SET last_message_at = NULL");
        let mut body = json!({"direction": "outbound", "sentAt": at});
        body.as_object_mut()
            .unwrap()
            .extend(recipient.as_object().unwrap().clone());
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
    assert_eq!(update(json!({"contactId": sms.serial_id})), updated(&sms.id));
    assert_eq!(
        update(json!({"contactId": sms.serial_id, "platform": "whatsapp", "phone": PHONE})),
        updated(&sms.id),
        "a contact id overrides the platform and the phone"
    );
    assert_eq!(
        update(json!({"platform": "webchat", "externalUserId": "u-7"})),
        updated(&external.id)
    );
    for phone in [
        PHONE,
        "0223 15-596-1983",
        "5492235961983@s.whatsapp.net",
        "5492235961983",
    ] {
        let recipient = json!({"platform": "whatsapp", "phone": phone});
        assert_eq!(
            update(recipient),
            updated(&mobile.id),
            "{phone}: the oldest contact with exactly this number"
        );
    }
    assert_eq!(
        update(json!({"platform": "whatsapp", "phone": "+54 223 596 1983"})),
        updated(&fixed.id)
    );
    assert_eq!(
        update(json!({"platform": "whatsapp", "externalUserId": "other", "phone": PHONE})),
        updated(&younger.id),
        "the external id takes precedence over the phone"
    );
    assert_eq!(
        update(json!({"platform": "whatsapp", "externalUserId": "new", "phone": PHONE})),
        updated(&mobile.id),
        "a contact with another external id is another person"
    );
    assert_eq!(
        update(json!({"platform": "sms", "phone": "+542235961983"})),
        updated(&sms.id),
        "the same line"
    );
    app.sql(&format!("DELETE FROM contacts WHERE id = '{}'", mobile.id));
    app.sql(&format!("DELETE FROM contacts WHERE id = '{}'", younger.id));
    assert_eq!(
        update(json!({"platform": "whatsapp", "phone": PHONE})),
        updated(&fixed.id),
        "the same line"
    );

    let not_found = ("not_found".to_owned(), Vec::new());
    for recipient in [
        json!({"contactId": 0}),
        json!({"contactId": -1, "createMissing": true}),
        json!({"platform": "webchat", "externalUserId": "U-7"}),
        json!({"platform": "whatsapp", "externalUserId": "u-7"}),
        json!({"platform": "telegram", "phone": PHONE}),
        json!({"platform": "whatsapp", "phone": "+5491111111111"}),
    ] {
        assert_eq!(update(recipient.clone()), not_found, "{recipient}");
    }
}

#[test]
fn create_missing_creates_an_unknown_contact() {
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

    // The external id is unknown and the phone's contact has none: the message attaches the external id to that
    // contact.
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
    assert_eq!(
        app.database.count(unread),
        2,
        "an outbound message does not mark the chat unread"
    );
}

#[test]
fn an_invalid_message_does_not_stop_the_others_of_its_array() {
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
fn no_contact_is_created_for_a_placeholder_a_group_or_a_channel() {
    let app = TestApp::start();
    let with = |phone: &str, create_missing: bool| {
        let mut message = message(phone, "inbound", "2025-03-28T14:22:00Z");
        message["createMissing"] = json!(create_missing);
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
        ["created"],
        "the external id identifies the person, and the placeholder is not stored"
    );
    assert_eq!(app.database.count("SELECT count(*) AS count FROM contacts"), 1);
    assert_eq!(
        app.database
            .count("SELECT count(*) AS count FROM contacts WHERE phone IS NULL"),
        1
    );
    assert_eq!(
        statuses(&app, &[with("22395", true), with("611", true)]),
        ["created", "created"]
    );
}

#[test]
fn a_contact_id_may_have_a_decimal_point_and_unknown_members_may_be_any_json() {
    let app = TestApp::start();
    let contact = Contact {
        phone: Some(PHONE),
        ..Contact::default()
    };
    let id = app.add(contact).serial_id;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let send = |recipient: &str| {
        let body = format!(r#"{{{recipient}, "direction": "inbound", "sentAt": "2025-03-28T14:22:00Z"}}"#);
        let headers = [("X-API-Key", app.key.as_str())];
        app.server
            .send_body("POST", "/api/v1/messages/", &headers, body.as_bytes())
    };
    for recipient in [
        format!("\"contactId\": {id}.0"),
        format!("\"contactId\": {id}e0"),
        format!("\"contactId\": {id}, \"other\": {deep}, \"\\ud800\": \"\\udfff\", \"more\": 1e999"),
    ] {
        let answer = send(&recipient);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_ne!(answer.json()["status"], "not_found", "{answer:?}");
    }
    for (recipient, expected) in [
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
        let answer = send(&recipient);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(expected),
            "{answer:?}"
        );
    }
}

#[test]
fn a_call_accepts_at_most_a_thousand_messages() {
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
fn a_message_needs_the_write_scope_and_reaches_only_the_keys_own_client() {
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
    for recipient in [
        json!({"contactId": contact.serial_id}),
        json!({"platform": "whatsapp", "phone": PHONE}),
        json!({"platform": "whatsapp", "externalUserId": "u-1"}),
    ] {
        let mut body = json!({"direction": "inbound", "sentAt": at});
        body.as_object_mut()
            .unwrap()
            .extend(recipient.as_object().unwrap().clone());
        let answer = post(&app, &other_key, &body);
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"status": "not_found"})),
            "{recipient}"
        );
        body["createMissing"] = json!(true);
        assert_eq!(post(&app, &other_key, &body).status, 200);
    }
    assert_eq!(state(&app, &contact.id), before);
    assert_eq!(
        app.database.count("SELECT count(*) AS count FROM contacts"),
        3,
        "the other client has two contacts of its own"
    );
}
