//! `/webhooks/whatsapp/{token}`: Meta's handshake, its signatures, and what its deliveries change.
//!
//! The deliveries in `tests/data/whatsapp` are shaped as Meta documents them.

use std::io::Write;
use std::process::Stdio;

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::domain::webhook::{AppSecret, Token};
use contact_search::store::{clients, webhooks};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::app::{Answer, encode, program};
use crate::support::{Contact, TestApp};

const SECRET: &str = "00112233445566778899aabbccddeeff";
const PHONE: &str = "+16505551234";
const USER_ID: &str = "US.13491208655302741918";

fn payload(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/whatsapp/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What Meta's header says of a body: its HMAC by the app's secret.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let digits: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={digits}")
}

/// A server with a webhook for its client.
struct Hooked {
    app: TestApp,
    path: String,
    token: String,
}

impl Hooked {
    fn start() -> Self {
        let app = TestApp::start();
        let token = add_webhook(&app, app.client, SECRET);
        let path = format!("/webhooks/whatsapp/{token}");
        Self { app, path, token }
    }

    fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.app.server.send_body("POST", &self.path, headers, body)
    }

    /// Delivers a body as Meta does, and expects it to be taken.
    fn deliver(&self, body: &[u8]) {
        let headers = [
            ("X-Hub-Signature-256", &*sign(SECRET, body)),
            ("Content-Type", "application/json"),
        ];
        let answer = self.post(&headers, body);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
    }

    /// All contacts, the oldest first.
    fn contacts(&self) -> Vec<Row> {
        diesel::sql_query(
            "SELECT name, phone, external_user_id, platform, source, is_chat_read, chat_status,
                    extract(epoch FROM last_message_at)::bigint::text AS last_message,
                    extract(epoch FROM last_inbound_at)::bigint::text AS last_inbound
             FROM contacts ORDER BY serial_id",
        )
        .load(&mut self.app.database.connect())
        .expect("contacts")
    }
}

fn add_webhook(app: &TestApp, client: ClientId, secret: &str) -> String {
    let token = Token::generate().unwrap();
    let secret = AppSecret::parse(secret).unwrap();
    webhooks::add_webhook(&mut app.database.connect(), client, &token, &secret).unwrap();
    token.reveal().to_owned()
}

#[derive(Clone, PartialEq, Eq, Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_user_id: Option<String>,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    #[diesel(sql_type = Bool)]
    is_chat_read: bool,
    #[diesel(sql_type = Text)]
    chat_status: String,
    /// Unix seconds, as a text.
    #[diesel(sql_type = Nullable<Text>)]
    last_message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_inbound: Option<String>,
}

/// Who wrote the message of `text.json`, as the first delivery makes the contact.
fn sheena() -> Row {
    Row {
        name: Some("Sheena Nelson".to_owned()),
        phone: Some(PHONE.to_owned()),
        external_user_id: None,
        platform: "whatsapp".to_owned(),
        source: Some("whatsapp_sync".to_owned()),
        is_chat_read: false,
        chat_status: "UNATTENDED".to_owned(),
        last_message: Some("1739321024".to_owned()),
        last_inbound: Some("1739321024".to_owned()),
    }
}

#[test]
fn the_handshake_gives_the_challenge_back_to_whoever_knows_the_token() {
    let hooked = Hooked::start();
    let ask = |query: &str| hooked.app.server.get(&format!("{}?{query}", hooked.path), None);
    let token = &hooked.token;
    let answer = ask(&format!(
        "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
    ));
    assert_eq!((answer.status, answer.body.as_str()), (200, "1158201444"));
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    for query in [
        String::new(),
        "hub.mode=subscribe&hub.challenge=1".to_owned(),
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong".to_owned(),
        format!("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={token}"),
        format!("hub.challenge=1&hub.verify_token={token}"),
    ] {
        let answer = ask(&query);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (403, Some("application/problem+json")),
            "{query}"
        );
    }
    assert_eq!(ask(&format!("hub.mode=subscribe&hub.verify_token={token}")).status, 400);
    let unknown = hooked
        .app
        .server
        .get("/webhooks/whatsapp/00000000000000000000000000000000", None);
    assert_eq!(
        (unknown.status, unknown.header("content-type")),
        (404, Some("application/problem+json"))
    );
    let other = hooked.app.server.send("PUT", &hooked.path, &[]);
    assert_eq!((other.status, other.header("allow")), (405, Some("GET, HEAD, POST")));
}

