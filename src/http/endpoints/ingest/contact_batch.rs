//! `POST /api/v1/contacts/`: up to 1,000 contacts in one call, with the fields of the import.
//!
//! The body is `{"contacts":[…]}`, or the array alone. [`ContactItem`] describes an item.

use std::mem;

use actix_web::web;
use schemars::JsonSchema;
use serde_json::json;
use serde_json::value::RawValue;
use uuid::uuid;

use super::batch_result::{BatchResponse, BatchResult, BatchStatus};
use super::contact_json::member;
use crate::domain::contact::{Attribute, ContactError, ContactFields, DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Region, StoredPhone};
use crate::http::documentation::{self, Answer, Body, Documentation, Example, OptionalUuid, Tag};
use crate::http::error::{ApiError, BodyFault};
use crate::http::metrics::Write;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::ITEMS_MAX;
use crate::http::state::State;
use crate::store::contacts::{self, UpsertOutcome, Upserted};

/// Contacts to create or update.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_items` reads the body, with an error for each fault"
)]
struct ContactBatchRequest {
    /// The contacts. They are written in this order.
    #[schemars(length(max = ITEMS_MAX))]
    contacts: Vec<ContactItem>,
}

/// One of the contacts to create or update. Give at least one of `externalUserId`, `phone` and `email`. An absent
/// member, `null` and a blank text leave the contact's value as it is. Other members are ignored.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_item` reads the members, with an error for each fault"
)]
struct ContactItem {
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

/// The warning of an item whose phone was not written.
const PHONE_KEPT: &str = "The member 'phone' is not a valid number, so the contact kept its own, which is better.";

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Create or update many contacts",
    description: "Creates or updates up to 1,000 contacts in order, and reports one result for each. An item that cannot \
        be written does not stop the others. The body may also be the array alone. If a call ends with 503 or 504, some \
        items may be written. The same call again writes the rest.",
    parameters: &[],
    body: Some(Body::new(
        documentation::of::<ContactBatchRequest>,
        &[Example {
            name: "two",
            summary: "A contact, and one that nothing identifies",
            value: || {
                json!({ "contacts": [
                    {
                        "platform": "whatsapp", "phone": "+5491123456789", "chatStatus": "ATTENDED",
                        "lastMessageAt": "2025-03-28T14:22:00Z",
                    },
                    { "name": "Nobody" },
                ] })
            },
        }],
    )),
    answer: Answer::json(
        "One result per item, in the order of the request. Items that failed have one too.",
        documentation::of::<BatchResponse>,
        &[Example {
            name: "two",
            summary: "An updated contact, and an item that nothing identifies",
            value: || {
                let updated = BatchResult {
                    id: Some(uuid!("0198c0de-0000-7000-8000-000000000000")),
                    contact_id: Some(123),
                    ..BatchStatus::Updated.into()
                };
                let results = vec![updated, BodyFault::NoIdentity { names: IDENTITIES }.into()];
                json!(BatchResponse { results })
            },
        }],
    ),
    failures: || {
        let name = "contacts";
        let faults = [BodyFault::Missing { name }, BodyFault::TooMany { name, max: ITEMS_MAX }];
        faults.map(ApiError::Body).into()
    },
};

/// The members of which an item needs at least one.
const IDENTITIES: &str = "'externalUserId', 'phone' or 'email'";

/// Answers 200 with one result per item, including those that failed.
pub async fn upsert_contacts(
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<BatchResponse>, ApiError> {
    let Caller { client, region, start } = caller;
    let deadline = state.lanes.bulk.deadline(start);
    let (contacts, faults) = body::read_json(payload, deadline, move |body| read_contacts(body, region)).await?;
    let mut written = Vec::with_capacity(contacts.len());
    let written = state
        .lanes
        .bulk
        .run(client, start, move |connection| {
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
    Ok(web::Json(BatchResponse { results }))
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

impl From<Result<Upserted, ContactError>> for BatchResult {
    fn from(outcome: Result<Upserted, ContactError>) -> Self {
        match outcome {
            Ok(upserted) => {
                let status = match upserted.outcome {
                    UpsertOutcome::Created => BatchStatus::Created,
                    UpsertOutcome::Updated => BatchStatus::Updated,
                    UpsertOutcome::Unchanged => BatchStatus::Unchanged,
                };
                Self {
                    id: Some(upserted.id),
                    contact_id: Some(upserted.serial_id),
                    warning: upserted.keeps_phone.then_some(PHONE_KEPT),
                    ..status.into()
                }
            }
            Err(error) => body::fault_of(&error, member, IDENTITIES).into(),
        }
    }
}
