//! `POST /api/v1/messages/`: the person that a message is about.

use contact_search::domain::key::Scope;
use contact_search::domain::message::{Direction, Message, NewContact, Person, Phone, Target};
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use contact_search::store::messages::{MessageOutcome, record_messages};
use serde_json::{Value, json};

use crate::support::app::{add_key, encode};
use crate::support::messages::{message, post, status, statuses};
use crate::support::webhook::{WebhookApp, add_webhook, delivery, live, sign};
use crate::support::{Contact, TestApp};

fn creating(phone: &str) -> Value {
    let mut message = message(phone, "inbound", "2025-03-28T14:22:00Z");
    message["createMissing"] = json!(true);
    message
}

fn count(app: &TestApp, condition: &str) -> i64 {
    app.database
        .count(&format!("SELECT count(*) AS count FROM contacts WHERE {condition}"))
}

#[test]
fn a_whatsapp_id_of_another_country_reaches_no_national_contact() {
    let app = TestApp::start();
    // (client's region, stored number, WhatsApp id of another country)
    for (index, (region, stored, id)) in [
        ("BR", "+5551987654321", "51987654321"),
        ("MX", "+526591234567", "6591234567"),
        ("US", "+12482292460", "2482292460"),
        ("IT", "+39380945557350", "380945557350"),
        ("DE", "+4934612345678", "34612345678"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut connection = app.database.connect();
        let region: Region = region.parse().unwrap();
        let client = clients::create_client(&mut connection, &format!("Client {index}"), region).unwrap();
        let key = add_key(&mut connection, client, &Scope::ALL, None);
        let contact = Contact {
            phone: Some(stored),
            ..Contact::default()
        };
        contact.add(&mut connection, client);
        let untouched = format!("client_id = '{client}' AND phone = '{stored}' AND last_message_at IS NULL");
        for text in [
            id.to_owned(),
            format!("{id}@s.whatsapp.net"),
            format!("{id}:3@c.us"),
            format!("+{id}"),
        ] {
            let answer = post(&app, &key, &message(&text, "inbound", "2025-03-28T14:22:00Z")).json();
            assert_eq!(answer, json!({"status": "not_found"}), "{text}");
        }
        let secret = "another-secret";
        let token = add_webhook(&app, client, secret);
        let text =
            json!({"from": id, "id": "wamid.1", "timestamp": "@now-30", "type": "text", "text": {"body": "hola"}});
        let body = live(&delivery("messages", "messages", json!([text])));
        let signature = sign(secret, body.as_bytes());
        let headers = [("X-Hub-Signature-256", signature.as_str())];
        let path = format!("/webhooks/whatsapp/{token}");
        assert_eq!(
            app.server.send_body("POST", &path, &headers, body.as_bytes()).status,
            200
        );
        assert_eq!(count(&app, &untouched), 1, "{id}");
        let target = format!("/api/v1/contact-lookup/?phone={}", encode(stored));
        let found = app.server.get(&target, Some(&key)).json();
        assert_eq!(
            (&found["found"], &found["hasReplied"], &found["sessionWindowActive"]),
            (&json!(true), &json!(false), &json!(false)),
            "{id}"
        );
        let created = format!("client_id = '{client}' AND phone = '+{id}' AND last_inbound_at IS NOT NULL");
        assert_eq!(count(&app, &created), 1, "{id}");
    }
}

#[test]
fn a_number_in_national_notation_still_finds_a_whatsapp_contact() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5492235961983"),
        ..Contact::default()
    });
    for phone in [
        "0223 15-596-1983",
        "(0223) 15 596-1983",
        "2235961983",
        "+54 9 223 596 1983",
        "00 54 9 223 596 1983",
    ] {
        let answer = status(&app, &message(phone, "inbound", "2025-03-28T14:22:00Z"));
        assert!(answer != "not_found", "{phone}");
    }
}