#[test]
fn a_delivery_without_its_own_signature_is_401_and_changes_nothing() {
    let hooked = Hooked::start();
    let body = payload("text");
    let right = sign(SECRET, &body);
    let of_another_body = sign(SECRET, &payload("unsupported"));
    let of_another_secret = sign("ffeeddccbbaa99887766554433221100", &body);
    let cases: [&[(&str, &str)]; 7] = [
        &[],
        &[("X-Hub-Signature-256", "")],
        &[("X-Hub-Signature-256", &right[7..])],
        &[("X-Hub-Signature-256", &right[..right.len() - 2])],
        &[("X-Hub-Signature-256", &of_another_body)],
        &[("X-Hub-Signature-256", &of_another_secret)],
        &[("X-Hub-Signature", &right), ("X-API-Key", &hooked.app.key)],
    ];
    for headers in cases {
        let answer = hooked.post(headers, &body);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (401, Some("application/problem+json")),
            "{headers:?}"
        );
    }
    assert_eq!(hooked.contacts(), []);
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    let signature = sign(SECRET, &large);
    assert_eq!(hooked.post(&[("X-Hub-Signature-256", &signature)], &large).status, 413);
    hooked.deliver(&large[1..]);
}

#[test]
fn a_received_message_makes_the_contact_and_opens_the_window_at_once() {
    let hooked = Hooked::start();
    let now = chrono::Utc::now().timestamp().to_string();
    let live = String::from_utf8(payload("text")).unwrap().replace("1739321024", &now);
    hooked.deliver(live.as_bytes());
    let found = hooked
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
    assert_eq!(hooked.contacts(), std::slice::from_ref(&now));
    // Older, and so nothing new.
    hooked.deliver(&payload("text"));
    assert_eq!(hooked.contacts(), [now]);
}

#[test]
fn only_sent_is_the_time_of_a_message_and_no_order_or_repetition_matters() {
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
        let hooked = Hooked::start();
        // A status alone makes nobody.
        hooked.deliver(&payload("status_sent"));
        assert_eq!(hooked.contacts(), []);
        hooked.app.add(Contact {
            phone: Some(PHONE),
            ..Contact::default()
        });
        for name in names.iter().chain(&names[..=turn]) {
            hooked.deliver(&payload(name));
        }
        let expected = Row {
            source: None,
            ..expected.clone()
        };
        assert_eq!(hooked.contacts(), [expected], "{names:?}");
    }
}

#[test]
fn what_the_contact_is_called_already_stays() {
    let hooked = Hooked::start();
    hooked.app.add(Contact {
        phone: Some(PHONE),
        name: Some("Sheena N. (VIP)"),
        source: Some("organic"),
        ..Contact::default()
    });
    hooked.deliver(&payload("text"));
    let expected = Row {
        name: Some("Sheena N. (VIP)".to_owned()),
        source: Some("organic".to_owned()),
        ..sheena()
    };
    assert_eq!(hooked.contacts(), [expected]);
}

#[test]
fn a_person_without_a_phone_is_the_one_whose_user_id_came_with_the_phone_before() {
    let hooked = Hooked::start();
    hooked.app.add(Contact {
        phone: Some(PHONE),
        name: Some("Sheena Nelson"),
        source: Some("whatsapp_sync"),
        ..Contact::default()
    });
    hooked.deliver(&payload("text_with_user_id"));
    let known = Row {
        external_user_id: Some(USER_ID.to_owned()),
        ..sheena()
    };
    assert_eq!(hooked.contacts(), std::slice::from_ref(&known));
    hooked.deliver(&payload("text_without_phone"));
    hooked.deliver(&payload("status_sent_without_phone"));
    let later = Row {
        last_message: Some("1739321090".to_owned()),
        last_inbound: Some("1739321084".to_owned()),
        ..known
    };
    assert_eq!(hooked.contacts(), [later]);
}

#[test]
fn a_person_without_a_phone_is_made_with_the_user_id_and_gets_the_phone_when_it_comes() {
    let hooked = Hooked::start();
    hooked.deliver(&payload("text_without_phone"));
    let unknown = Row {
        phone: None,
        external_user_id: Some(USER_ID.to_owned()),
        last_message: Some("1739321084".to_owned()),
        last_inbound: Some("1739321084".to_owned()),
        ..sheena()
    };
    assert_eq!(hooked.contacts(), std::slice::from_ref(&unknown));
    hooked.deliver(&payload("text_with_user_id"));
    let known = Row {
        phone: Some(PHONE.to_owned()),
        ..unknown
    };
    assert_eq!(hooked.contacts(), [known]);
    let found = hooked
        .app
        .get(&format!("/api/v1/contact-lookup/?phone={}", encode(PHONE)))
        .json();
    assert_eq!(found["lastReplyAt"], "2025-02-12T00:44:44Z");
}

