//! Single contacts and batches of them over HTTP: shown, written, changed, erased, paged through.

use std::collections::BTreeSet;

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::intake::import::{Import, ImportOptions};
use contact_search::store::clients;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use crate::support::app::{add_key, encode};
use crate::support::{Answer, Contact, TestApp};

const UPSERT: &str = "/api/public/customer/upsert/info";
const BATCH: &str = "/api/v1/contacts/";
const NOBODY: &str = "0198c0de-0000-7000-8000-000000000000";

/// Upserts, and gives the contact.
fn upsert(app: &TestApp, body: Value) -> Value {
    let answer = app.send("POST", UPSERT, &body);
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    answer.json()
}

/// The sentence of a 400.
fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{answer:?}");
    let body = answer.json();
    let text = body.get("message").or(body.get("detail")).expect("a sentence");
    text.as_str().unwrap().to_owned()
}

fn info(app: &TestApp, id: &str) -> Answer {
    app.get(&format!("/api/public/contact/{id}/info"))
}

fn edit(app: &TestApp, id: &str, changes: Value) -> Answer {
    app.send("PATCH", &format!("/api/public/contact/{id}"), &changes)
}

/// The results of a batch.
fn batch(app: &TestApp, contacts: Value) -> Vec<Value> {
    let answer = app.send("POST", BATCH, &json!({ "contacts": contacts }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"].as_array().expect("results").clone()
}

/// The status of each result, or what is wrong with the item.
fn outcomes(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .map(|result| {
            result["error"]
                .as_str()
                .or(result["status"].as_str())
                .expect("a status")
        })
        .collect()
}

/// The contacts in the order of their serial ids, one a line: the columns (and `list`, the name of the list) joined
/// by blanks, `-` for null.
fn stored(app: &TestApp, columns: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let columns: Vec<String> = columns
        .split(' ')
        .map(|it| format!("coalesce({it}::text, '-')"))
        .collect();
    let columns = columns.join(" || ' ' || ");
    let sql = format!(
        "SELECT coalesce(string_agg({columns}, E'\n' ORDER BY serial_id), '') AS text
         FROM (SELECT *, xmin FROM contacts) AS contacts
         JOIN (SELECT id AS list_id, name AS list FROM contact_lists) AS lists ON list_id = contact_list_id"
    );
    let row: Row = sql_query(sql).get_result(&mut app.database.connect()).unwrap();
    row.text
}

fn count(app: &TestApp) -> i64 {
    app.database.count("SELECT count(*) AS count FROM contacts")
}

#[test]
fn an_upserted_contact_is_answered_shown_searched_and_looked_up() {
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
fn what_an_upsert_leaves_out_stays_and_what_it_says_replaces() {
    let app = TestApp::start();
    let first = upsert(
        &app,
        json!({
            "channel": "sms", "contact_phone_number": "+56912345678", "contact_name": "Ana", "contact_email": "a@x.com",
        }),
    );
    for silent in [
        json!({}),
        json!({"contact_name": null}),
        json!({"contact_name": "  ", "contact_email": ""}),
    ] {
        let mut body = json!({"channel": "sms", "contact_phone_number": "+56 9 1234 5678"});
        body.as_object_mut()
            .unwrap()
            .extend(silent.as_object().unwrap().clone());
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
fn each_channel_knows_its_contacts_by_what_the_contract_says() {
    let app = TestApp::start();
    let phone = "It isn't said who is meant. Give 'contact_phone_number'.";
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
    assert_eq!(refusal(&answer), "It isn't said who is meant. Give 'external_user_id'.");
    let answer = app.send("POST", UPSERT, &json!({"channel": "instagram", "contact_name": "Ana"}));
    assert_eq!(
        refusal(&answer),
        "It isn't said who is meant. Give 'external_user_id', 'contact_phone_number' or 'contact_email'."
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
fn an_unknown_external_id_adopts_the_contact_that_has_the_phone_and_none() {
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
    // The oldest that has the phone, though it has an external id by now.
    let oldest = upsert(&app, json!({"channel": "x", "contact_phone_number": "+56912345678"}));
    assert_eq!(oldest["id"], known["id"]);
    // A known id is who is meant, whatever the phone; the phone follows.
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
fn an_email_alone_means_the_oldest_that_has_it_whatever_its_case() {
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
fn bodies_that_cannot_be_taken_are_refused_by_sentences_of_ours() {
    let app = TestApp::start();
    let phone = "+56912345678";
    for (body, sentence) in [
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
        assert_eq!(refusal(&app.send("POST", UPSERT, &body)), sentence, "{body}");
    }
    for (bytes, sentence) in [
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
        assert_eq!(refusal(&answer), sentence);
        assert_eq!(answer.json()["statusCode"], 400);
    }
    assert_eq!(count(&app), 0);
}

#[test]
fn a_body_is_read_whatever_its_content_type_and_only_as_long_as_it_says() {
    let app = TestApp::start();
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
    assert_eq!(send("", body.len() - 1), 400, "the end is missing");
    assert_eq!(send("", body.len() + 1), 504, "the rest never comes");
}

#[test]
fn a_body_over_two_mebibytes_is_413_in_the_shape_of_its_path() {
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
fn a_hundred_upserts_of_one_person_at_the_same_time_leave_one_contact_and_all_answer_it() {
    let app = TestApp::start_with(&["--pool-size", "16"]);
    for body in [
        json!({"channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Ana"}),
        json!({"channel": "webchat", "external_user_id": "7", "contact_phone_number": "+5491123456789"}),
        json!({"channel": "instagram", "contact_email": "ana@example.com"}),
    ] {
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..100)
                .map(|_| scope.spawn(|| app.post_patiently(UPSERT, &body)))
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
fn an_external_id_that_many_bring_at_once_adopts_one_contact() {
    let app = TestApp::start_with(&["--pool-size", "16"]);
    let known = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    let body = json!({"channel": "whatsapp", "contact_phone_number": "+5491123456789", "external_user_id": "7"});
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(app.post_patiently(UPSERT, &body).json()["id"], json!(known.id)));
        }
    });
    assert_eq!(stored(&app, "id external_user_id"), format!("{} 7", known.id));
}

#[test]
fn one_contact_is_404_unless_it_is_the_clients_own() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &Scope::ALL, None);
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        name: Some("Ana"),
        ..Contact::default()
    });
    let expected = json!({"statusCode": 404, "message": "There is no such contact.", "error": "Not Found"});
    for id in [NOBODY, "7", "not-a-uuid", "%00", "%FF", &contact.id[1..]] {
        let answer = info(&app, id);
        assert_eq!((answer.status, answer.json()), (404, expected.clone()), "{id}");
        assert_eq!(edit(&app, id, json!({"name": "Eva"})).status, 404, "{id}");
        assert_eq!(
            app.send("DELETE", &format!("/api/public/contact/{id}"), &json!({}))
                .status,
            404
        );
    }
    let path = format!("/api/public/contact/{}", contact.id);
    let shown = app.server.get(&format!("{path}/info"), Some(&other_key));
    let edited = app
        .server
        .send_json("PATCH", &path, Some(&other_key), br#"{"name":"Eva"}"#);
    let deleted = app.server.send_json("DELETE", &path, Some(&other_key), b"");
    assert_eq!((shown.status, edited.status, deleted.status), (404, 404, 404));
    assert_eq!(info(&app, &contact.id).json()["name"], "Ana");
    assert_eq!(
        app.get(&format!("{path}/info/")).status,
        200,
        "a slash at the end is no other path"
    );
}

#[test]
fn the_same_identities_of_two_clients_are_two_contacts() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &Scope::ALL, None);
    let body = json!({"channel": "sms", "contact_phone_number": "+56912345678", "contact_name": "Ana"});
    let items = json!([{"platform": "sms", "phone": "+56912345678", "name": "Eva"}, {"email": "a@x.com"}]);
    let mine = upsert(&app, body);
    assert_eq!(outcomes(&batch(&app, items.clone())), ["updated", "created"]);
    let answer = app
        .server
        .send_json("POST", BATCH, Some(&other_key), items.to_string().as_bytes());
    assert_eq!(
        outcomes(answer.json()["results"].as_array().unwrap()),
        ["created", "created"]
    );
    let theirs = answer.json()["results"][0]["id"].clone();
    assert_ne!(theirs, mine["id"]);
    let path = format!("/api/public/contact/{}", theirs.as_str().unwrap());
    app.server
        .send_json("PATCH", &path, Some(&other_key), br#"{"name":"Theirs"}"#);
    assert_eq!(info(&app, mine["id"].as_str().unwrap()).json()["name"], "Eva");
    let recent = app.server.get("/api/public/contacts?days=365", Some(&other_key));
    assert_eq!(recent.json(), json!([]), "nobody has a message");
}

#[test]
fn a_change_sets_what_it_names_and_leaves_the_rest() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        name: Some("Ana"),
        email: Some("ana@x.com"),
        ..Contact::default()
    });
    let before = info(&app, &contact.id).json();
    for nothing in [json!({}), json!({"unknown": 1, "read": true})] {
        let answer = edit(&app, &contact.id, nothing);
        assert_eq!(
            refusal(&answer),
            "It isn't said what to change. Give at least one of 'name', 'phone', 'email', 'default_stage_id', \
             'contact_list', 'chat_status', 'blocked', 'is_chat_read'."
        );
    }
    let unchanged = edit(&app, &contact.id, json!({"unknown": 1, "name": "Ana"}));
    assert_eq!(unchanged.json(), before);
    for id in [
        contact.id.replace('-', ""),
        format!("{{{}}}", contact.id),
        format!("urn:uuid:{}", contact.id),
    ] {
        assert_eq!(edit(&app, &encode(&id), json!({"name": "Eva"})).status, 404, "{id}");
    }
    assert_eq!(info(&app, &contact.id.to_uppercase()).json(), before);
    let stage = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let changed = edit(
        &app,
        &contact.id,
        json!({
            "name": "Eva", "email": "eva@x.com", "phone": "0223 15-596-1983", "contact_list": "VIP",
            "default_stage_id": stage, "chat_status": "CLOSED", "blocked": true, "is_chat_read": false,
        }),
    );
    let mut expected = before;
    expected.as_object_mut().unwrap().extend(
        json!({
            "name": "Eva", "email": "eva@x.com", "phone": "+5492235961983", "default_stage_id": stage,
            "chat_status": "CLOSED", "blocked": true, "is_chat_read": false,
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    assert_eq!((changed.status, changed.json()), (200, expected.clone()));
    assert_eq!(info(&app, &contact.id).json(), expected);
    assert_eq!(
        stored(&app, "phone_key phone_as_given"),
        "5492235961983 0223 15-596-1983"
    );
    let lookup = app.get("/api/v1/contact-lookup/?phone=5492235961983").json();
    assert_eq!(lookup["contact"]["contactListName"], "VIP");
    assert_eq!(
        app.get("/api/v1/contact-lookup/?phone=%2B5491123456789").json()["found"],
        false
    );
}

#[test]
fn null_clears_as_long_as_an_identity_is_left() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        name: Some("Ana"),
        email: Some("ana@x.com"),
        ..Contact::default()
    });
    let cleared = edit(
        &app,
        &contact.id,
        json!({"name": null, "phone": null, "default_stage_id": null}),
    );
    assert_eq!(cleared.status, 200);
    assert_eq!(
        stored(&app, "name phone phone_key phone_as_given email"),
        "- - - - ana@x.com"
    );
    for email in [json!(null), json!(" ")] {
        assert_eq!(
            refusal(&edit(&app, &contact.id, json!({"email": email, "contact_list": "New"}))),
            "Nothing would be left that says who the contact is. Keep its phone or its email."
        );
    }
    let lists = "SELECT count(*) AS count FROM contact_lists WHERE name = 'New'";
    assert_eq!(app.database.count(lists), 0, "what is refused leaves nothing");
    assert_eq!(
        edit(&app, &contact.id, json!({"email": null, "phone": "+56912345678"})).status,
        200
    );
    assert_eq!(stored(&app, "phone email"), "+56912345678 -");
}

