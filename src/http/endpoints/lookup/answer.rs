//! The answer about one number, as the lookup's vendor documents it. The batch lookup has one for each number.

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::window;
use crate::http::documentation::Example;
use crate::store::lookup::LookupRow;

/// The contact behind a phone number, and its WhatsApp session window. The answer about an unknown number has the same
/// members.
// The members have the documented order.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactLookupResponse {
    /// `true` if the number reaches a contact of the client.
    pub found: bool,
    /// One of the contacts that the number reaches; `null` if there is none.
    pub contact: Option<LookupContact>,
    /// `true` if the contact ever sent a message, on any channel.
    pub has_replied: bool,
    /// The time of the contact's last message, in UTC and whole seconds; `null` if it never sent one.
    #[schemars(extend("format" = "date-time"))]
    pub last_reply_at: Option<String>,
    /// `true` if free text may be sent over WhatsApp now.
    pub session_window_active: bool,
    /// When the session window closes, in UTC and whole seconds; `null` if it is closed.
    #[schemars(extend("format" = "date-time"))]
    pub session_expires_at: Option<String>,
}

/// A contact, as the lookup shows it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupContact {
    /// The contact's integer id. It never changes.
    pub id: i64,
    /// The contact's name; `null` if it is unknown.
    pub full_name: Option<String>,
    /// The phone: E.164 if the number is valid, else its digits.
    pub phone: Option<String>,
    /// The email; `null` if it is unknown.
    pub email: Option<String>,
    /// The id of the contact list that the contact is in.
    pub contact_list_id: i64,
    /// The name of the contact list.
    pub contact_list_name: String,
    /// Where the contact comes from, such as `csv_import`, `whatsapp_sync`, `api`, `messages_api`, or a text of your own.
    pub source: Option<String>,
    /// When the contact was created, in UTC and whole seconds.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

/// The examples of a lookup.
pub const EXAMPLES: &[Example] = &[
    Example {
        name: "known",
        summary: "A contact has the number",
        value: || json!(ContactLookupResponse::example()),
    },
    Example {
        name: "unknown",
        summary: "No contact has the number, or the text is no phone number",
        value: || json!(ContactLookupResponse::default()),
    },
];

impl ContactLookupResponse {
    /// The vendor's example of a known number.
    pub fn example() -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self {
            found: true,
            contact: Some(LookupContact {
                id: 123,
                full_name: text("Juan Perez"),
                phone: text("+5492235961983"),
                email: text("juan@ejemplo.com"),
                contact_list_id: 5,
                contact_list_name: "Lista Principal".to_owned(),
                source: text("organic"),
                created_at: "2025-01-15T10:30:00Z".to_owned(),
            }),
            has_replied: true,
            last_reply_at: text("2025-03-28T14:22:00Z"),
            session_window_active: true,
            session_expires_at: text("2025-03-29T14:22:00Z"),
        }
    }
}

impl From<LookupRow> for ContactLookupResponse {
    fn from(row: LookupRow) -> Self {
        let LookupRow {
            contact,
            contact_list_name,
        } = row;
        let expires_at = window::expires_at(contact.window_inbound_at, contact.now);
        Self {
            found: true,
            has_replied: contact.any_inbound_at.is_some(),
            last_reply_at: contact.any_inbound_at.map(whole_seconds),
            session_window_active: expires_at.is_some(),
            session_expires_at: expires_at.map(whole_seconds),
            contact: Some(LookupContact {
                id: contact.serial_id,
                full_name: contact.name,
                phone: contact.phone,
                email: contact.email,
                contact_list_id: contact.contact_list_id,
                contact_list_name: (*contact_list_name).to_owned(),
                source: contact.source,
                created_at: whole_seconds(contact.created_at),
            }),
        }
    }
}

/// RFC 3339 in UTC with `Z`, truncated to whole seconds.
fn whole_seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
