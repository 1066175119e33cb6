//! Deliveries about a person who changes the number, and with it the user id.

use serde_json::{Value, json};

use super::webhook::{Row, WebhookApp, delivery};

pub const OLD: &str = "+5491100040001";
pub const NEW: &str = "+5491100040002";
/// A time before every notice.
pub const EARLIER: &str = "now() - interval '3 hours'";
pub const NOT_FOUND: (bool, bool, bool) = (false, false, false);
pub const WINDOW_OPEN: (bool, bool, bool) = (true, true, true);

/// A delivery of one text message, sent `age` seconds ago.
pub fn text(from: Option<&str>, user_id: Option<&str>, age: u32) -> Value {
    let message = json!({"from": from, "from_user_id": user_id, "id": format!("wamid.{age}"),
        "timestamp": format!("@now-{age}"), "type": "text", "text": {"body": "hola"}});
    delivery("messages", "messages", json!([message]))
}

/// A delivery of one system message, sent 4,000 seconds ago by the old number.
pub fn notice(system: Value) -> Value {
    let message = json!({"from": "5491100040001", "id": "wamid.4000", "timestamp": "@now-4000", "type": "system",
        "system": system});
    delivery("messages", "messages", json!([message]))
}

pub fn changed_number() -> Value {
    notice(
        json!({"type": "user_changed_number", "body": "User Ana changed from 5491100040001 to 5491100040002",
        "wa_id": "5491100040002", "user_id": "AR.2002", "previous_user_id": "AR.1001"}),
    )
}

/// A notice that hides the new number.
pub fn hidden_number(former_user_id: Option<&str>) -> Value {
    notice(
        json!({"type": "user_changed_user_id", "body": "x", "user_id": "AR.2002", "previous_user_id": former_user_id}),
    )
}

/// Number and external id of each contact, oldest first.
pub fn ids(webhook: &WebhookApp) -> Vec<(Option<String>, Option<String>)> {
    let ids = |row: Row| (row.phone, row.external_user_id);
    webhook.contacts().into_iter().map(ids).collect()
}

pub fn id(phone: Option<&str>, external_user_id: Option<&str>) -> (Option<String>, Option<String>) {
    (phone.map(str::to_owned), external_user_id.map(str::to_owned))
}
