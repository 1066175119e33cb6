//! The JSON of a contact in `/api/v1/contacts/…`: its members, and their names.

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::contact::Attribute;
use crate::store::contacts::ContactDetails;

/// One contact with all that the server knows of it. Times are UTC with milliseconds: `2024-09-30T10:00:00.000Z`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The UUID that the search calls `id`.
    pub id: Uuid,
    /// The integer that the lookup calls `id`.
    pub contact_id: i64,
    pub name: Option<String>,
    /// E.164 if the number is valid, else its digits.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub platform: String,
    pub source: Option<String>,
    pub chat_status: String,
    pub blocked: bool,
    pub is_chat_read: bool,
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// `null` before the first message.
    #[schemars(extend("format" = "date-time"))]
    pub last_message_at: Option<String>,
    /// `null` before the first message from the contact.
    #[schemars(extend("format" = "date-time"))]
    pub last_inbound_at: Option<String>,
    /// The list's name.
    pub contact_list: String,
    pub external_user_id: Option<String>,
    pub default_stage_id: Option<Uuid>,
    pub ai_customer_id: Option<Uuid>,
}

impl From<ContactDetails> for Contact {
    fn from(details: ContactDetails) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        Self {
            id: details.id,
            contact_id: details.serial_id,
            name: details.name,
            phone: details.phone,
            email: details.email,
            platform: details.platform,
            source: details.source,
            chat_status: details.chat_status,
            blocked: details.blocked,
            is_chat_read: details.is_chat_read,
            created_at: text(details.created_at),
            last_message_at: details.last_message_at.map(text),
            last_inbound_at: details.last_inbound_at.map(text),
            contact_list: details.contact_list,
            external_user_id: details.external_user_id,
            default_stage_id: details.default_stage_id,
            ai_customer_id: details.ai_customer_id,
        }
    }
}

/// This API's name of an attribute.
pub const fn member(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Name => "name",
        Attribute::Phone => "phone",
        Attribute::Email => "email",
        Attribute::Platform => "platform",
        Attribute::Source => "source",
        Attribute::ChatStatus => "chatStatus",
        Attribute::Blocked => "blocked",
        Attribute::IsChatRead => "isChatRead",
        Attribute::CreatedAt => "createdAt",
        Attribute::LastMessageAt => "lastMessageAt",
        Attribute::LastInboundAt => "lastInboundAt",
        Attribute::ContactList => "contactList",
        Attribute::ExternalUserId => "externalUserId",
        Attribute::DefaultStageId => "defaultStageId",
        Attribute::AiCustomerId => "aiCustomerId",
    }
}
