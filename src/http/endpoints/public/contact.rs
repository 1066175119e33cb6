//! One contact: `GET /api/public/contact/{id}/info` shows it, `PATCH /api/public/contact/{id}` changes it, `DELETE` erases
//! it for good.
//!
//! The members of a change: `name`, `phone`, `email`, `default_stage_id` (a UUID), `contact_list`
//! (the list's name; a missing list is created), `chat_status`, `blocked`, `is_chat_read`. They
//! have the same names as in the answer, which has no `contact_list`. At least one of these members is required, and
//! unknown members are ignored. An absent member leaves the contact's value as it is. `null` or a blank text clears one
//! of the first four, as long as the contact keeps an external id, a phone or an email. A phone is read for the
//! contact's platform. A phone that is not a valid number does not replace a better one: the answer is 400.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::json_schema;
use serde_json::json;

use super::contact_json::{ID, PublicContact, id_in_path};
use crate::domain::contact::Attribute;
use crate::http::documentation::{self, Answer, Body, Documentation, NOT_BLANK};
use crate::http::error::ApiError;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::contact_edit::{EditMembers, read_edit};
use crate::http::request::context::Caller;
use crate::http::state::State;
use crate::store::contacts;

/// The members that can be changed.
static MEMBERS: EditMembers = EditMembers {
    name_of: Attribute::name,
    all: [
        "name",
        "phone",
        "email",
        "default_stage_id",
        "contact_list",
        "chat_status",
        "blocked",
        "is_chat_read",
    ],
};

pub const INFO: Documentation = Documentation {
    summary: "One contact, by its UUID",
    parameters: &[ID],
    body: None,
    answer: Answer::json("The contact", documentation::of::<PublicContact>),
    failures: &[404],
};

pub const CHANGE: Documentation = Documentation {
    summary: "Changes one contact",
    parameters: &[ID],
    body: Some(Body::new(|_| {
        json_schema!({
            "type": "object",
            "properties": {
                "name": { "type": ["string", "null"], "maxLength": 512 },
                "phone": { "type": ["string", "null"], "pattern": r"\d|^\s*$", "maxLength": 256 },
                "email": { "type": ["string", "null"], "maxLength": 320 },
                "default_stage_id": { "type": ["string", "null"], "format": "uuid" },
                "contact_list": { "type": "string", "pattern": NOT_BLANK, "maxLength": 200 },
                "chat_status": { "type": "string", "pattern": NOT_BLANK, "maxLength": 64 },
                "blocked": { "type": "boolean" },
                "is_chat_read": { "type": "boolean" },
            },
            "anyOf": MEMBERS.all.map(|name| json!({ "required": [name] })),
            "example": { "chat_status": "ATTENDED", "is_chat_read": true },
        })
    })),
    answer: Answer::json("The changed contact", documentation::of::<PublicContact>),
    failures: &[404, 409],
};

pub const ERASURE: Documentation = Documentation {
    summary: "Erases one contact for good",
    parameters: &[ID],
    body: None,
    answer: Answer {
        status: 204,
        description: "The contact is erased",
        headers: &[],
        content: None,
    },
    failures: &[404],
};

/// Answers with the contact. 404 if the client has no contact with this id, or the id is not a UUID.
pub async fn show_contact(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<PublicContact>, ApiError> {
    let id = id_in_path(&request)?;
    let Caller { client, start, .. } = caller;
    let row = state
        .lanes
        .reads
        .read(start, move |connection| contacts::find_contact(connection, client, id))
        .await?
        .ok_or(ApiError::NoContact)?;
    Ok(web::Json(PublicContact::from(row)))
}

/// Answers with the changed contact. 404 if the client has no contact with this id, 409 if another contact of the channel
/// has the new identity.
pub async fn edit_contact(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<PublicContact>, ApiError> {
    let id = id_in_path(&request)?;
    let Caller { client, region, start } = caller;
    let read = move |body: &_| read_edit(&Members::new(body)?, &MEMBERS, region);
    let edit = body::read_json(payload, state.lanes.writes.deadline(start), read).await?;
    let row = state
        .lanes
        .writes
        .run(start, move |connection| {
            contacts::edit_contact(connection, client, id, &edit, contacts::find_contact)
        })
        .await??;
    Ok(web::Json(PublicContact::from(row)))
}

/// Answers 204, or 404 if the client has no contact with this id.
pub async fn delete_contact(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(&request)?;
    let Caller { client, start, .. } = caller;
    let was_there = state
        .lanes
        .writes
        .run(start, move |connection| {
            contacts::delete_contact(connection, client, id)
        })
        .await?;
    if was_there {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoContact)
    }
}
