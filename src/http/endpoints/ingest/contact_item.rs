//! A contact in the body of a call with many contacts.

use schemars::JsonSchema;
use serde_json::value::RawValue;

use super::contact_json::member;
use crate::domain::contact::{Attribute, ContactFields, DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Region, StoredPhone};
use crate::http::documentation::OptionalUuid;
use crate::http::error::BodyFault;
use crate::http::request::body::{self, Members};
use crate::http::request::limits::ITEMS_MAX;

/// One of the contacts to create or update. Give at least one of `externalUserId`, `phone` and `email`. An absent
/// member, `null` and a blank text leave the contact's value as it is. Other members are ignored.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_item` reads the members, with an error for each fault"
)]
pub struct ContactItem {
    /// The name.
    #[schemars(length(max = 512))]
    name: Option<String>,
    /// The phone in any notation. A phone that is not a valid number does not replace a valid one. The result then has
    /// a `warning`.
    #[schemars(length(max = 256))]
    phone: Option<String>,
    /// The email. A placeholder such as `n/a` counts as blank.
    #[schemars(length(max = 320))]
    email: Option<String>,
    /// The channel's own id of the person.
    #[schemars(length(max = 256))]
    external_user_id: Option<String>,
    /// The channel, such as `whatsapp`, in any case of its letters. Without it the contact is on the channel `other`.
    #[schemars(length(max = 64))]
    platform: Option<String>,
    /// Where the contact comes from: a text of your own.
    #[schemars(length(max = 64))]
    source: Option<String>,
    /// The state of the chat, such as `ATTENDED` or `UNATTENDED`.
    #[schemars(length(max = 64))]
    chat_status: Option<String>,
    /// The name of the contact list. A list that does not exist is created.
    #[schemars(length(max = 200))]
    contact_list: Option<String>,
    /// Whether the contact is blocked.
    blocked: Option<bool>,
    /// Whether the chat is read.
    is_chat_read: Option<bool>,
    /// When the contact was created. Counts only for a new contact.
    #[schemars(extend("format" = "date-time"))]
    created_at: Option<String>,
    /// The time of the latest message from or to the contact. It only moves forward.
    #[schemars(extend("format" = "date-time"))]
    last_message_at: Option<String>,
    /// The time of the latest message from the contact. It only moves forward.
    #[schemars(extend("format" = "date-time"))]
    last_inbound_at: Option<String>,
    /// The UUID of a stage of your own system.
    #[serde(default)]
    default_stage_id: OptionalUuid,
    /// A UUID of your own system.
    #[serde(default)]
    ai_customer_id: OptionalUuid,
}

/// The members of which an item needs at least one.
pub const IDENTITIES: &str = "'externalUserId', 'phone' or 'email'";

/// The readable contacts, and for each item of the request its fault or `None`.
pub fn read_contacts(
    body: &RawValue,
    region: Region,
) -> Result<(Vec<ContactFields>, Vec<Option<BodyFault>>), BodyFault> {
    let mut contacts = Vec::new();
    let faults = read_items(body)?
        .into_iter()
        .map(|item| read_item(item, region).map(|item| contacts.push(item)).err())
        .collect();
    Ok((contacts, faults))
}

fn read_items(value: &RawValue) -> Result<Vec<&RawValue>, BodyFault> {
    let name = "contacts";
    let items = match body::items(value) {
        Some(items) => items,
        None => Members::new(value)?.array(name)?.ok_or(BodyFault::Missing { name })?,
    };
    if items.len() > ITEMS_MAX {
        return Err(BodyFault::TooMany { name, max: ITEMS_MAX });
    }
    Ok(items)
}

fn read_item(item: &RawValue, region: Region) -> Result<ContactFields, BodyFault> {
    let members = Members::new(item)?;
    let text = |attribute| members.text(member(attribute));
    let flag = |attribute| members.flag(member(attribute));
    let time = |attribute| members.time(member(attribute));
    let uuid = |attribute| members.uuid(member(attribute));
    let platform = text(Attribute::Platform)?.map(|platform| platform_name(&platform));
    let stored = |phone: String| StoredPhone::read(&phone, region, platform.as_deref().unwrap_or(DEFAULT_PLATFORM));
    Ok(ContactFields {
        name: text(Attribute::Name)?,
        phone: text(Attribute::Phone)?.map(stored),
        email: text(Attribute::Email)?,
        platform,
        source: text(Attribute::Source)?,
        chat_status: text(Attribute::ChatStatus)?,
        blocked: flag(Attribute::Blocked)?,
        is_chat_read: flag(Attribute::IsChatRead)?,
        created_at: time(Attribute::CreatedAt)?,
        last_message_at: time(Attribute::LastMessageAt)?,
        last_inbound_at: time(Attribute::LastInboundAt)?,
        contact_list: text(Attribute::ContactList)?,
        external_user_id: text(Attribute::ExternalUserId)?,
        default_stage_id: uuid(Attribute::DefaultStageId)?,
        ai_customer_id: uuid(Attribute::AiCustomerId)?,
    })
}