#[test]
fn two_notations_of_one_line_are_one_contact_in_either_order() {
    for [first, second] in [
        ["11 2345-6789", "+54 9 11 2345-6789"],
        ["+54 9 11 2345-6789", "11 2345-6789"],
    ] {
        let app = TestApp::start();
        assert_eq!(
            statuses(
                &app,
                &[creating(first), creating(second), creating("5491123456789@c.us")]
            ),
            ["created", "unchanged", "unchanged"]
        );
        assert_eq!(status(&app, &creating(second)), "unchanged");
    }
    let app = TestApp::start();
    let fixed = app.add(Contact {
        phone: Some("+541123456789"),
        created_at: "'2024-01-01Z'",
        ..Contact::default()
    });
    let mut known = creating("+54 9 11 2345-6789");
    known["externalUserId"] = json!("u-1");
    assert_eq!(
        statuses(&app, &[creating("+54 9 11 2345-6789"), known]),
        ["updated", "updated"]
    );
    assert_eq!(
        count(&app, &format!("id = '{}' AND external_user_id = 'u-1'", fixed.id)),
        1
    );
    assert_eq!(count(&app, "true"), 1);
}

#[test]
fn concurrent_messages_from_two_notations_of_one_line_create_one_contact() {
    let app = TestApp::start();
    std::thread::scope(|scope| {
        for phone in ["11 2345-6789", "+54 9 11 2345-6789"].repeat(6) {
            let app = &app;
            scope.spawn(move || {
                // Any other answer means that the server is busy: the caller retries.
                while app.send("POST", "/api/v1/messages/", &creating(phone)).status != 200 {}
            });
        }
    });
    assert_eq!(count(&app, "true"), 1);
}

#[test]
fn two_extensions_on_one_line_are_two_contacts() {
    let app = TestApp::start();
    let message = |extension: Option<&str>, create_missing: bool| {
        let mut phone = Phone::read("+54 11 2345-6789", Region::DEFAULT, "sms").unwrap();
        phone.stored.extension = extension.map(str::to_owned);
        for reading in &mut phone.readings {
            reading.extension = extension.map(str::to_owned);
        }
        let person = Person {
            platform: "sms".to_owned(),
            external_user_id: None,
            phone: Some(phone),
        };
        let new_contact = create_missing.then_some(NewContact {
            name: None,
            source: "test",
        });
        let sent_at = "2025-03-28T14:22:00Z".parse().unwrap();
        Message::new(Target::Person(person), Direction::Inbound, sent_at, new_contact).unwrap()
    };
    let mut connection = app.database.connect();
    let mut record = |messages: &[Message]| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        record_messages(&mut connection, app.client, messages, deadline)
            .unwrap()
            .into_iter()
            .map(|result| result.outcome)
            .collect::<Vec<_>>()
    };
    use MessageOutcome::{Created, NotFound, Unchanged};
    let first = [
        message(Some("101"), true),
        message(Some("102"), true),
        message(Some("101"), true),
    ];
    assert_eq!(record(&first), [Created, Created, Unchanged]);
    assert_eq!(
        record(&[message(None, false), message(Some("103"), false)]),
        [NotFound, NotFound]
    );
    assert_eq!(record(&[message(None, true)]), [Created]);
    let stored = "coalesce(phone_extension, '') IN ('', '101', '102') AND phone = '+541123456789' AND phone_identifies";
    assert_eq!((count(&app, stored), count(&app, "true")), (3, 3));
}

#[test]
fn a_platform_in_capitals_is_the_same_channel_and_has_a_window() {
    let app = TestApp::start();
    let now = chrono::Utc::now().to_rfc3339();
    let mut first = creating("+5492235961983");
    first["platform"] = json!("  WhatsApp ");
    first["sentAt"] = json!(now);
    assert_eq!(
        statuses(&app, &[first.clone(), first.clone()]),
        ["created", "unchanged"]
    );
    let mut second = first.clone();
    second["platform"] = json!("whatsapp");
    assert_eq!(status(&app, &second), "unchanged");
    assert_eq!(count(&app, "platform = 'whatsapp'"), 1);
    assert_eq!(count(&app, "true"), 1);
    let found = app.get("/api/v1/contact-lookup/?phone=5492235961983").json();
    assert_eq!(found["sessionWindowActive"], json!(true));
    // The lower case of this letter has two characters.
    let mut long = first;
    long["platform"] = json!("\u{130}".repeat(40));
    let answer = post(&app, &app.key, &long);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("'platform' is longer than 64"), "{answer:?}");
}

