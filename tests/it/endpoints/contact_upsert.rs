//! `POST /api/public/customer/upsert/info`: the contact that a body refers to, and the values that it writes.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::app::REAL_DEADLINES;
use crate::support::contact_api::{BATCH, UPSERT, count, info, refusal, stored, upsert};
use crate::support::{Answer, Contact, TestApp};

#[test]
fn an_upserted_contact_is_visible_at_every_endpoint() {
    let app = TestApp::start();
    let stage = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let contact = upsert(
        &app,
        json!({
            "channel": "whatsapp", "channel_phone_number": "+5491100000000", "contact_phone_number": "011 15-2345-6789",
            "external_user_id": "wa-1", "contact_email": "Ana@Example.com", "contact_name": " Ana López ",
            "stageId": stage, "agentId": 7, "meta_data": {"a": [1]}, "custom_field_values": [], "unknown": null,
        }),
    );
    let members: Vec<&String> = contact.as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 13);
    let expected = json!({
        "id": contact["id"], "name": "Ana López", "phone": "+5491123456789", "email": "Ana@Example.com",
        "platform": "whatsapp", "last_message_at": null, "chat_status": "UNATTENDED",
        "created_at": contact["created_at"], "client_id": app.client.to_string(), "ai_customer_id": null,
        "default_stage_id": stage, "blocked": false, "is_chat_read": true,
    });
    assert_eq!(contact, expected);
    assert_eq!(info(&app, contact["id"].as_str().unwrap()).json(), expected);
    assert_eq!(
        app.get("/api/public/contacts/search?email=ana@").json(),
        json!([expected])
    );
    let lookup = app.get("/api/v1/contact-lookup/?phone=%2B5491123456789").json();
    assert_eq!(
        (&lookup["contact"]["fullName"], &lookup["contact"]["source"]),
        (&json!("Ana López"), &json!("api"))
    );
    assert_eq!(
        stored(&app, "phone_key phone_as_given external_user_id"),
        "5491123456789 011 15-2345-6789 wa-1"
    );
}

#[test]
fn a_header_tells_whether_the_contact_was_created_updated_or_left_unchanged() {
    let app = TestApp::start();
    let ana = json!({ "channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Ana" });
    let eva = json!({ "channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Eva" });
    // A worse phone is not written, and the contact keeps its own.
    let worse = json!({ "channel": "other", "external_user_id": "u-7", "contact_phone_number": "0" });
    let with_phone = json!({ "channel": "other", "external_user_id": "u-7", "contact_phone_number": "+5491123456789" });
    for (body, status) in [
        (&ana, "created"),
        (&ana, "unchanged"),
        (&eva, "updated"),
        (&eva, "unchanged"),
        (&with_phone, "created"),
        (&worse, "unchanged"),
    ] {
        let answer = app.send("POST", UPSERT, body);
        assert_eq!(
            (answer.status, answer.header("x-contact-status")),
            (200, Some(status)),
            "{body}"
        );
    }
    let refused = app.send("POST", UPSERT, &json!({ "channel": "whatsapp" }));
    assert_eq!((refused.status, refused.header("x-contact-status")), (400, None));
}