#[test]
fn a_change_of_the_wrong_type_is_refused() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    for (changes, sentence) in [
        (json!("name"), "An object was expected. Send {…}."),
        (json!({"name": 7}), "The member 'name' should be a text."),
        (
            json!({"phone": "none"}),
            "The member 'phone' should be a phone number with digits.",
        ),
        (
            json!({"blocked": "yes"}),
            "The member 'blocked' should be true or false.",
        ),
        (json!({"blocked": null}), "Give the member 'blocked'."),
        (json!({"chat_status": ""}), "Give the member 'chat_status'."),
        (json!({"contact_list": null}), "Give the member 'contact_list'."),
        (
            json!({"is_chat_read": 1}),
            "The member 'is_chat_read' should be true or false.",
        ),
        (
            json!({"default_stage_id": "1"}),
            "The member 'default_stage_id' should be a UUID.",
        ),
        (
            json!({"email": "a\u{0}"}),
            "The member 'email' has a NUL character. Leave it out.",
        ),
        (
            json!({"contact_list": "l".repeat(201)}),
            "The member 'contact_list' is longer than 200 characters. Shorten it.",
        ),
        (
            json!({"name": "n".repeat(513)}),
            "The member 'name' is longer than 512 characters. Shorten it.",
        ),
    ] {
        assert_eq!(
            refusal(&edit(&app, &contact.id, changes.clone())),
            sentence,
            "{changes}"
        );
    }
}