#[test]
fn an_argentine_whatsapp_id_is_the_contact_that_is_written_without_the_9() {
    let hooked = Hooked::start();
    hooked.app.add(Contact {
        phone: Some("+54 223 596 1983"),
        ..Contact::default()
    });
    let text = String::from_utf8(payload("text"))
        .unwrap()
        .replace("16505551234", "5492235961983");
    hooked.deliver(text.as_bytes());
    let contacts = hooked.contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].last_inbound.as_deref(), Some("1739321024"));
}

#[test]
fn what_is_signed_but_of_no_use_is_taken_and_left_out() {
    let hooked = Hooked::start();
    for name in ["system", "group", "template_status", "other_product"] {
        hooked.deliver(&payload(name));
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
        hooked.deliver(body.as_bytes());
    }
    for body in ["", "{", "null", "[]", "{}", "7", "\u{FEFF}{}"] {
        hooked.deliver(body.as_bytes());
    }
    hooked.deliver(b"{\"object\":\"\xff\"}");
    assert_eq!(hooked.contacts(), []);

    // A name that can't be kept is none; the message counts.
    let body = text.replace("Sheena Nelson", "a\\u0000b");
    hooked.deliver(body.as_bytes());
    assert_eq!(hooked.contacts(), [Row { name: None, ..sheena() }]);
}

#[test]
fn a_delivery_of_many_changes_counts_whole() {
    let hooked = Hooked::start();
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
    hooked.deliver(body.as_bytes());
    hooked.deliver(body.as_bytes());
    let contacts = hooked.contacts();
    assert_eq!(contacts.len(), 600);
    assert!(
        contacts
            .iter()
            .all(|contact| contact.last_inbound.as_deref() == Some("1739321024"))
    );
}

#[test]
fn the_same_first_message_delivered_many_times_at_once_makes_one_contact() {
    let hooked = Hooked::start();
    let body = payload("text_with_user_id");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            let (hooked, body) = (&hooked, &body);
            scope.spawn(move || {
                let signature = sign(SECRET, body);
                // Meta delivers again what is answered with 503.
                while hooked.post(&[("X-Hub-Signature-256", &signature)], body).status != 200 {}
            });
        }
    });
    let expected = Row {
        external_user_id: Some(USER_ID.to_owned()),
        ..sheena()
    };
    assert_eq!(hooked.contacts(), [expected]);
}

#[test]
fn a_message_counts_whatever_its_type() {
    let hooked = Hooked::start();
    let media = json!({"caption": "Taj Mahal", "mime_type": "image/jpeg", "id": "1003383421387256",
        "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI="});
    let context = json!({"from": "15550783881", "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MTE5MjVBOTE3MDk5QUVFM0YA"});
    // As Meta documents them: what a message has besides `from`, `id` and `timestamp`.
    let kinds = [
        json!({"type": "image", "image": media}),
        json!({"type": "document", "document": {"filename": "order.pdf", "mime_type": "application/pdf", "id": "1"}}),
        json!({"type": "audio", "audio": {"mime_type": "audio/ogg; codecs=opus", "id": "1", "voice": true}}),
        json!({"type": "sticker", "sticker": {"mime_type": "image/webp", "id": "1", "animated": false}}),
        json!({"type": "reaction", "reaction": {"message_id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgA=", "emoji": "\u{1F44D}"}}),
        json!({"type": "reaction", "reaction": {"message_id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgA="}}),
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
        hooked.deliver(delivery.to_string().as_bytes());
        let row = Row {
            phone: Some(format!("+{phone}")),
            ..sheena()
        };
        assert_eq!(hooked.contacts().get(index), Some(&row), "{kind}");
    }
    assert_eq!(hooked.contacts().len(), kinds.len());
}

