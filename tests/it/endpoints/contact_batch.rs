//! `POST /api/v1/contacts/`: batches of contacts.

use std::collections::BTreeSet;

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use contact_search::transfer::import::{Import, ImportOptions};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::add_key;
use crate::support::contact_api::{BATCH, UPSERT, batch, count, info, outcomes, refusal, stored, upsert};

#[test]
fn a_batch_answers_each_item_in_order_and_an_invalid_item_does_not_stop_the_others() {
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
            "The contact is not identified. Give 'externalUserId', 'phone' or 'email'.",
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
fn a_batch_is_an_object_with_contacts_or_an_array_of_at_most_a_thousand_items() {
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
    for (body, message) in [
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
        assert_eq!(refusal(&answer), message);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

#[test]
fn message_times_only_move_forward_and_created_at_counts_only_for_a_new_contact() {
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
        "a difference below a microsecond is no change"
    );
    assert_eq!(write(times(late, early, late)), "updated");
    assert_eq!(write(times(early, early, early)), "unchanged");
    assert_eq!(
        stored(&app, "created_at last_message_at last_inbound_at"),
        "2025-01-01 10:00:00.123456+00 2025-02-01 13:00:00+00 2025-02-01 13:00:00+00"
    );
}

#[test]
fn concurrent_batches_of_the_same_contacts_in_different_orders_all_succeed() {
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
                let answer = app.post_with_retries(BATCH, &json!(items));
                assert_eq!(answer.status, 200, "{answer:?}");
                let results = answer.json();
                let results = results["results"].as_array().unwrap();
                assert!(results.iter().all(|result| result["id"].is_string()), "{results:?}");
            });
        }
        // Concurrent single writes wait only for the contact that they write, not for a whole batch.
        for number in (2..150).step_by(3) {
            let body =
                json!({"channel": "other", "contact_email": format!("C{number}@x.com"), "contact_name": "single"});
            assert_eq!(app.post_with_retries(UPSERT, &body).status, 200);
        }
    });
    // A reversed batch first creates a contact with the phone alone. The item with the external id then adopts that
    // contact.
    assert_eq!(count(&app), 100);
    let lists = "SELECT count(*) AS count FROM contact_lists";
    assert_eq!(app.database.count(lists), 5);
}

#[test]
fn a_batch_stores_the_same_contacts_as_an_import_of_the_same_rows() {
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
        ",123,,,,web,,,,2025-01-08T00:00:00Z,,,,,",
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
fn contacts_of_two_clients_with_the_same_identities_stay_separate() {
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
    assert_eq!(recent.json(), json!([]), "no contact has a message");
}