#[test]
fn a_change_into_another_contacts_identity_is_409() {
    let app = TestApp::start();
    let add = |phone, email, external_user_id| {
        app.add(Contact {
            phone,
            email,
            external_user_id,
            ..Contact::default()
        })
    };
    let by_phone = add(Some("+5491123456789"), None, None);
    let by_email = add(None, Some("Ana@x.com"), None);
    let by_both = add(Some("+56912345678"), Some("ana@X.com"), None);
    let by_external_id = add(None, None, Some("7"));
    for (id, changes) in [
        (&by_email.id, json!({"phone": "011 15-2345-6789"})),
        (&by_both.id, json!({"phone": null})),
    ] {
        let answer = edit(&app, id, changes);
        let sentence =
            "Another contact of the channel has this phone or email already. Change or delete that one first.";
        let expected = json!({"statusCode": 409, "message": sentence, "error": "Conflict"});
        assert_eq!((answer.status, answer.json()), (409, expected));
    }
    // A contact with an external id is that, whatever its phone.
    let answer = edit(&app, &by_external_id.id, json!({"phone": "+5491123456789"}));
    assert_eq!(answer.status, 200);
    assert_eq!(info(&app, &by_phone.id).json()["phone"], "+5491123456789");
}

#[test]
fn a_deleted_contact_is_gone_for_good() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        last_message_at: "now()",
        ..Contact::default()
    });
    let path = format!("/api/public/contact/{}", contact.id);
    let deleted = app.server.send_json("DELETE", &path, Some(&app.key), b"");
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(app.server.send_json("DELETE", &path, Some(&app.key), b"").status, 404);
    assert_eq!(info(&app, &contact.id).status, 404);
    assert_eq!(
        app.get("/api/public/contacts/search?phone=91123456789").json(),
        json!([])
    );
    assert_eq!(app.get("/api/public/contacts?days=1").json(), json!([]));
    assert_eq!(
        app.get("/api/v1/contact-lookup/?phone=91123456789").json()["found"],
        false
    );
    assert_eq!(count(&app), 0);
    assert_eq!(app.get(&path).header("allow"), Some("PATCH, DELETE"));
}

