//! A server with a WhatsApp webhook, and deliveries as Meta sends them.
//!
//! The deliveries in `tests/data/whatsapp` have the shape that Meta documents.

use contact_search::domain::client::ClientId;
use contact_search::domain::webhook::{AppSecret, Token};
use contact_search::store::{StoreError, webhooks};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::app::encode;
use super::{Answer, TestApp};

pub const SECRET: &str = "00112233445566778899aabbccddeeff";
pub const PHONE: &str = "+16505551234";
pub const USER_ID: &str = "US.13491208655302741918";

pub fn payload(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/whatsapp/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A delivery with one change. Its `value` has the members that every change has, and the given member.
pub fn delivery(field: &str, member: &str, items: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
    });
    value[member] = items;
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": field, "value": value}]}],
    })
}

/// The body of a delivery. `"@now-3000"` stands for the Unix time 3,000 seconds ago.
pub fn live(delivery: &Value) -> String {
    let text = delivery.to_string();
    let mut parts = text.split("\"@now-");
    let mut body = parts.next().expect("the first part").to_owned();
    for part in parts {
        let (age, rest) = part.split_once('"').expect("the end of the time");
        let age: i64 = age.parse().expect("seconds");
        body += &format!("\"{}\"{rest}", chrono::Utc::now().timestamp() - age);
    }
    body
}

/// Meta's signature header of a body: the HMAC with the app's secret.
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
pub struct WebhookApp {
    pub app: TestApp,
    pub path: String,
    pub token: String,
}

impl WebhookApp {
    pub fn start() -> Self {
        let app = TestApp::start();
        let token = add_webhook(&app, app.client, SECRET);
        let path = format!("/webhooks/whatsapp/{token}");
        Self { app, path, token }
    }

    pub fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.app.server.send_body("POST", &self.path, headers, body)
    }

    /// Delivers a signed body, and expects that the server accepts it.
    pub fn deliver(&self, body: &[u8]) {
        let headers = [
            ("X-Hub-Signature-256", &*sign(SECRET, body)),
            ("Content-Type", "application/json"),
        ];
        let answer = self.post(&headers, body);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
    }

    /// Delivers all deliveries of the file, which has an array. `"@now-3000"` stands for the Unix time 3,000 seconds
    /// ago.
    pub fn deliver_all(&self, name: &str) {
        let text = String::from_utf8(payload(name)).expect("the file is text");
        let deliveries: Vec<Value> = serde_json::from_str(&text).expect("the file is an array");
        for delivery in deliveries {
            self.deliver_live(&delivery);
        }
    }

    /// Delivers a delivery with times such as `"@now-3000"`.
    pub fn deliver_live(&self, delivery: &Value) {
        self.deliver(live(delivery).as_bytes());
    }

    /// The lookup of a number: whether it is found, whether it has replied, and whether the window is open.
    pub fn lookup(&self, phone: &str) -> (bool, bool, bool) {
        let answer = self
            .app
            .get(&format!("/api/v1/contact-lookup/?phone={}", encode(phone)));
        let answer = answer.json();
        ["found", "hasReplied", "sessionWindowActive"]
            .map(|name| answer[name].as_bool().expect("true or false"))
            .into()
    }

    /// All contacts, oldest first.
    pub fn contacts(&self) -> Vec<Row> {
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

pub fn add_webhook(app: &TestApp, client: ClientId, secret: &str) -> String {
    let token = Token::generate().unwrap();
    let secret = AppSecret::parse(secret).unwrap();
    webhooks::add_webhook(&mut app.database.connect(), client, &token, &secret, || {
        Ok::<_, StoreError>(())
    })
    .unwrap();
    token.reveal().to_owned()
}

#[derive(Clone, PartialEq, Eq, Debug, QueryableByName)]
pub struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub external_user_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub platform: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<String>,
    #[diesel(sql_type = Bool)]
    pub is_chat_read: bool,
    #[diesel(sql_type = Text)]
    pub chat_status: String,
    /// Unix seconds as text.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub last_inbound: Option<String>,
}

/// The contact that the first delivery of `text.json` creates.
pub fn sheena() -> Row {
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
