//! `/api/v1/contacts/{id}`: one contact by either of its ids, which are the UUID that the search shows and the integer
//! that the lookup shows. `GET` shows all that the server knows of it, `PATCH` changes it, `DELETE` erases it for good.
//!
//! The members of a change: `name`, `phone`, `email`, `defaultStageId` (a UUID), `contactList` (the list's name; a
//! missing list is created), `chatStatus`, `blocked`, `isChatRead`. At least one of them is required, and unknown members
//! are ignored. `null` or a blank text clears one of the first four, as long as the contact keeps an external id, a
//! phone or an email. A phone that is not a valid number does not replace a better one: the answer is 400.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::json_schema;
use serde_json::json;

use super::contact_json::{Contact, member};
use crate::domain::contact_id::ContactId;
use crate::http::documentation::{self, Answer, Body, Documentation, In, NOT_BLANK, Parameter};
use crate::http::error::ApiError;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::contact_edit::{EditMembers, read_edit};
use crate::http::request::context::Caller;
use crate::http::state::State;
use crate::store::contacts::{self, EditRefusal};

/// The members that can be changed.
static MEMBERS: EditMembers = EditMembers {
    name_of: member,
    all: [
        "name",
        "phone",
        "email",
        "defaultStageId",
        "contactList",
        "chatStatus",
        "blocked",
        "isChatRead",
    ],
};

/// The path parameter that [`id_in_path`] reads.
const ID: Parameter = Parameter {
    place: In::Path,
    name: "id",
    description: "The contact's UUID, or the integer that the lookup calls `id`",
    is_required: true,
    schema: || json_schema!({ "type": "string", "example": "123" }),
};

pub const DETAILS: Documentation = Documentation {
    summary: "One contact by its UUID or its integer id, with all that the server knows of it",
    parameters: &[ID],
    body: None,
    answer: Answer::json("The contact", documentation::of::<Contact>),
    failures: &[404],
};

pub const CHANGE: Documentation = Documentation {
    summary: "Changes one contact, by its UUID or its integer id",
    parameters: &[ID],
    body: Some(Body::new(|_| {
        json_schema!({
            "type": "object",
            "properties": {
                "name": { "type": ["string", "null"], "maxLength": 512 },
                "phone": { "type": ["string", "null"], "pattern": r"\d|^\s*$", "maxLength": 256 },
                "email": { "type": ["string", "null"], "maxLength": 320 },
                "defaultStageId": { "type": ["string", "null"], "format": "uuid" },
                "contactList": { "type": "string", "pattern": NOT_BLANK, "maxLength": 200 },
                "chatStatus": { "type": "string", "pattern": NOT_BLANK, "maxLength": 64 },
                "blocked": { "type": "boolean" },
                "isChatRead": { "type": "boolean" },
            },
            "anyOf": MEMBERS.all.map(|name| json!({ "required": [name] })),
            "example": { "chatStatus": "ATTENDED", "isChatRead": true },
        })
    })),
    answer: Answer::json("The changed contact", documentation::of::<Contact>),
    failures: &[404, 409],
};

pub const ERASURE: Documentation = Documentation {
    summary: "Erases one contact for good, by its UUID or its integer id",
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

/// Answers with the contact. 404 if the client has no contact with this id.
pub async fn show_contact_by_id(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<Contact>, ApiError> {
    let id = id_in_path(&request)?;
    let Caller { client, start, .. } = caller;
    let details = state
        .lanes
        .reads
        .read(start, move |connection| {
            let Some(id) = contacts::find_uuid(connection, client, id)? else {
                return Ok(None);
            };
            contacts::find_details(connection, client, id)
        })
        .await?
        .ok_or(ApiError::NoContact)?;
    Ok(web::Json(Contact::from(details)))
}

/// Answers with the changed contact. 404 if the client has no contact with this id, 409 if another contact of the channel
/// has the new identity.
pub async fn edit_contact_by_id(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<Contact>, ApiError> {
    let id = id_in_path(&request)?;
    let Caller { client, region, start } = caller;
    let read = move |body: &_| read_edit(&Members::new(body)?, &MEMBERS, region);
    let edit = body::read_json(payload, state.lanes.writes.deadline(start), read).await?;
    let details = state
        .lanes
        .writes
        .run(start, move |connection| {
            let Some(id) = contacts::find_uuid(connection, client, id)? else {
                return Ok(Err(EditRefusal::NotFound));
            };
            contacts::edit_contact(connection, client, id, &edit, contacts::find_details)
        })
        .await??;
    Ok(web::Json(Contact::from(details)))
}

/// Answers 204, or 404 if the client has no contact with this id.
pub async fn delete_contact_by_id(
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
            let Some(id) = contacts::find_uuid(connection, client, id)? else {
                return Ok(false);
            };
            contacts::delete_contact(connection, client, id)
        })
        .await?;
    if was_there {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoContact)
    }
}

/// The contact's id in the request's path.
fn id_in_path(request: &HttpRequest) -> Result<ContactId, ApiError> {
    ContactId::parse(request.match_info().query("id")).ok_or(ApiError::NoContact)
}
