//! `/api/v1/contacts/{id}`: show, change and delete one contact by either of its ids.

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use serde_json::{Value, json};

use crate::support::app::add_key;
use crate::support::contact_api::{UNKNOWN_ID, batch, count, info, stored};
use crate::support::{Answer, Contact, TestApp};

fn path(id: impl std::fmt::Display) -> String {
    format!("/api/v1/contacts/{id}")
}

fn edit(app: &TestApp, id: impl std::fmt::Display, changes: Value) -> Answer {
    app.send("PATCH", &path(id), &changes)
}

/// The code and the member at fault of a problem document with this status.
fn problem(answer: &Answer, status: u16) -> (String, Value) {
    let body = answer.json();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{body}"
    );
    (body["code"].as_str().unwrap().to_owned(), body["param"].clone())
}

#[test]
fn a_contact_is_shown_whole_by_its_uuid_and_by_the_integer_of_the_lookup() {
    let app = TestApp::start();
    let (stage, customer) = (
        "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
        "11111111-1111-1111-1111-111111111111",
    );
    let given = json!({
        "name": "Ana", "phone": "+5491123456789", "email": "Ana@x.com", "platform": "webchat", "source": "ads",
        "chatStatus": "ATTENDED", "blocked": true, "isChatRead": false, "createdAt": "2024-01-15T10:00:00.000Z",
        "lastMessageAt": "2025-03-28T14:22:00.123Z", "lastInboundAt": "2025-03-28T14:21:00.000Z",
        "contactList": "VIP", "externalUserId": "u-7", "defaultStageId": stage, "aiCustomerId": customer,
    });
    let written = batch(&app, json!([given, { "email": "only@x.com" }]));
    let (id, contact_id) = (
        written[0]["id"].as_str().unwrap(),
        written[0]["contactId"].as_i64().unwrap(),
    );
    let of_lookup = app.get("/api/v1/contact-lookup/?phone=5491123456789").json();
    assert_eq!(of_lookup["contact"]["id"], contact_id);

    // The answer has every member of the batch's item, with the same name and value.
    let mut expected = given;
    expected["id"] = json!(id);
    expected["contactId"] = json!(contact_id);
    for target in [
        path(id),
        path(contact_id),
        path(id.to_uppercase()),
        path(format!("{contact_id}/")),
    ] {
        let answer = app.get(&target);
        assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{target}");
        assert!(
            answer
                .body
                .starts_with(&format!(r#"{{"id":"{id}","contactId":{contact_id},"name":"Ana","#))
        );
    }

    let other = app.get(&path(&written[1]["contactId"])).json();
    let created_at = other["createdAt"].as_str().unwrap();
    assert_eq!(
        (created_at.len(), created_at.ends_with('Z')),
        (24, true),
        "milliseconds"
    );
    assert_eq!(
        other,
        json!({
            "id": written[1]["id"], "contactId": written[1]["contactId"], "name": null, "phone": null,
            "email": "only@x.com", "platform": "other", "source": "api", "chatStatus": "UNATTENDED", "blocked": false,
            "isChatRead": true, "createdAt": created_at, "lastMessageAt": null, "lastInboundAt": null,
            "contactList": "Lista Principal", "externalUserId": null, "defaultStageId": null, "aiCustomerId": null,
        })
    );
}

#[test]
fn an_unknown_id_and_another_clients_contact_are_404_for_every_method() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &Scope::ALL, None);
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        name: Some("Ana"),
        ..Contact::default()
    });
    let serial_id = contact.serial_id.to_string();
    let unknown = (contact.serial_id + 1).to_string();
    for (key, id) in [
        (&app.key, UNKNOWN_ID),
        (&app.key, &unknown),
        (&app.key, "-1"),
        (&app.key, "9223372036854775808"),
        (&app.key, "not-an-id"),
        (&app.key, "%00"),
        (&app.key, "%FF"),
        (&app.key, &contact.id[1..]),
        (&other_key, &contact.id),
        (&other_key, &serial_id),
    ] {
        for (method, body) in [("GET", ""), ("PATCH", r#"{"name":"Eva"}"#), ("DELETE", "")] {
            let answer = app.server.send_json(method, &path(id), Some(key), body.as_bytes());
            assert_eq!(problem(&answer, 404).0, "contact-unknown", "{method} {id}");
        }
    }
    assert_eq!(stored(&app, "name"), "Ana");
}

