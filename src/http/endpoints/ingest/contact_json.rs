//! The JSON of a contact in `/api/v1/contacts/…`: its members, and their names.

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::{Uuid, uuid};

use crate::domain::contact::Attribute;
use crate::store::contacts::ContactDetails;

/// A contact with all that the server knows of it. Times are UTC with milliseconds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The contact's UUID, which the search calls `id`. It never changes.
    pub id: Uuid,
    /// The contact's integer id, which the lookup calls `id`. It never changes.
    pub contact_id: i64,
    /// The contact's name; `null` if it is unknown.
    pub name: Option<String>,
    /// The phone: E.164 if the number is valid, else its digits. `null` if it is unknown.
    pub phone: Option<String>,
    /// The email; `null` if it is unknown.
    pub email: Option<String>,
    /// The channel, such as `whatsapp`.
    pub platform: String,
    /// Where the contact comes from, such as `csv_import`, `whatsapp_sync`, `api`, `messages_api`, or a text of your own.
    pub source: Option<String>,
    /// The state of the chat, such as `ATTENDED` or `UNATTENDED`.
    pub chat_status: String,
    /// Whether the contact is blocked.
    pub blocked: bool,
    /// Whether the chat is read. A new message from the contact sets it to `false`.
    pub is_chat_read: bool,
    /// When the contact was created.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// The time of the latest message from or to the contact; `null` before the first one.
    #[schemars(extend("format" = "date-time"))]
    pub last_message_at: Option<String>,
    /// The time of the latest message from the contact; `null` before the first one.
    #[schemars(extend("format" = "date-time"))]
    pub last_inbound_at: Option<String>,
    /// The name of the contact list that the contact is in.
    pub contact_list: String,
    /// The channel's own id of the person; `null` if it is unknown.
    pub external_user_id: Option<String>,
    /// The UUID of the stage that your own system has set; `null` if it has set none.
    pub default_stage_id: Option<Uuid>,
    /// A UUID that your own system has set; `null` if it has set none.
    pub ai_customer_id: Option<Uuid>,
}

impl Contact {
    /// The example of the documentation.
    pub fn example() -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self {
            id: uuid!("df980fc8-b6db-4820-bf22-2969482d106d"),
            contact_id: 123,
            name: text("Juan Perez"),
            phone: text("+5492235961983"),
            email: text("juan@ejemplo.com"),
            platform: "whatsapp".to_owned(),
            source: text("organic"),
            chat_status: "ATTENDED".to_owned(),
            blocked: false,
            is_chat_read: true,
            created_at: "2025-01-15T10:30:00.000Z".to_owned(),
            last_message_at: text("2025-03-28T14:22:00.000Z"),
            last_inbound_at: text("2025-03-28T14:22:00.000Z"),
            contact_list: "Lista Principal".to_owned(),
            external_user_id: None,
            default_stage_id: None,
            ai_customer_id: None,
        }
    }
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