#[test]
fn recent_contacts_are_those_of_so_many_days_newest_first() {
    let app = TestApp::start();
    let add = |email, last_message_at| {
        app.add(Contact {
            email: Some(email),
            last_message_at,
            ..Contact::default()
        })
        .id
    };
    let yesterday = add("a@x.com", "now() - interval '23 hours'");
    add("b@x.com", "null");
    let last_year = add("c@x.com", "now() - interval '364 days 23 hours'");
    let just_now = add("d@x.com", "now() + interval '4 minutes'");
    add("e@x.com", "now() - interval '365 days 1 minute'");
    let last_week = add("f@x.com", "now() - interval '6 days 23 hours'");
    let ask = |days: u16| app.get(&format!("/api/public/contacts?days={days}"));
    assert_eq!(ask(1).ids(), [just_now.clone(), yesterday.clone()]);
    assert_eq!(ask(7).ids(), [just_now.clone(), yesterday.clone(), last_week.clone()]);
    assert_eq!(ask(365).ids(), [just_now, yesterday, last_week, last_year.clone()]);
    assert_eq!(ask(365).json()[3], info(&app, &last_year).json());
    assert_eq!(ask(365).header("link"), None);
    assert_eq!(app.get("/api/public/contacts/?days=1").status, 200);
}

