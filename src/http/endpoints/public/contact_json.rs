//! The JSON of a contact in `/api/public/…`, and the contact id in a path.

use actix_web::HttpRequest;
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::json;
use uuid::fmt::Hyphenated;
use uuid::{Uuid, uuid};

use crate::http::documentation::{Example, In, Parameter};
use crate::http::error::ApiError;
use crate::store::contacts::ContactRow;

/// A contact: one person on one channel.
// The 13 documented members, in the documented order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PublicContact {
    /// The contact's UUID. It never changes.
    pub id: Uuid,
    /// The contact's name; `null` if it is unknown.
    pub name: Option<String>,
    /// The phone: E.164 if the number is valid, else its digits. `null` if it is unknown.
    pub phone: Option<String>,
    /// The email; `null` if it is unknown.
    pub email: Option<String>,
    /// The channel, such as `whatsapp`.
    pub platform: String,
    /// The time of the latest message from or to the contact, in UTC with milliseconds; `null` before the first one.
    #[schemars(extend("format" = "date-time"))]
    pub last_message_at: Option<String>,
    /// The state of the chat, such as `ATTENDED` or `UNATTENDED`.
    pub chat_status: String,
    /// When the contact was created, in UTC with milliseconds.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// The UUID of the client, which is the organisation that the key belongs to.
    pub client_id: Uuid,
    /// A UUID that your own system has set; `null` if it has set none.
    pub ai_customer_id: Option<Uuid>,
    /// The UUID of the stage that your own system has set; `null` if it has set none.
    pub default_stage_id: Option<Uuid>,
    /// Whether the contact is blocked.
    pub blocked: bool,
    /// Whether the chat is read. A new message from the contact sets it to `false`.
    pub is_chat_read: bool,
}

impl PublicContact {
    /// The vendor's example.
    pub fn example() -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self {
            id: uuid!("df980fc8-b6db-4820-bf22-2969482d106d"),
            name: text("John Doe"),
            phone: text("+56912345678"),
            email: text("john@example.com"),
            platform: "whatsapp".to_owned(),
            last_message_at: text("2024-09-30T10:00:00.000Z"),
            chat_status: "ATTENDED".to_owned(),
            created_at: "2024-01-15T10:00:00.000Z".to_owned(),
            client_id: uuid!("0198c0de-0000-7000-8000-000000000000"),
            ai_customer_id: None,
            default_stage_id: None,
            blocked: false,
            is_chat_read: true,
        }
    }
}

/// The example of one contact.
pub const CONTACT: &[Example] = &[Example {
    name: "contact",
    summary: "A contact",
    value: || json!(PublicContact::example()),
}];

/// The example of a list of contacts.
pub const CONTACTS: &[Example] = &[Example {
    name: "contacts",
    summary: "One contact",
    value: || json!([PublicContact::example()]),
}];

impl From<ContactRow> for PublicContact {
    fn from(row: ContactRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            phone: row.phone,
            email: row.email,
            platform: row.platform,
            last_message_at: row.last_message_at.map(milliseconds),
            chat_status: row.chat_status,
            created_at: milliseconds(row.created_at),
            client_id: row.client_id,
            ai_customer_id: row.ai_customer_id,
            default_stage_id: row.default_stage_id,
            blocked: row.blocked,
            is_chat_read: row.is_chat_read,
        }
    }
}

/// RFC 3339 in UTC with three decimals and `Z`.
fn milliseconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The path parameter that [`id_in_path`] reads.
pub const ID: Parameter = Parameter {
    place: In::Path,
    name: "id",
    description: "The contact's UUID, with hyphens.",
    is_required: true,
    schema: || json_schema!({ "type": "string", "format": "uuid" }),
    example: || json!(PublicContact::example().id),
};

/// The contact's id in the request's path.
///
/// # Errors
/// [`ApiError::NoContact`] if the text is not a UUID of 36 characters with hyphens, since no contact has such an id.
pub fn id_in_path(request: &HttpRequest) -> Result<Uuid, ApiError> {
    let id = request.match_info().query("id");
    id.parse().map(Hyphenated::into_uuid).map_err(|_| ApiError::NoContact)
}
