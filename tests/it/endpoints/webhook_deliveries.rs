//! `POST /webhooks/whatsapp/{token}`: the changes that deliveries cause.

use serde_json::{Value, json};

use crate::support::Contact;
use crate::support::app::encode;
use crate::support::webhook::{PHONE, Row, SECRET, USER_ID, WebhookApp, payload, sheena, sign};

#[test]
fn a_received_message_creates_the_contact_and_opens_the_session_window() {
    let webhook = WebhookApp::start();
    let now = chrono::Utc::now().timestamp().to_string();
    let live = String::from_utf8(payload("text")).unwrap().replace("1739321024", &now);
    webhook.deliver(live.as_bytes());
    let found = webhook
        .app
        .get(&format!("/api/v1/contact-lookup/?phone={}", encode(PHONE)))
        .json();
    assert_eq!(
        (
            &found["contact"]["fullName"],
            &found["contact"]["phone"],
            &found["contact"]["source"]
        ),
        (&json!("Sheena Nelson"), &json!(PHONE), &json!("whatsapp_sync"))
    );
    assert_eq!(
        (&found["hasReplied"], &found["sessionWindowActive"]),
        (&json!(true), &json!(true))
    );
    let now = Row {
        last_message: Some(now.clone()),
        last_inbound: Some(now),
        ..sheena()
    };
    assert_eq!(webhook.contacts(), std::slice::from_ref(&now));
    // An older message changes nothing.
    webhook.deliver(&payload("text"));
    assert_eq!(webhook.contacts(), [now]);
}

#[test]
fn order_and_repetition_of_deliveries_do_not_matter_and_no_status_except_sent_counts() {
    let mut names = [
        "text",
        "unsupported",
        "status_sent",
        "status_delivered",
        "status_read",
        "status_failed",
    ];
    let expected = Row {
        last_message: Some("1739321030".to_owned()),
        ..sheena()
    };
    for turn in 0..names.len() {
        names.rotate_left(1);
        let webhook = WebhookApp::start();
        // A status alone creates no contact.
        webhook.deliver(&payload("status_sent"));
        assert_eq!(webhook.contacts(), []);
        webhook.app.add(Contact {
            phone: Some(PHONE),
            ..Contact::default()
        });
        for name in names.iter().chain(&names[..=turn]) {
            webhook.deliver(&payload(name));
        }
        let expected = Row {
            source: None,
            ..expected.clone()
        };
        assert_eq!(webhook.contacts(), [expected], "{names:?}");
    }
}

#[test]
fn an_existing_name_and_source_are_kept() {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some(PHONE),
        name: Some("Sheena N. (VIP)"),
        source: Some("organic"),
        ..Contact::default()
    });
    webhook.deliver(&payload("text"));
    let expected = Row {
        name: Some("Sheena N. (VIP)".to_owned()),
        source: Some("organic".to_owned()),
        ..sheena()
    };
    assert_eq!(webhook.contacts(), [expected]);
}

#[test]
fn a_message_without_a_phone_finds_the_contact_by_a_user_id_seen_before() {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some(PHONE),
        name: Some("Sheena Nelson"),
        source: Some("whatsapp_sync"),
        ..Contact::default()
    });
    webhook.deliver(&payload("text_with_user_id"));
    let known = Row {
        external_user_id: Some(USER_ID.to_owned()),
        ..sheena()
    };
    assert_eq!(webhook.contacts(), std::slice::from_ref(&known));
    webhook.deliver(&payload("text_without_phone"));
    webhook.deliver(&payload("status_sent_without_phone"));
    let later = Row {
        last_message: Some("1739321090".to_owned()),
        last_inbound: Some("1739321084".to_owned()),
        ..known
    };
    assert_eq!(webhook.contacts(), [later]);
}

#[test]
fn a_contact_created_by_user_id_gets_the_phone_from_a_later_message() {
    let webhook = WebhookApp::start();
    webhook.deliver(&payload("text_without_phone"));
    let unknown = Row {
        phone: None,
        external_user_id: Some(USER_ID.to_owned()),
        last_message: Some("1739321084".to_owned()),
        last_inbound: Some("1739321084".to_owned()),
        ..sheena()
    };
    assert_eq!(webhook.contacts(), std::slice::from_ref(&unknown));
    webhook.deliver(&payload("text_with_user_id"));
    let known = Row {
        phone: Some(PHONE.to_owned()),
        ..unknown
    };
    assert_eq!(webhook.contacts(), [known]);
    let found = webhook
        .app
        .get(&format!("/api/v1/contact-lookup/?phone={}", encode(PHONE)))
        .json();
    assert_eq!(found["lastReplyAt"], "2025-02-12T00:44:44Z");
}