#[test]
fn bad_parameters_of_recent_contacts_are_400() {
    let app = TestApp::start();
    let between = "The parameter 'days' should be a whole number from 1 to 365.";
    let cursor = "The parameter 'cursor' is not one of ours. Take it from the header Link as it is.";
    let good = format!("{:016x}{}", 1_700_000_000_000_000_i64, NOBODY.replace('-', ""));
    let path = "/api/public/contacts";
    assert_eq!(app.get(&format!("{path}?days=7&cursor={good}")).status, 200);
    for (query, sentence) in [
        ("", "Give the parameter 'days'."),
        ("days=", "Give the parameter 'days'."),
        ("days=0", between),
        ("days=366", between),
        ("days=1.5", between),
        ("days=%2B7", between),
        ("days=-1", between),
        ("days=week", between),
        (
            "days=1&days=1",
            "The parameter 'days' is there more than once. Send it once.",
        ),
        ("days=%00", "The parameter 'days' has a NUL character. Leave it out."),
        ("days=7&cursor=", cursor),
        ("days=7&cursor=abc", cursor),
        (&format!("days=7&cursor={good}0"), cursor),
        (&format!("days=7&cursor={}", good.to_uppercase()), cursor),
        (&format!("days=7&cursor=7fffffffffffffff{}", &good[16..]), cursor),
        (&format!("days=7&cursor=8000000000000000{}", &good[16..]), cursor),
        (&format!("days=7&cursor={}%C3%A9{}", &good[..15], &good[17..]), cursor),
    ] {
        assert_eq!(refusal(&app.get(&format!("{path}?{query}"))), sentence, "{query}");
    }
    let twice = app.get(&format!("{path}?days=7&cursor={good}&cursor={good}"));
    assert_eq!(
        refusal(&twice),
        "The parameter 'cursor' is there more than once. Send it once."
    );
}

#[test]
fn following_the_links_shows_each_contact_once_even_at_equal_times_and_by_the_index() {
    let app = TestApp::start();
    // 2,500 of one moment, 2,499 of others, and enough that no walk may read.
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT '{client}', gen_random_uuid(), id, 'c' || n || '@x.com',
                CASE WHEN n <= 2500 THEN now() - interval '1 day'
                     WHEN n <= 4999 THEN now() - n * interval '30 seconds'
                     ELSE now() - interval '40 days' END
         FROM contact_lists, generate_series(1, 30000) n;
         ANALYZE contacts",
        client = app.client
    ));
    let mut seen = Vec::new();
    let mut next = Some("/api/public/contacts?days=30".to_owned());
    let mut pages = 0;
    while let Some(target) = next {
        let answer = app.get(&target);
        assert_eq!(answer.status, 200, "{answer:?}");
        let contacts = answer.json();
        let contacts = contacts.as_array().unwrap();
        pages += 1;
        assert_eq!(contacts.len(), if pages < 5 { 1_000 } else { 999 });
        for contact in contacts {
            let time = contact["last_message_at"].as_str().unwrap().to_owned();
            seen.push((std::cmp::Reverse(time), contact["id"].as_str().unwrap().to_owned()));
        }
        next = answer.header("link").map(|link| {
            let target = link
                .strip_prefix('<')
                .and_then(|link| link.strip_suffix(">; rel=\"next\""));
            target.expect("a link to the next page").to_owned()
        });
    }
    assert_eq!((pages, seen.len()), (5, 4_999));
    assert!(seen.is_sorted(), "newest first, then by id");
    seen.dedup();
    assert_eq!(seen.len(), 4_999);

    // The server's connections tell what they read once they are closed.
    let TestApp { server, database, .. } = app;
    drop(server);
    let scans = |sql: &str| {
        database.count(&format!(
            "SELECT coalesce(sum({sql})::bigint, 0) AS count FROM pg_stat_user_indexes"
        ))
    };
    let began = std::time::Instant::now();
    while scans("idx_scan) FILTER (WHERE indexrelname = 'contacts_recent'") < 9 {
        assert!(began.elapsed().as_secs() < 20, "the index on recency isn't used");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let others = scans("idx_tup_read) FILTER (WHERE relname = 'contacts' AND indexrelname <> 'contacts_recent'");
    assert_eq!(others, 0, "no other index is");
    let read = scans("idx_tup_read) FILTER (WHERE indexrelname = 'contacts_recent'");
    assert!(read < 12_000, "no page reads what another has shown: {read}");
}