#[test]
fn a_phone_that_identifies_nobody_reaches_no_contact() {
    let app = TestApp::start();
    for phone in ["0", "000-0000", "12"] {
        app.add(Contact {
            phone: Some(phone),
            ..Contact::default()
        });
        assert_eq!(
            status(&app, &message(phone, "inbound", "2025-03-28T14:22:00Z")),
            "not_found",
            "{phone}"
        );
    }
    for id in ["98765432101234@lid", "120363025246125486@g.us"] {
        let digits = id.split('@').next().unwrap();
        app.add(Contact {
            phone: Some(&format!("+{digits}")),
            ..Contact::default()
        });
        assert_eq!(
            status(&app, &message(id, "inbound", "2025-03-28T14:22:00Z")),
            "not_found",
            "{id}"
        );
    }
    assert_eq!(count(&app, "last_message_at IS NOT NULL"), 0);
}

#[test]
fn a_phone_that_identifies_nobody_stops_no_message_with_an_external_id() {
    let app = TestApp::start();
    let known = app.add(Contact {
        phone: Some("+5491100040001"),
        external_user_id: Some("u-1"),
        ..Contact::default()
    });
    for (minute, phone) in ["0", "000-0000", "5,49112E+12", "800-44-XY"].into_iter().enumerate() {
        let mut body = creating(phone);
        let refused = post(&app, &app.key, &body);
        assert_eq!(refused.status, 400, "nothing else identifies the person: {refused:?}");
        assert!(
            refused.body.contains("'phone' should be a person's phone number"),
            "{refused:?}"
        );
        body["externalUserId"] = json!("u-1");
        body["sentAt"] = json!(format!("2025-03-28T14:2{minute}:00Z"));
        let mut unknown = body.clone();
        unknown["externalUserId"] = json!(format!("new-{minute}"));
        assert_eq!(statuses(&app, &[body, unknown]), ["updated", "created"], "{phone}");
        let recorded = format!(
            "id = '{}' AND phone = '+5491100040001' AND last_inbound_at = '2025-03-28T14:2{minute}:00Z'",
            known.id
        );
        assert_eq!(count(&app, &recorded), 1, "{phone}");
    }
    assert_eq!(count(&app, "external_user_id LIKE 'new-%' AND phone IS NULL"), 4);
    // The id of a group is refused also with an external id.
    let mut group = creating("120363025246125486@g.us");
    group["externalUserId"] = json!("u-1");
    assert_eq!(post(&app, &app.key, &group).status, 400);
    assert_eq!(count(&app, "true"), 5);
}

#[test]
fn a_placeholder_in_one_message_does_not_keep_another_person_of_the_array_from_being_created() {
    let app = TestApp::start();
    let mut damaged = creating("5,49112E+12");
    damaged["externalUserId"] = json!("u-1");
    let mut short = creating("54911212");
    short["externalUserId"] = json!("u-2");
    assert_eq!(statuses(&app, &[damaged, short]), ["created", "created"]);
}

#[test]
fn no_contact_is_created_for_the_external_id_of_a_group() {
    let app = TestApp::start();
    for id in [
        "120363025246125486@g.us",
        "status@broadcast",
        "120363144038483540@NEWSLETTER",
    ] {
        let body = json!({"platform": "whatsapp", "externalUserId": id, "direction": "inbound",
            "sentAt": "2025-03-28T14:22:00Z", "createMissing": true});
        let answer = post(&app, &app.key, &body);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            answer.body.contains("'externalUserId' should be the id of a person"),
            "{answer:?}"
        );
        assert!(!answer.body.contains(id), "{answer:?}");
    }
    let hidden = json!({"platform": "whatsapp", "externalUserId": "98765432101234@lid", "direction": "inbound",
        "sentAt": "2025-03-28T14:22:00Z", "createMissing": true});
    assert_eq!(status(&app, &hidden), "created", "a hidden number is an external id");
    assert_eq!(count(&app, "phone IS NULL"), 1);
}