#[test]
fn an_argentine_whatsapp_id_finds_the_contact_stored_without_the_9() {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some("+54 223 596 1983"),
        ..Contact::default()
    });
    let text = String::from_utf8(payload("text"))
        .unwrap()
        .replace("16505551234", "5492235961983");
    webhook.deliver(text.as_bytes());
    let contacts = webhook.contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].last_inbound.as_deref(), Some("1739321024"));
}

#[test]
fn a_signed_but_useless_delivery_is_accepted_and_ignored() {
    let webhook = WebhookApp::start();
    for name in ["system", "group", "template_status", "other_product"] {
        webhook.deliver(&payload(name));
    }
    let text = String::from_utf8(payload("text")).unwrap();
    let ahead = (chrono::Utc::now().timestamp() + 3_600).to_string();
    for (from, to) in [
        ("1739321024", ahead.as_str()),
        ("\"1739321024\"", "true"),
        ("1739321024", "99999999999999999999"),
        ("1739321024", "9223372036854775807"),
        ("1739321024", "-99999999999999"),
        ("1739321024", "soon"),
        ("\"16505551234\"", "null"),
        ("16505551234", ""),
        ("16505551234", "a\\u0000b"),
        ("\"messages\": [", "\"messages\": 7, \"was\": ["),
        ("\"entry\": [", "\"entry\": {}, \"was\": ["),
    ] {
        let body = text.replace(from, to);
        assert_ne!(body, text, "{from}");
        webhook.deliver(body.as_bytes());
    }
    for body in ["", "{", "null", "[]", "{}", "7", "\u{FEFF}{}"] {
        webhook.deliver(body.as_bytes());
    }
    webhook.deliver(b"{\"object\":\"\xff\"}");
    assert_eq!(webhook.contacts(), []);

    // A name that cannot be stored is ignored; the message still counts.
    let body = text.replace("Sheena Nelson", "a\\u0000b");
    webhook.deliver(body.as_bytes());
    assert_eq!(webhook.contacts(), [Row { name: None, ..sheena() }]);
}

#[test]
fn a_delivery_with_many_changes_is_recorded_completely() {
    let webhook = WebhookApp::start();
    let mut delivery: Value = serde_json::from_slice(&payload("text")).unwrap();
    let change = delivery["entry"][0]["changes"][0].clone();
    let changes: Vec<Value> = (0..1_200)
        .map(|index| {
            let text = change
                .to_string()
                .replace("16505551234", &format!("54911{}", 20_000_000 + index % 600));
            serde_json::from_str(&text).unwrap()
        })
        .collect();
    delivery["entry"] = json!([{"changes": &changes[..700]}, {}, {"changes": &changes[700..]}]);
    let body = delivery.to_string();
    webhook.deliver(body.as_bytes());
    webhook.deliver(body.as_bytes());
    let contacts = webhook.contacts();
    assert_eq!(contacts.len(), 600);
    assert!(
        contacts
            .iter()
            .all(|contact| contact.last_inbound.as_deref() == Some("1739321024"))
    );
}

#[test]
fn concurrent_deliveries_of_the_same_first_message_create_one_contact() {
    let webhook = WebhookApp::start();
    let body = payload("text_with_user_id");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            let (webhook, body) = (&webhook, &body);
            scope.spawn(move || {
                let signature = sign(SECRET, body);
                // Meta retries a delivery that was answered with 503.
                while webhook.post(&[("X-Hub-Signature-256", &signature)], body).status != 200 {}
            });
        }
    });
    let expected = Row {
        external_user_id: Some(USER_ID.to_owned()),
        ..sheena()
    };
    assert_eq!(webhook.contacts(), [expected]);
}