#[test]
fn a_batch_answers_each_item_in_order_and_a_bad_one_stops_no_other() {
    let app = TestApp::start();
    let items = json!([
        {"name": "Ana", "phone": "+5491123456789", "platform": "whatsapp", "unknown": 1},
        {"name": "Nobody"},
        7,
        {"email": "a@x.com", "blocked": "no"},
        {"email": "a@x.com", "createdAt": "yesterday"},
        {"email": "a@x.com", "name": "a\u{0}"},
        {"email": "a@x.com", "chatStatus": "c".repeat(65)},
        {"email": "a@x.com", "lastInboundAt": "2999-01-01T00:00:00Z"},
        {"email": "a@x.com", "createdAt": "0000-12-31T00:00:00Z"},
        {"phone": "011 15-2345-6789", "platform": "whatsapp"},
        {"phone": "+5491123456789", "platform": "whatsapp", "name": "Ana"},
        {"phone": "+5491123456789", "platform": "whatsapp", "isChatRead": true, "name": null, "email": " "},
    ]);
    let results = batch(&app, items);
    assert_eq!(
        outcomes(&results),
        [
            "created",
            "It isn't said who is meant. Give 'externalUserId', 'phone' or 'email'.",
            "An object was expected. Send {…}.",
            "The member 'blocked' should be true or false.",
            "The member 'createdAt' should be an RFC 3339 time such as 2025-03-28T14:22:00Z.",
            "The member 'name' has a NUL character. Leave it out.",
            "The member 'chatStatus' is longer than 64 characters. Shorten it.",
            "The time 'lastInboundAt' is more than five minutes ahead. Check the sender's clock.",
            "The time 'createdAt' is before the year 1. Correct it.",
            "updated",
            "updated",
            "unchanged",
        ]
    );
    let (first, last) = (&results[0], &results[11]);
    assert_eq!(results[1], json!({"status": "error", "error": results[1]["error"]}));
    assert_eq!((&first["id"], &first["contactId"]), (&last["id"], &last["contactId"]));
    assert_eq!(first.as_object().unwrap().len(), 3);
    let shown = info(&app, first["id"].as_str().unwrap()).json();
    assert_eq!(
        (&shown["name"], &shown["platform"]),
        (&json!("Ana"), &json!("whatsapp"))
    );
    let lookup = app.get("/api/v1/contact-lookup/?phone=91123456789").json();
    assert_eq!(lookup["contact"]["id"], first["contactId"]);
    assert_eq!(count(&app), 1);
}

