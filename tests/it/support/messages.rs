//! Calls of `POST /api/v1/messages/`, and the stored state.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz};
use serde_json::{Value, json};

use super::{Answer, Contact, TestApp};

pub fn post(app: &TestApp, key: &str, body: &Value) -> Answer {
    let headers = [("X-API-Key", key), ("Content-Type", "application/json")];
    app.server
        .send_body("POST", "/api/v1/messages/", &headers, body.to_string().as_bytes())
}

/// Sends a valid message, and returns the status in the answer.
pub fn status(app: &TestApp, body: &Value) -> String {
    let answer = post(app, &app.key, body);
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    let answer = answer.json();
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["status"].as_str().expect("a status").to_owned()
}

/// The status of each message of an array.
pub fn statuses(app: &TestApp, messages: &[Value]) -> Vec<String> {
    let answer = post(app, &app.key, &json!(messages));
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json()["results"].clone();
    let results = results.as_array().expect("an array").iter();
    results
        .map(|result| result["status"].as_str().expect("a status").to_owned())
        .collect()
}

pub fn message(phone: &str, direction: &str, sent_at: &str) -> Value {
    json!({"platform": "whatsapp", "phone": phone, "direction": direction, "sentAt": sent_at})
}

/// The columns of a contact that messages change.
#[derive(Clone, PartialEq, Eq, Debug, QueryableByName)]
pub struct State {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_inbound_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    pub is_chat_read: bool,
    #[diesel(sql_type = Text)]
    pub chat_status: String,
}

pub fn state(app: &TestApp, id: &str) -> State {
    diesel::sql_query(format!(
        "SELECT last_message_at, last_inbound_at, is_chat_read, chat_status FROM contacts WHERE id = '{id}'"
    ))
    .get_result(&mut app.database.connect())
    .expect("the contact exists")
}

/// Adds a contact whose chat is read and attended.
pub fn attended(app: &TestApp, contact: Contact<'_>) -> String {
    let id = app.add(contact).id;
    app.sql(&format!(
        "UPDATE contacts SET chat_status = 'ATTENDED' WHERE id = '{id}'"
    ));
    id
}