#[test]
fn a_hidden_number_is_an_external_id_and_never_a_phone() {
    let webhook = WebhookApp::start();
    let app = &webhook.app;
    app.add(Contact {
        phone: Some("+98765432101234"),
        ..Contact::default()
    });
    for (phone, expected) in [
        ("98765432101234@lid", "created"),
        ("98765432101234:7@lid", "unchanged"),
        (" 98765432101234@LID ", "unchanged"),
    ] {
        assert_eq!(status(app, &creating(phone)), expected, "{phone}");
    }
    let text = json!({"from": "98765432101234@lid", "id": "wamid.1", "timestamp": "@now-30", "type": "text",
        "text": {"body": "hola"}});
    webhook.deliver_live(&delivery("messages", "messages", json!([text])));
    assert_eq!(
        count(
            app,
            "external_user_id = '98765432101234@lid' AND phone IS NULL AND last_inbound_at IS NOT NULL"
        ),
        1
    );
    assert_eq!(count(app, "phone IS NOT NULL AND last_message_at IS NULL"), 1);
    assert_eq!(count(app, "true"), 2);
}

#[test]
fn a_message_from_a_new_number_with_a_known_external_id_gives_the_contact_that_number() {
    let app = TestApp::start();
    let contact = app.add(Contact {
        phone: Some("+5491100040001"),
        external_user_id: Some("u-1"),
        ..Contact::default()
    });
    let mut inbound = creating("+5491100040002");
    inbound["externalUserId"] = json!("u-1");
    let mut outbound = inbound.clone();
    outbound["direction"] = json!("outbound");
    let mut plain = inbound.clone();
    plain["createMissing"] = json!(false);
    let mut later = plain.clone();
    later["sentAt"] = json!("2025-03-28T14:23:00Z");
    let has = |phone: &str| count(&app, &format!("id = '{}' AND phone = '{phone}'", contact.id)) == 1;
    for body in [&outbound, &plain] {
        status(&app, body);
        assert!(has("+5491100040001"), "{body}");
    }
    let from_old = message("+5491100040001", "inbound", "2025-03-28T14:25:00Z");
    assert_eq!(statuses(&app, &[later, inbound.clone()]), ["updated", "unchanged"]);
    assert!(has("+5491100040001"), "an older message brings no number");
    inbound["sentAt"] = json!("2025-03-28T14:24:00Z");
    assert_eq!(
        statuses(&app, &[from_old.clone(), inbound.clone()]),
        ["updated", "unchanged"]
    );
    inbound["sentAt"] = json!("2025-03-28T14:26:00Z");
    let by_new_owner = message("+5491100040001", "inbound", "2025-03-28T14:27:00Z");
    assert_eq!(
        statuses(&app, &[inbound, from_old, by_new_owner]),
        ["updated", "unchanged", "not_found"]
    );
    assert!(has("+5491100040002"));
    assert_eq!(count(&app, "true"), 1);
}

#[test]
fn a_webhook_message_attaches_its_user_id_to_a_contact_stored_in_national_notation() {
    let webhook = WebhookApp::start();
    let app = &webhook.app;
    app.add(Contact {
        phone: Some("11 2345-6789"),
        ..Contact::default()
    });
    let text = json!({"from": "5491123456789", "from_user_id": "AR.1", "id": "wamid.1", "timestamp": "@now-30",
        "type": "text", "text": {"body": "hola"}});
    webhook.deliver_live(&delivery("messages", "messages", json!([text])));
    assert_eq!(count(app, "external_user_id = 'AR.1' AND phone = '+541123456789'"), 1);
    assert_eq!(webhook.lookup("11 2345-6789"), (true, true, true));
}