#[test]
fn a_batch_is_an_object_with_contacts_or_an_array_of_at_most_a_thousand() {
    let app = TestApp::start();
    let item =
        |number: usize| json!({"externalUserId": number.to_string(), "contactList": format!("List {}", number % 7)});
    let thousand: Vec<Value> = (0..1_000).map(item).collect();
    let answer = app.send("POST", BATCH, &json!(thousand));
    let results = answer.json();
    let results = results["results"].as_array().unwrap();
    assert_eq!(outcomes(results), vec!["created"; 1_000]);
    assert!(results.is_sorted_by_key(|result| result["contactId"].as_i64()));
    assert_eq!(outcomes(&batch(&app, json!(thousand))), vec!["unchanged"; 1_000]);
    assert_eq!(
        app.send("POST", "/api/v1/contacts", &json!([])).json(),
        json!({"results": []})
    );

    let too_many: Vec<Value> = (0..1_001).map(item).collect();
    for (body, sentence) in [
        (
            json!(too_many),
            "'contacts' has more than 1000 items. Send fewer at once.",
        ),
        (
            json!({"contacts": too_many}),
            "'contacts' has more than 1000 items. Send fewer at once.",
        ),
        (json!({}), "Give the member 'contacts'."),
        (json!({"contacts": null}), "Give the member 'contacts'."),
        (json!({"contacts": {}}), "The member 'contacts' should be an array."),
        (json!("contacts"), "An object was expected. Send {…}."),
    ] {
        let answer = app.send("POST", BATCH, &body);
        assert_eq!(refusal(&answer), sentence);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

#[test]
fn times_of_messages_move_forward_only_and_created_at_is_a_new_contacts() {
    let app = TestApp::start();
    let times = |created: &str, message: &str, inbound: &str| {
        json!([{
            "externalUserId": "7", "createdAt": created, "lastMessageAt": message, "lastInboundAt": inbound,
        }])
    };
    let write = |items: Value| outcomes(&batch(&app, items))[0].to_owned();
    let (early, late) = ("2025-01-01T10:00:00.123456789Z", "2025-02-01T10:00:00-03:00");
    assert_eq!(write(times(early, early, early)), "created");
    assert_eq!(
        write(times(early, early, early)),
        "unchanged",
        "what is finer than microseconds is no change"
    );
    assert_eq!(write(times(late, early, late)), "updated");
    assert_eq!(write(times(early, early, early)), "unchanged");
    assert_eq!(
        stored(&app, "created_at last_message_at last_inbound_at"),
        "2025-01-01 10:00:00.123456+00 2025-02-01 13:00:00+00 2025-02-01 13:00:00+00"
    );
}

#[test]
fn concurrent_batches_with_the_same_people_in_other_orders_all_end_well() {
    let app = TestApp::start();
    let item = |number: usize, caller: usize| {
        let name = caller.to_string();
        let phone = |number: usize| format!("+569123{number:05}");
        match number % 3 {
            0 => json!({"externalUserId": number.to_string(), "phone": phone(number), "name": name}),
            1 => json!({"phone": phone(number - 1), "name": name}),
            _ => json!({"email": format!("c{number}@x.com"), "name": name, "contactList": name}),
        }
    };
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let app = &app;
            scope.spawn(move || {
                let mut items: Vec<Value> = (0..150).map(|number| item(number, caller)).collect();
                match caller {
                    1 => items.reverse(),
                    2 => items.rotate_left(75),
                    _ => {}
                }
                let answer = app.post_patiently(BATCH, &json!(items));
                assert_eq!(answer.status, 200, "{answer:?}");
                let results = answer.json();
                let results = results["results"].as_array().unwrap();
                assert!(results.iter().all(|result| result["id"].is_string()), "{results:?}");
            });
        }
        // Single writes meanwhile wait for no batch longer than for the contact that it holds.
        for number in (2..150).step_by(3) {
            let body =
                json!({"channel": "other", "contact_email": format!("C{number}@x.com"), "contact_name": "single"});
            assert_eq!(app.post_patiently(UPSERT, &body).status, 200);
        }
    });
    // A reversed batch brings the phone alone before the external id, which adopts that contact.
    assert_eq!(count(&app), 100);
    let lists = "SELECT count(*) AS count FROM contact_lists";
    assert_eq!(app.database.count(lists), 5);
}