#[test]
fn a_contact_is_read_with_the_scope_search_and_changed_with_the_scope_write() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let [search, write] =
        [Scope::Search, Scope::Write].map(|scope| add_key(&mut connection, app.client, &[scope], None));
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    let status = |method, key: &str| {
        let answer = app
            .server
            .send_json(method, &path(contact.serial_id), Some(key), br#"{"name":"Ana"}"#);
        answer.status
    };
    assert_eq!((status("GET", &search), status("GET", &write)), (200, 403));
    assert_eq!((status("PATCH", &search), status("PATCH", &write)), (403, 200));
    assert_eq!((status("DELETE", &search), status("DELETE", &write)), (403, 204));
    assert_eq!(app.get("/api/v1/contacts/7?x=1").header("allow"), None);
    let answer = app.send("PUT", &path(contact.serial_id), &json!({}));
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD, PATCH, DELETE"))
    );
}

#[test]
fn patch_by_the_integer_id_sets_the_given_members_and_keeps_the_others() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        name: Some("Ana"),
        email: Some("ana@x.com"),
        external_user_id: Some("u-7"),
        ..Contact::default()
    });
    let before = app.get(&path(contact.serial_id)).json();
    let unchanged = edit(
        &app,
        contact.serial_id,
        json!({ "name": "Ana", "platform": "sms", "externalUserId": "u-8" }),
    );
    assert_eq!((unchanged.status, unchanged.json()), (200, before.clone()));

    let stage = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let changes = json!({
        "name": "Eva", "phone": "0223 15-596-1983", "email": "eva@x.com", "defaultStageId": stage,
        "contactList": "VIP", "chatStatus": "CLOSED", "blocked": true, "isChatRead": false,
    });
    let mut expected = before;
    expected
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    expected["phone"] = json!("+5492235961983");
    let changed = edit(&app, contact.serial_id, changes);
    assert_eq!((changed.status, changed.json()), (200, expected.clone()));
    assert_eq!(app.get(&path(&contact.id)).json(), expected);
    assert_eq!(info(&app, &contact.id).json()["chat_status"], "CLOSED");

    let cleared = edit(
        &app,
        &contact.id,
        json!({ "name": null, "phone": " ", "email": "n/a", "defaultStageId": null }),
    )
    .json();
    for member in ["name", "phone", "email", "defaultStageId"] {
        assert_eq!(cleared[member], Value::Null, "{member}");
    }
}

#[test]
fn a_refused_change_is_a_problem_document_with_the_member_in_camel_case() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    app.add(Contact {
        phone: Some("+56912345678"),
        ..Contact::default()
    });
    let long = "x".repeat(201);
    for (changes, status, code, param) in [
        // The members of the other API are unknown here.
        (
            json!({ "chat_status": "x", "is_chat_read": true }),
            400,
            "change-missing",
            None,
        ),
        (json!([]), 400, "body-invalid", None),
        (json!({ "isChatRead": 1 }), 400, "member-invalid", Some("isChatRead")),
        (
            json!({ "defaultStageId": "1" }),
            400,
            "member-invalid",
            Some("defaultStageId"),
        ),
        (json!({ "email": "ana" }), 400, "member-invalid", Some("email")),
        (json!({ "chatStatus": null }), 400, "member-missing", Some("chatStatus")),
        (
            json!({ "contactList": long }),
            400,
            "member-too-long",
            Some("contactList"),
        ),
        (json!({ "phone": "5.49112E+12" }), 400, "worse-phone", Some("phone")),
        (json!({ "phone": null }), 400, "identity-lost", None),
        (json!({ "phone": "+56 9 1234 5678" }), 409, "identity-taken", None),
    ] {
        let answer = edit(&app, contact.serial_id, changes.clone());
        assert_eq!(problem(&answer, status), (code.to_owned(), json!(param)), "{changes}");
    }
    let nothing = edit(&app, contact.serial_id, json!({})).json();
    assert_eq!(
        nothing["detail"],
        "The body changes nothing. Give at least one of 'name', 'phone', 'email', 'defaultStageId', 'contactList', \
         'chatStatus', 'blocked', 'isChatRead'."
    );
    assert_eq!(
        stored(&app, "phone chat_status"),
        "+5491123456789 UNATTENDED\n+56912345678 UNATTENDED"
    );
}

#[test]
fn delete_by_either_id_erases_the_contact() {
    let app = TestApp::start();
    let [first, second] = ["+5491123456789", "+56912345678"].map(|phone| {
        app.add(Contact {
            phone: Some(phone),
            ..Contact::default()
        })
    });
    for target in [path(first.serial_id), path(&second.id)] {
        let deleted = app.server.send_json("DELETE", &target, Some(&app.key), b"");
        assert_eq!((deleted.status, deleted.body.as_str()), (204, ""), "{target}");
        let again = app.server.send_json("DELETE", &target, Some(&app.key), b"");
        assert_eq!(problem(&again, 404).0, "contact-unknown");
        assert_eq!(app.get(&target).status, 404);
    }
    assert_eq!(count(&app), 0);
}