#[test]
fn every_change_of_every_entry_is_read() {
    let hooked = Hooked::start();
    let change = |name: &str, phone: &str| -> Value {
        let text = String::from_utf8(payload(name)).unwrap().replace("16505551234", phone);
        serde_json::from_str::<Value>(&text).unwrap()["entry"][0]["changes"][0].clone()
    };
    hooked.app.add(Contact {
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
    hooked.deliver(delivery.to_string().as_bytes());
    let contacts = hooked.contacts();
    let heard: Vec<_> = contacts
        .iter()
        .map(|contact| (contact.phone.as_deref(), contact.last_inbound.is_some()))
        .collect();
    let expected = [
        ("+16505552004", false),
        ("+16505552001", true),
        ("+16505552002", true),
        ("+16505552003", true),
    ];
    assert_eq!(heard, expected.map(|(phone, is_inbound)| (Some(phone), is_inbound)));
    assert_eq!(contacts[0].last_message.as_deref(), Some("1739321030"));
}

#[test]
fn what_is_not_asked_for_may_be_any_json_and_what_cannot_be_read_leaves_the_rest() {
    let hooked = Hooked::start();
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
            hooked.deliver(text.replace(place, &beside).as_bytes());
            let case = strange.get(..20).unwrap_or(strange);
            assert_eq!(hooked.contacts(), [sheena()], "{case} at {place}");
            hooked.app.sql("DELETE FROM contacts");
        }
        let body = format!("\"body\": {strange}, \"was\":");
        hooked.deliver(text.replace("\"body\":", &body).as_bytes());
        assert_eq!(hooked.contacts(), [sheena()]);
        hooked.app.sql("DELETE FROM contacts");
        // Of what is asked for, a name may be missing, but neither the sender nor the time.
        let name = format!("\"name\": {strange}, \"was\":");
        hooked.deliver(text.replace("\"name\":", &name).as_bytes());
        assert_eq!(hooked.contacts(), [Row { name: None, ..sheena() }]);
        hooked.app.sql("DELETE FROM contacts");
        let timestamp = format!("\"timestamp\": {strange}, \"was\":");
        hooked.deliver(text.replace("\"timestamp\":", &timestamp).as_bytes());
        assert_eq!(hooked.contacts(), []);
    }
}

#[test]
fn nobody_is_made_of_a_placeholder_or_of_a_group() {
    let hooked = Hooked::start();
    let text = String::from_utf8(payload("text")).unwrap();
    for id in [
        "0",
        "00000000",
        "120363025246125486@g.us",
        "status@broadcast",
        "120363144038483540@newsletter",
    ] {
        hooked.deliver(text.replace("16505551234", id).as_bytes());
        assert_eq!(hooked.contacts(), [], "{id}");
    }
    hooked.deliver(text.replace("16505551234", "22395").as_bytes());
    assert_eq!(hooked.contacts().len(), 1, "a short code");
}

#[test]
fn a_webhook_reaches_its_own_clients_contacts_alone() {
    let hooked = Hooked::start();
    let mut connection = hooked.app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let theirs = Contact {
        phone: Some(PHONE),
        external_user_id: Some(USER_ID),
        ..Contact::default()
    };
    theirs.add(&mut connection, other);
    add_webhook(&hooked.app, other, "another secret".replace(' ', "-").as_str());
    hooked.deliver(&payload("text_with_user_id"));
    hooked.deliver(&payload("status_sent"));
    let contacts = hooked.contacts();
    assert_eq!(contacts.len(), 2);
    assert_eq!(
        (&contacts[0].name, &contacts[0].last_message),
        (&None, &None),
        "the other client's"
    );
    assert_eq!(contacts[1].last_message.as_deref(), Some("1739321030"));
    assert_eq!(
        hooked
            .app
            .get("/api/public/contacts/search?phone=6505551234")
            .ids()
            .len(),
        1
    );
}