#[test]
fn a_batch_leaves_the_contacts_that_an_import_of_the_same_rows_leaves() {
    let columns = "external_user_id,phone,email,name,platform,source,chat_status,blocked,is_chat_read,created_at,\
                   last_message_at,last_inbound_at,contact_list,default_stage_id,ai_customer_id";
    let rows = [
        "7,+5491123456789,ana@x.com,Ana,whatsapp,csv,CLOSED,true,false,2025-01-01T00:00:00Z,,2025-02-01T00:00:00Z,VIP,,",
        ",011 15-2345-6789,,Ana López,whatsapp,,,,,2025-01-02T00:00:00Z,2025-03-01T00:00:00Z,,,,",
        ",0223 15-596-1983,,Juan,sms,web,,,,2025-01-03T00:00:00Z,,,,,0198c0de-0000-7000-8000-000000000001",
        "8,+5492235961983,juan@x.com,,sms,,,,,2025-01-03T00:00:00Z,,,Other,0198c0de-0000-7000-8000-000000000002,",
        "9,+5492235961983,,,sms,web,,,,2025-01-05T00:00:00Z,,,,,",
        ",,EVA@x.com,Eva,,web,,,,2025-01-06T00:00:00Z,,,,,",
        ",,eva@X.com,,,,ATTENDED,,,2025-01-07T00:00:00Z,,,,,",
        ",12,,,,web,,,,2025-01-08T00:00:00Z,,,,,",
    ];
    let names: Vec<&str> = columns.split(',').collect();
    let member = |name: &str| {
        let mut parts = name.split('_');
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |name, part| name + &part[..1].to_uppercase() + &part[1..])
    };
    let items: Vec<Value> = rows
        .iter()
        .map(|row| {
            let cells = names.iter().zip(row.split(',')).filter(|(_, cell)| !cell.is_empty());
            let members = cells.map(|(name, cell)| match cell {
                "true" | "false" => (member(name), json!(cell == "true")),
                cell => (member(name), json!(cell)),
            });
            Value::Object(members.collect())
        })
        .collect();
    let file = format!("{columns}\n{}\n", rows.join("\n"));

    let imported = TestApp::start();
    let mut connection = imported.database.connect();
    let client = clients::find_client(&mut connection, "Test").unwrap().unwrap();
    let report = Import::open(file.as_bytes(), ImportOptions::default())
        .unwrap()
        .run(&mut connection, &client, &mut |_| {})
        .unwrap();
    assert_eq!(report.rejected, 0);
    let posted = TestApp::start();
    let results = batch(&posted, json!(items));
    assert_eq!(
        outcomes(&results),
        [
            "created", "updated", "created", "updated", "created", "created", "updated", "created"
        ]
    );

    let dump = |app: &TestApp| {
        let columns = "external_user_id phone phone_key phone_as_given email name platform source chat_status blocked \
                       is_chat_read created_at last_message_at last_inbound_at list default_stage_id ai_customer_id";
        let text = stored(app, columns);
        let lines: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        lines
    };
    assert_eq!(dump(&posted), dump(&imported));
    assert_eq!(dump(&posted).len(), 5);
}

#[test]
fn a_change_that_waits_in_a_circle_with_another_writer_is_told_to_come_back() {
    let app = TestApp::start();
    let changed = app.add(Contact {
        phone: Some("+5491100000001"),
        ..Contact::default()
    });
    // Another writer has made a contact of the phone that the change wants, and then wants the changed contact.
    let mut other = app.database.connect();
    let execute = |connection: &mut PgConnection, sql: &str| {
        diesel::connection::SimpleConnection::batch_execute(connection, sql).unwrap();
    };
    execute(
        &mut other,
        &format!(
            "BEGIN; INSERT INTO contacts (client_id, id, contact_list_id, platform, phone, phone_key)
             VALUES ('{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'whatsapp', '+5491100000002',
                     '5491100000002')",
            app.client
        ),
    );
    let target = format!("/api/public/contact/{}", changed.id);
    let body = json!({ "phone": "+5491100000002", "name": "Ana" });
    let answer = std::thread::scope(|scope| {
        let (app, target, body) = (&app, &target, &body);
        let change = scope.spawn(move || app.send("PATCH", target, body));
        while app
            .database
            .count("SELECT count(*) AS count FROM pg_locks WHERE NOT granted")
            == 0
        {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        execute(
            &mut other,
            &format!("UPDATE contacts SET blocked = true WHERE id = '{}'; COMMIT", changed.id),
        );
        change.join().unwrap()
    });
    // Whom PostgreSQL picks to end a deadlock is its choice; a change of one contact has given up by then.
    assert!([409, 503].contains(&answer.status), "{answer:?}");
    assert_eq!(app.send("PATCH", &target, &body).status, 409);
}
