//! The JSON of a contact in `/api/public/…`, and the contact id in a path.

use actix_web::HttpRequest;
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::http::documentation::{In, Parameter};
use crate::http::error::ApiError;
use crate::store::contacts::ContactRow;

/// One contact, with the 13 documented members in the documented order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PublicContact {
    pub id: Uuid,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub platform: String,
    /// Milliseconds, UTC: `2024-09-30T10:00:00.000Z`; `null` before the first message.
    #[schemars(extend("format" = "date-time"))]
    pub last_message_at: Option<String>,
    pub chat_status: String,
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    pub client_id: Uuid,
    pub ai_customer_id: Option<Uuid>,
    pub default_stage_id: Option<Uuid>,
    pub blocked: bool,
    pub is_chat_read: bool,
}

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
    description: "The contact's UUID",
    is_required: true,
    schema: || json_schema!({ "type": "string", "format": "uuid", "example": "df980fc8-b6db-4820-bf22-2969482d106d" }),
};

/// The contact's id in the request's path.
///
/// # Errors
/// [`ApiError::NoContact`] if the text is not a UUID of 36 characters with hyphens, since no contact has such an id.
pub fn id_in_path(request: &HttpRequest) -> Result<Uuid, ApiError> {
    let id = request.match_info().query("id");
    id.parse().map(Hyphenated::into_uuid).map_err(|_| ApiError::NoContact)
}