#[test]
fn the_log_says_nothing_of_token_secret_phone_or_name() {
    let hooked = Hooked::start();
    let query = format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={}", hooked.token);
    hooked.app.server.get(&format!("{}?{query}", hooked.path), None);
    hooked.app.server.get(&format!("{}/?{query}", hooked.path), None);
    hooked.app.server.get(&format!("{}/more", hooked.path), None);
    hooked.app.server.send("PUT", &hooked.path, &[]);
    hooked.post(&[], &payload("text"));
    hooked.deliver(&payload("text_with_user_id"));
    hooked.deliver(b"{\"from\": \"16505551234\"");
    let ahead = (chrono::Utc::now().timestamp() + 3_600).to_string();
    let text = String::from_utf8(payload("text")).unwrap();
    hooked.deliver(text.replace("1739321024", &ahead).as_bytes());
    // A failure of the database has its own words, which name values at times.
    hooked
        .app
        .sql("ALTER TABLE contacts ADD CONSTRAINT canary CHECK (name IS NULL OR phone IS NULL) NOT VALID");
    hooked.app.sql("UPDATE contacts SET name = NULL");
    let later = text.replace("1739321024", "1739329999");
    let signature = sign(SECRET, later.as_bytes());
    assert_eq!(
        hooked
            .post(&[("X-Hub-Signature-256", &signature)], later.as_bytes())
            .status,
        500
    );

    let start = std::time::Instant::now();
    let log = loop {
        let log = hooked.app.server.log.lock().unwrap().clone();
        if log.matches("answered").count() >= 9 {
            break log;
        }
        assert!(start.elapsed().as_secs() < 10, "{log}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert!(
        log.contains("route=/webhooks/whatsapp/{token}") && log.contains("status=500"),
        "{log}"
    );
    assert!(
        log.contains("is no JSON") && log.contains("ahead of the database's clock"),
        "{log}"
    );
    for secret in [&hooked.token, SECRET, "6505551234", "Sheena", USER_ID, &signature[7..]] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None, "{secret}");
    }
}

#[test]
fn an_operator_makes_lists_and_deletes_a_webhook() {
    let app = TestApp::start();
    let run = |arguments: &[&str], input: &str| {
        let mut child = program()
            .args(arguments)
            .env("DATABASE_URL", app.database.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (succeeded, said, hint) = run(&["webhook", "create", "--client", "Test"], &format!("{SECRET}\n"));
    assert!(succeeded, "{hint}");
    let mut lines = said.lines();
    let path = lines
        .next()
        .and_then(|line| line.strip_prefix("Callback URL path: "))
        .expect("a path");
    let token = lines
        .next()
        .and_then(|line| line.strip_prefix("Verify token: "))
        .expect("a token");
    assert_eq!(lines.next(), None);
    assert!(!said.contains(SECRET) && !hint.contains(SECRET) && !hint.contains(token));

    let handshake = format!("{path}?hub.mode=subscribe&hub.challenge=77&hub.verify_token={token}");
    assert_eq!(app.server.get(&handshake, None).body, "77");
    let body = payload("text");
    let deliver = || {
        let headers = [("X-Hub-Signature-256", &*sign(SECRET, &body))];
        app.server.send_body("POST", path, &headers, &body).status
    };
    assert_eq!(deliver(), 200);

    let (_, list, _) = run(&["webhook", "list", "--client", "Test"], "");
    assert!(
        list.contains("Test") && !list.contains(token) && !list.contains(SECRET),
        "{list}"
    );
    let id = list
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').next())
        .expect("an id");
    assert_eq!(run(&["webhook", "delete", id], "").1, "Deleted.\n");
    assert_eq!((deliver(), app.server.get(&handshake, None).status), (404, 404));
    let (succeeded, _, complaint) = run(&["webhook", "delete", id], "");
    assert!(
        !succeeded && complaint.contains("contact-search webhook list"),
        "{complaint}"
    );

    for (client, input, expected) in [
        ("Test", "", "the app secret is empty"),
        ("Test", "two words", "without blanks"),
        ("Nobody", SECRET, "contact-search client list"),
    ] {
        let (succeeded, said, complaint) = run(&["webhook", "create", "--client", client], input);
        assert!(
            !succeeded && said.is_empty() && complaint.contains(expected),
            "{complaint}"
        );
        assert!(
            !complaint.contains("two words") && !complaint.contains(SECRET),
            "{complaint}"
        );
    }
    let (_, help, _) = run(&["webhook", "create", "--help"], "");
    assert!(
        help.contains("printf %s \"$APP_SECRET\" | contact-search webhook create --client Acme"),
        "{help}"
    );
}

#[test]
fn a_delivery_as_large_as_meta_makes_them_is_taken_whole() {
    let hooked = Hooked::start();
    // Of 3,000 senders each with a user id; the last hundred write twice.
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
    hooked.deliver(body.as_bytes());
    let contacts = hooked.contacts();
    assert_eq!(contacts.len(), 3000);
    let first = contacts
        .iter()
        .find(|row| row.external_user_id.as_deref() == Some("CL.0"));
    assert_eq!(first.unwrap().last_inbound.as_deref(), Some("1743174720"));
}
