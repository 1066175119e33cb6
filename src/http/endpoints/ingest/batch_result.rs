//! The outcome of one item of a write with many items: a contact or a message.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::http::error::BodyFault;

/// The outcome of one item. An item that cannot be written does not stop the others.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchResult {
    /// What happened to the contact.
    ///
    /// - `created`: it is new.
    /// - `updated`: it has changed.
    /// - `unchanged`: it already had these values, this message, or a later message.
    /// - `not_found`: no contact has this phone, external id or integer id. Only the result of a message has this status.
    /// - `error`: the item is invalid, and nothing of it was written.
    pub status: BatchStatus,
    /// The contact's UUID. Only in the results of contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Uuid")]
    pub id: Option<Uuid>,
    /// The contact's integer id, which the lookup calls `id`. Only in the results of contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub contact_id: Option<i64>,
    /// What was not written. Only present if the contact kept its phone, because it is better than the given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub warning: Option<&'static str>,
    /// An English sentence that says what to change. Only present if `status` is `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub error: Option<String>,
}

// Variants without a comment, so that the schema is an enum of plain texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum BatchStatus {
    Created,
    Updated,
    Unchanged,
    NotFound,
    Error,
}

/// The outcome of each item.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BatchResponse {
    /// One result per item, in the order of the request.
    pub results: Vec<BatchResult>,
}

impl From<BatchStatus> for BatchResult {
    fn from(status: BatchStatus) -> Self {
        Self {
            status,
            id: None,
            contact_id: None,
            warning: None,
            error: None,
        }
    }
}

impl From<BodyFault> for BatchResult {
    fn from(fault: BodyFault) -> Self {
        Self {
            error: Some(fault.english()),
            ..BatchStatus::Error.into()
        }
    }
}
