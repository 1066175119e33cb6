//! `POST /api/v1/contacts/`: up to 1,000 contacts in one call, with the fields of the import.
//!
//! The body is `{"contacts":[…]}`, or the array alone. [`ContactItem`] describes an item.

use std::mem;

use actix_web::web;
use schemars::JsonSchema;
use serde_json::json;
use uuid::uuid;

use super::batch_result::{BatchResponse, BatchResult, BatchStatus};
use super::contact_item::{ContactItem, IDENTITIES, read_contacts};
use super::contact_json::member;
use crate::domain::contact::ContactError;
use crate::http::documentation::{self, Answer, Body, Documentation, Example, Tag};
use crate::http::error::{ApiError, BodyFault};
use crate::http::metrics::Write;
use crate::http::request::body::{self, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::ITEMS_MAX;
use crate::http::state::State;
use crate::store::contacts::{self, UpsertOutcome, Upserted};

/// Contacts to create or update.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_contacts` reads the body, with an error for each fault"
)]
struct ContactBatchRequest {
    /// The contacts. They are written in this order.
    #[schemars(length(max = ITEMS_MAX))]
    contacts: Vec<ContactItem>,
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
