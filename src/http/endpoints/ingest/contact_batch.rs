//! `POST /api/v1/contacts/`: up to 1,000 contacts in one call, with the fields of the import.
//!
//! The body is `{"contacts":[…]}`, or the array alone. An item's members: `name`, `phone`, `email`, `platform`,
//! `source`, `chatStatus`, `blocked`, `isChatRead`, `createdAt`, `lastMessageAt`, `lastInboundAt`, `contactList`,
//! `externalUserId`, `defaultStageId`, `aiCustomerId` (the last two are UUIDs). At least one of `externalUserId`, `phone`
//! and `email` is required. A phone that is not a valid number does not replace a better one. The item's result then
//! has a `warning`. An absent member, `null` and a blank text leave the contact's value as it is. Times are RFC 3339.

use std::mem;

use actix_web::web;
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::contact::{Attribute, ContactError, ContactFields, DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Region, StoredPhone};
use crate::http::documentation::{self, Answer, Body, Documentation};
use crate::http::error::{ApiError, BodyFault};
use crate::http::metrics::Write;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::ITEMS_MAX;
use crate::http::state::State;
use crate::store::contacts::{self, UpsertOutcome, Upserted};

/// The outcome of each item, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactBatchResponse {
    pub results: Vec<ContactBatchResult>,
}

/// The outcome of one item. Items about the same contact are written one after the other.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum ContactBatchResult {
    Created(ContactBatchIds),
    Updated(ContactBatchIds),
    /// The contact had all of these values already.
    Unchanged(ContactBatchIds),
    /// The item is not written. The others are.
    Error {
        error: String,
    },
}

/// Both ids of a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactBatchIds {
    pub id: Uuid,
    /// The integer that the lookup calls `id`.
    pub contact_id: i64,
    /// What was not written. Only present if the contact kept its phone, because it is better than the given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

/// The warning of an item whose phone was not written.
const PHONE_KEPT: &str = "The member 'phone' is not a valid number, so the contact kept its own, which is better.";

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "Creates or updates up to a thousand contacts",
    parameters: &[],
    body: Some(Body::new(|_| {
        let text = |max: usize| serde_json::json!({ "type": ["string", "null"], "maxLength": max });
        let time = serde_json::json!({ "type": ["string", "null"], "format": "date-time" });
        let uuid = serde_json::json!({ "type": ["string", "null"], "format": "uuid" });
        let contact = serde_json::json!({
            "type": "object",
            "properties": {
                "name": text(512), "phone": text(256), "email": text(320), "externalUserId": text(256),
                "platform": text(64), "source": text(64), "chatStatus": text(64), "contactList": text(200),
                "blocked": { "type": ["boolean", "null"] }, "isChatRead": { "type": ["boolean", "null"] },
                "createdAt": time, "lastMessageAt": time, "lastInboundAt": time,
                "defaultStageId": uuid, "aiCustomerId": uuid,
            },
        });
        let contacts = serde_json::json!({ "type": "array", "maxItems": ITEMS_MAX, "items": contact });
        json_schema!({
            "anyOf": [
                { "type": "object", "required": ["contacts"], "properties": { "contacts": contacts } },
                contacts,
            ],
            "example": { "contacts": [{ "platform": "whatsapp", "phone": "+56912345678", "name": "John Doe" }] },
        })
    })),
    answer: Answer::json(
        "One result per item, in the order of the request",
        documentation::of::<ContactBatchResponse>,
    ),
    failures: &[],
};

/// Answers 200 with one result per item, including those that failed.
pub async fn upsert_contacts(
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<ContactBatchResponse>, ApiError> {
    let Caller { client, region, start } = caller;
    let deadline = state.lanes.bulk.deadline(start);
    let (contacts, faults) = body::read_json(payload, deadline, move |body| read_contacts(body, region)).await?;
    let mut written = Vec::with_capacity(contacts.len());
    let written = state
        .lanes
        .bulk
        .run(start, move |connection| {
            contacts::upsert_contacts(connection, client, &contacts, &mut written, deadline.into_std())?;
            Ok(mem::take(&mut written))
        })
        .await?;
    let kept = written.iter().flatten().filter(|upserted| upserted.keeps_phone).count();
    state.metrics.count_kept_phones(Write::BatchItem, kept);
    let mut written = written.into_iter();
    let result = |fault: Option<BodyFault>| match fault {
        Some(fault) => fault.into(),
        None => written.next().expect("every readable item has an outcome").into(),
    };
    let results = faults.into_iter().map(result).collect();
    Ok(web::Json(ContactBatchResponse { results }))
}

/// The readable contacts, and for each item of the request its fault or `None`.
fn read_contacts(body: &RawValue, region: Region) -> Result<(Vec<ContactFields>, Vec<Option<BodyFault>>), BodyFault> {
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

/// This API's name of an attribute.
fn member(attribute: Attribute) -> &'static str {
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

impl From<Result<Upserted, ContactError>> for ContactBatchResult {
    fn from(outcome: Result<Upserted, ContactError>) -> Self {
        match outcome {
            Ok(upserted) => {
                let ids = ContactBatchIds {
                    id: upserted.id,
                    contact_id: upserted.serial_id,
                    warning: upserted.keeps_phone.then_some(PHONE_KEPT),
                };
                match upserted.outcome {
                    UpsertOutcome::Created => Self::Created(ids),
                    UpsertOutcome::Updated => Self::Updated(ids),
                    UpsertOutcome::Unchanged => Self::Unchanged(ids),
                }
            }
            Err(error) => body::fault_of(&error, member, "'externalUserId', 'phone' or 'email'").into(),
        }
    }
}

impl From<BodyFault> for ContactBatchResult {
    fn from(fault: BodyFault) -> Self {
        Self::Error { error: fault.english() }
    }
}