#[test]
fn an_upsert_replaces_the_given_members_and_keeps_the_others() {
    let app = TestApp::start();
    let first = upsert(
        &app,
        json!({
            "channel": "sms", "contact_phone_number": "+56912345678", "contact_name": "Ana", "contact_email": "a@x.com",
        }),
    );
    for extra in [
        json!({}),
        json!({"contact_name": null}),
        json!({"contact_name": "  ", "contact_email": ""}),
    ] {
        let mut body = json!({"channel": "sms", "contact_phone_number": "+56 9 1234 5678"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(upsert(&app, body), first);
    }
    let second = upsert(
        &app,
        json!({"channel": "sms", "contact_phone_number": "+56912345678", "contact_name": "Eva"}),
    );
    assert_eq!(
        (&second["id"], &second["name"], &second["email"]),
        (&first["id"], &json!("Eva"), &json!("a@x.com"))
    );
    assert_eq!(count(&app), 1);
}

#[test]
fn an_upsert_without_a_change_writes_nothing() {
    let app = TestApp::start();
    let body = json!({"channel": "sms", "contact_phone_number": "+56912345678", "contact_name": "Ana"});
    upsert(&app, body.clone());
    let before = stored(&app, "xmin updated_at");
    upsert(&app, body);
    assert_eq!(stored(&app, "xmin updated_at"), before);
}

#[test]
fn each_channel_requires_the_identity_that_the_contract_names() {
    let app = TestApp::start();
    let phone = "The contact is not identified. Give 'contact_phone_number'.";
    for channel in ["whatsapp", "web-whatsapp", "sms"] {
        let answer = app.send(
            "POST",
            UPSERT,
            &json!({
                "channel": channel, "external_user_id": "7", "contact_email": "a@x.com", "contact_phone_number": "n/a",
            }),
        );
        assert_eq!(refusal(&answer), phone, "{channel}");
    }
    let answer = app.send(
        "POST",
        UPSERT,
        &json!({"channel": "webchat", "contact_phone_number": "+56912345678", "contact_email": "a@x.com"}),
    );
    assert_eq!(
        refusal(&answer),
        "The contact is not identified. Give 'external_user_id'."
    );
    let answer = app.send("POST", UPSERT, &json!({"channel": "instagram", "contact_name": "Ana"}));
    assert_eq!(
        refusal(&answer),
        "The contact is not identified. Give 'external_user_id', 'contact_phone_number' or 'contact_email'."
    );
    assert_eq!(count(&app), 0);
    for identity in [
        json!({"external_user_id": "7"}),
        json!({"contact_phone_number": "+56912345678"}),
        json!({"contact_email": "a@x.com"}),
    ] {
        let mut body = json!({"channel": "instagram"});
        body.as_object_mut()
            .unwrap()
            .extend(identity.as_object().unwrap().clone());
        upsert(&app, body);
    }
    upsert(&app, json!({"channel": "webchat", "external_user_id": "7"}));
    assert_eq!(count(&app), 4);
}

#[test]
fn an_unknown_external_id_adopts_a_contact_that_has_the_phone_but_no_external_id() {
    let app = TestApp::start();
    let known = upsert(&app, json!({"channel": "x", "contact_phone_number": "+56912345678"}));
    let adopted = upsert(
        &app,
        json!({"channel": "x", "contact_phone_number": "+56912345678", "external_user_id": "a"}),
    );
    assert_eq!(adopted["id"], known["id"]);
    let another = upsert(
        &app,
        json!({"channel": "x", "contact_phone_number": "+56912345678", "external_user_id": "b"}),
    );
    assert_ne!(another["id"], known["id"]);
    // A phone alone finds the oldest contact with the phone, even if that contact has an external id.
    let oldest = upsert(&app, json!({"channel": "x", "contact_phone_number": "+56912345678"}));
    assert_eq!(oldest["id"], known["id"]);
    // A known external id finds its contact, whatever the phone is. The new phone replaces the stored one.
    let moved = upsert(
        &app,
        json!({"channel": "x", "contact_phone_number": "+56987654321", "external_user_id": "b"}),
    );
    assert_eq!(
        (&moved["id"], &moved["phone"]),
        (&another["id"], &json!("+56987654321"))
    );
    assert_eq!(stored(&app, "external_user_id phone"), "a +56912345678\nb +56987654321");
}

#[test]
fn an_email_alone_refers_to_the_oldest_contact_with_that_email_ignoring_case() {
    let app = TestApp::start();
    let newer = app.add(Contact {
        email: Some("ana@x.com"),
        platform: "x",
        ..Contact::default()
    });
    let older = app.add(Contact {
        email: Some("ANA@x.com"),
        phone: Some("+56912345678"),
        platform: "x",
        created_at: "now() - interval '1 day'",
        ..Contact::default()
    });
    let elsewhere = app.add(Contact {
        email: Some("ana@x.com"),
        platform: "y",
        created_at: "now() - interval '1 year'",
        ..Contact::default()
    });
    let found = upsert(
        &app,
        json!({"channel": "x", "contact_email": "Ana@X.com", "contact_name": "Ana"}),
    );
    assert_eq!(found["id"], json!(older.id));
    assert_ne!(newer.id, elsewhere.id);
    assert_eq!(stored(&app, "email name"), "ana@x.com -\nAna@X.com Ana\nana@x.com -");
}

#[test]
fn an_invalid_body_is_refused_with_a_message_that_says_what_to_send() {
    let app = TestApp::start();
    let phone = "+56912345678";
    for (body, message) in [
        (json!([]), "An object was expected. Send {…}."),
        (json!(null), "An object was expected. Send {…}."),
        (json!({"contact_phone_number": phone}), "Give the member 'channel'."),
        (
            json!({"channel": " ", "contact_phone_number": phone}),
            "Give the member 'channel'.",
        ),
        (json!({"channel": 7}), "The member 'channel' should be a text."),
        (
            json!({"channel": "sms", "contact_phone_number": 56_912_345_678_i64}),
            "The member 'contact_phone_number' should be a text.",
        ),
        (
            json!({"channel": "sms", "contact_phone_number": phone, "stageId": "first"}),
            "The member 'stageId' should be a UUID.",
        ),
        (
            json!({"channel": "sms", "contact_phone_number": phone, "contact_name": "a\u{0}"}),
            "The member 'contact_name' has a NUL character. Leave it out.",
        ),
        (
            json!({"channel": "c".repeat(65), "contact_phone_number": phone}),
            "The member 'channel' is longer than 64 characters. Shorten it.",
        ),
        (
            json!({"channel": "sms", "contact_phone_number": phone, "contact_email": "e".repeat(321)}),
            "The member 'contact_email' is longer than 320 characters. Shorten it.",
        ),
        (
            json!({"channel": "sms", "contact_phone_number": "1".repeat(257)}),
            "The member 'contact_phone_number' is longer than 256 characters. Shorten it.",
        ),
    ] {
        assert_eq!(refusal(&app.send("POST", UPSERT, &body)), message, "{body}");
    }
    for (bytes, message) in [
        (
            &b"{\n\"channel\": whatsapp}"[..],
            "The body is not JSON at line 2, column 12. Send JSON in UTF-8.",
        ),
        (b"", "The body is not JSON at line 1, column 0. Send JSON in UTF-8."),
        (
            b"{\"channel\": \"\xFF\"}",
            "The body is not JSON at line 1, column 14. Send JSON in UTF-8.",
        ),
    ] {
        let answer = app.server.send_json("POST", UPSERT, Some(&app.key), bytes);
        assert_eq!(refusal(&answer), message);
        assert_eq!(answer.json()["statusCode"], 400);
    }
    assert_eq!(count(&app), 0);
}

#[test]
fn a_body_is_read_up_to_its_content_length_whatever_its_content_type() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let key = &app.key;
    let body = r#"{"channel":"sms","contact_phone_number":"+56912345678"}"#;
    let send = |content_type: &str, length: usize| {
        let request = format!(
            "POST {UPSERT} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX-API-Key: {key}\r\n{content_type}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        app.server.send_raw(request.as_bytes()).status
    };
    for content_type in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    ] {
        assert_eq!(send(content_type, body.len()), 200, "{content_type}");
    }
    assert_eq!(send("", body.len() - 1), 400, "the body is cut off");
    assert_eq!(send("", body.len() + 1), 504, "the rest never arrives");
}

#[test]
fn a_body_over_two_mebibytes_is_413_in_the_error_shape_of_its_path() {
    let app = TestApp::start();
    let id = upsert(&app, json!({"channel": "sms", "contact_phone_number": "+56912345678"}))["id"].clone();
    let contact = format!("/api/public/contact/{}", id.as_str().unwrap());
    for (method, target, body) in [
        (
            "POST",
            UPSERT,
            r#"{"channel":"sms","contact_phone_number":"+56912345678"}"#,
        ),
        ("PATCH", contact.as_str(), r#"{"blocked":false}"#),
        ("POST", BATCH, "[]"),
    ] {
        let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len())).into_bytes();
        let limit = 2 * 1024 * 1024;
        let fits = app.server.send_json(method, target, Some(&app.key), &padded(limit));
        assert_eq!(fits.status, 200, "{target}");
        let answer = app.server.send_json(method, target, Some(&app.key), &padded(limit + 1));
        assert_eq!(answer.status, 413, "{target}");
        let text = answer.json();
        let text = text.get("message").or(text.get("detail"));
        assert_eq!(text, Some(&json!("The body is larger than 2 MiB. Send less at once.")));
    }
}

#[test]
fn a_hundred_concurrent_upserts_of_one_person_create_one_contact_and_all_return_it() {
    let app = TestApp::start_with(&["--pool-size", "16"]);
    for body in [
        json!({"channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Ana"}),
        json!({"channel": "webchat", "external_user_id": "7", "contact_phone_number": "+5491123456789"}),
        json!({"channel": "instagram", "contact_email": "ana@example.com"}),
    ] {
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..100)
                .map(|_| scope.spawn(|| app.post_with_retries(UPSERT, &body)))
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let bodies: BTreeSet<&str> = answers.iter().map(|answer| answer.body.as_str()).collect();
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        assert_eq!(bodies.len(), 1, "{bodies:?}");
    }
    assert_eq!(count(&app), 3);
}

#[test]
fn concurrent_upserts_with_one_new_external_id_adopt_one_contact() {
    let app = TestApp::start_with(&["--pool-size", "16"]);
    let known = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    let body = json!({"channel": "whatsapp", "contact_phone_number": "+5491123456789", "external_user_id": "7"});
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(app.post_with_retries(UPSERT, &body).json()["id"], json!(known.id)));
        }
    });
    assert_eq!(stored(&app, "id external_user_id"), format!("{} 7", known.id));
}