#[test]
fn messages_of_every_type_are_recorded() {
    let webhook = WebhookApp::start();
    let media = json!({"caption": "Taj Mahal", "mime_type": "image/jpeg", "id": "1003383421387256",
        "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI="});
    let context = json!({"from": "15550783881", "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MTE5MjVBOTE3MDk5QUVFM0YA"});
    // The members that Meta documents for a message besides `from`, `id` and `timestamp`.
    let kinds = [
        json!({"type": "image", "image": media}),
        json!({"type": "document", "document": {"filename": "order.pdf", "mime_type": "application/pdf", "id": "1"}}),
        json!({"type": "audio", "audio": {"mime_type": "audio/ogg; codecs=opus", "id": "1", "voice": true}}),
        json!({"type": "sticker", "sticker": {"mime_type": "image/webp", "id": "1", "animated": false}}),
        json!({"type": "reaction", "reaction": {"message_id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgA=", "emoji": "\u{1F44D}"}}),
        json!({"type": "interactive", "context": context,
            "interactive": {"type": "button_reply", "button_reply": {"id": "cancel-button", "title": "Cancel"}}}),
        json!({"type": "interactive", "context": context, "interactive": {"type": "list_reply",
            "list_reply": {"id": "priority_express", "title": "Priority Mail", "description": "1-3 days"}}}),
        json!({"type": "interactive", "context": context, "interactive": {"type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{\"flow_token\": \"1\"}"}}}),
        json!({"type": "button", "context": context, "button": {"payload": "Unsubscribe", "text": "Unsubscribe"}}),
        json!({"type": "location", "location": {"latitude": 37.483307, "longitude": -122.148981,
            "name": "Meta", "address": "1 Hacker Way, Menlo Park, CA 94025"}}),
        json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Barbara J. Johnson"},
            "phones": [{"phone": "+1 650 555 9999", "wa_id": "16505559999", "type": "Mobile"}]}]}),
        json!({"type": "order", "order": {"catalog_id": "194836987003835", "product_items": [
            {"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 7.99, "currency": "USD"}]}}),
        json!({"type": "text", "text": {"body": "Is it still there?"}, "referral": {"source_type": "ad",
            "source_id": "120226305854810726", "headline": "Chat with us", "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e"}}),
        json!({"type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."}}]}),
        json!({"errors": [{"code": 131060, "title": "This message is currently unavailable"}]}),
    ];
    let template: Value = serde_json::from_slice(&payload("text")).unwrap();
    for (index, kind) in kinds.iter().enumerate() {
        let mut delivery = template.clone();
        let value = &mut delivery["entry"][0]["changes"][0]["value"];
        let phone = (16505552000 + index).to_string();
        value["contacts"][0]["wa_id"] = json!(phone);
        let mut message = kind.clone();
        message["from"] = json!(phone);
        message["id"] = json!(format!("wamid.{index}"));
        message["timestamp"] = json!("1739321024");
        value["messages"] = json!([message]);
        webhook.deliver(delivery.to_string().as_bytes());
        let row = Row {
            phone: Some(format!("+{phone}")),
            ..sheena()
        };
        assert_eq!(webhook.contacts().get(index), Some(&row), "{kind}");
    }
    assert_eq!(webhook.contacts().len(), kinds.len());
}

#[test]
fn every_change_of_every_entry_is_recorded() {
    let webhook = WebhookApp::start();
    let change = |name: &str, phone: &str| -> Value {
        let text = String::from_utf8(payload(name)).unwrap().replace("16505551234", phone);
        serde_json::from_str::<Value>(&text).unwrap()["entry"][0]["changes"][0].clone()
    };
    webhook.app.add(Contact {
        phone: Some("+16505552004"),
        ..Contact::default()
    });
    let delivery = json!({
        "object": "whatsapp_business_account",
        "entry": [
            {"id": "1", "changes": [change("template_status", ""), change("text", "16505552001")]},
            {"id": "2", "time": 1739321024, "changes": []},
            {"id": "3", "changes": [
                change("unsupported", "16505552002"),
                {"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT", "phone_number": "16505552009"}},
                change("text", "16505552003"),
                change("status_sent", "16505552004"),
            ]},
        ],
    });
    webhook.deliver(delivery.to_string().as_bytes());
    let contacts = webhook.contacts();
    let received: Vec<_> = contacts
        .iter()
        .map(|contact| (contact.phone.as_deref(), contact.last_inbound.is_some()))
        .collect();
    let expected = [
        ("+16505552004", false),
        ("+16505552001", true),
        ("+16505552002", true),
        ("+16505552003", true),
    ];
    assert_eq!(received, expected.map(|(phone, is_inbound)| (Some(phone), is_inbound)));
    assert_eq!(contacts[0].last_message.as_deref(), Some("1739321030"));
}

