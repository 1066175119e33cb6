//! `/api/public/contact/{id}`: show, change, delete one contact.

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use diesel::prelude::*;
use serde_json::json;

use crate::support::app::{add_key, encode};
use crate::support::contact_api::{UNKNOWN_ID, count, edit, info, refusal, stored};
use crate::support::{Contact, TestApp};

#[test]
fn an_unknown_id_or_another_clients_contact_is_404() {
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
    for id in [UNKNOWN_ID, "7", "not-a-uuid", "%00", "%FF", &contact.id[1..]] {
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
        "a trailing slash does not change the route"
    );
}

#[test]
fn patch_sets_the_given_members_and_keeps_the_others() {
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
            "The body changes nothing. Give at least one of 'name', 'phone', 'email', 'default_stage_id', \
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
fn null_clears_a_member_but_not_the_last_identity() {
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
            "The contact would lose its last identity. Keep its phone or its email."
        );
    }
    let lists = "SELECT count(*) AS count FROM contact_lists WHERE name = 'New'";
    assert_eq!(
        app.database.count(lists),
        0,
        "a refused change must not create the list"
    );
    assert_eq!(
        edit(&app, &contact.id, json!({"email": null, "phone": "+56912345678"})).status,
        200
    );
    assert_eq!(stored(&app, "phone email"), "+56912345678 -");
}

#[test]
fn patch_refuses_members_of_the_wrong_type() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    for (changes, message) in [
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
        assert_eq!(refusal(&edit(&app, &contact.id, changes.clone())), message, "{changes}");
    }
}

#[test]
fn a_change_that_would_duplicate_another_contacts_identity_is_409() {
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
        let message =
            "Another contact of the channel has this phone or email already. Change or delete that one first.";
        let expected = json!({"statusCode": 409, "message": message, "error": "Conflict"});
        assert_eq!((answer.status, answer.json()), (409, expected));
    }
    // A contact with an external id may share a phone with another contact.
    let answer = edit(&app, &by_external_id.id, json!({"phone": "+5491123456789"}));
    assert_eq!(answer.status, 200);
    assert_eq!(info(&app, &by_phone.id).json()["phone"], "+5491123456789");
}

#[test]
fn a_deleted_contact_is_gone_from_every_endpoint() {
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
fn a_change_in_a_deadlock_is_answered_with_503_or_409() {
    let app = TestApp::start();
    let changed = app.add(Contact {
        phone: Some("+5491100000001"),
        ..Contact::default()
    });
    // Another writer inserts a contact with the new phone, so that the PATCH waits for the writer. The writer then
    // updates the contact that the PATCH has locked. This is a deadlock.
    let mut other = app.database.connect();
    let execute = |connection: &mut PgConnection, sql: &str| {
        diesel::connection::SimpleConnection::batch_execute(connection, sql).unwrap();
    };
    execute(
        &mut other,
        &format!(
            "BEGIN; INSERT INTO contacts (client_id, id, contact_list_id, platform, phone, phone_key)
             SELECT client_id, gen_random_uuid(), id, 'whatsapp', '+5491100000002', '5491100000002'
             FROM contact_lists WHERE client_id = '{}'",
            app.client
        ),
    );
    let target = format!("/api/public/contact/{}", changed.id);
    let body = json!({ "phone": "+5491100000002", "name": "Ana" });
    let answer = std::thread::scope(|scope| {
        let (app, target, body) = (&app, &target, &body);
        let change = scope.spawn(move || app.send("PATCH", target, body));
        app.database.wait_for_blocked_statement();
        execute(
            &mut other,
            &format!("UPDATE contacts SET blocked = true WHERE id = '{}'; COMMIT", changed.id),
        );
        change.join().unwrap()
    });
    // PostgreSQL could abort either transaction of a deadlock. But the lock timeout ends the PATCH before PostgreSQL
    // detects the deadlock. The server then repeats the PATCH, which finds the other writer's contact.
    assert!([409, 503].contains(&answer.status), "{answer:?}");
    assert_eq!(app.send("PATCH", &target, &body).status, 409);
}