#[test]
fn unknown_members_may_be_any_json_and_an_unreadable_part_does_not_stop_the_rest() {
    let webhook = WebhookApp::start();
    let text = String::from_utf8(payload("text")).unwrap();
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for strange in [r#""\ud800""#, r#"{"\udc00": "\udc00\ud800"}"#, "1e999", "null", &deep] {
        for (place, is_member) in [
            ("\"object\":", true),
            ("\"entry\":", true),
            ("\"changes\":", true),
            ("\"metadata\":", true),
            ("\"from\":", true),
            ("\"body\":", true),
            ("\"entry\": [", false),
            ("\"changes\": [", false),
            ("\"contacts\": [", false),
            ("\"messages\": [", false),
        ] {
            let beside = if is_member {
                format!("\"other\": {strange}, \"\\ud800\": {strange}, {place}")
            } else {
                format!("{place}{strange}, ")
            };
            webhook.deliver(text.replace(place, &beside).as_bytes());
            let case = strange.get(..20).unwrap_or(strange);
            assert_eq!(webhook.contacts(), [sheena()], "{case} at {place}");
            webhook.app.sql("DELETE FROM contacts");
        }
        let body = format!("\"body\": {strange}, \"was\":");
        webhook.deliver(text.replace("\"body\":", &body).as_bytes());
        assert_eq!(webhook.contacts(), [sheena()]);
        webhook.app.sql("DELETE FROM contacts");
        // A message with an unreadable name counts, even where Meta requires the name. A message with an unreadable
        // sender or time is ignored.
        let name = format!("\"name\": {strange}, \"was\":");
        webhook.deliver(text.replace("\"name\":", &name).as_bytes());
        assert_eq!(webhook.contacts(), [Row { name: None, ..sheena() }]);
        webhook.app.sql("DELETE FROM contacts");
        let timestamp = format!("\"timestamp\": {strange}, \"was\":");
        webhook.deliver(text.replace("\"timestamp\":", &timestamp).as_bytes());
        assert_eq!(webhook.contacts(), []);
    }
}

#[test]
fn no_contact_is_created_for_a_placeholder_or_a_group() {
    let webhook = WebhookApp::start();
    let text = String::from_utf8(payload("text")).unwrap();
    for id in [
        "0",
        "00000000",
        "120363025246125486@g.us",
        "status@broadcast",
        "120363144038483540@newsletter",
    ] {
        webhook.deliver(text.replace("16505551234", id).as_bytes());
        assert_eq!(webhook.contacts(), [], "{id}");
    }
    webhook.deliver(text.replace("16505551234", "22395").as_bytes());
    assert_eq!(webhook.contacts().len(), 1, "a short code");
}

#[test]
fn a_delivery_of_the_largest_size_that_meta_sends_is_recorded_completely() {
    let webhook = WebhookApp::start();
    // 3,000 senders with user ids; the first hundred write twice.
    let messages: Vec<Value> = (0..3100)
        .map(|number| {
            json!({
                "from": format!("569{:08}", 11_111_111 + number % 3000),
                "from_user_id": format!("CL.{}", number % 3000),
                "id": format!("wamid.{number}"),
                "timestamp": (1_743_171_720 + number).to_string(),
                "type": "text",
                "text": { "body": "x".repeat(700) },
            })
        })
        .collect();
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{
            "field": "messages",
            "value": { "messaging_product": "whatsapp", "contacts": [], "messages": messages },
        }] }],
    })
    .to_string();
    assert!((2_500_000..3 * 1024 * 1024).contains(&body.len()), "{}", body.len());
    webhook.deliver(body.as_bytes());
    let contacts = webhook.contacts();
    assert_eq!(contacts.len(), 3000);
    let first = contacts
        .iter()
        .find(|row| row.external_user_id.as_deref() == Some("CL.0"));
    assert_eq!(first.unwrap().last_inbound.as_deref(), Some("1743174720"));
}
