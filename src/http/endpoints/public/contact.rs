//! `PATCH` and `DELETE /api/public/contact/{id}`: changes one contact, or erases it for good.
//!
//! The members of a change are called as in the answers: `name`, `phone`, `email`, `default_stage_id` (a UUID),
//! `contact_list` (the list's name; it is made where there is none), `chat_status`, `blocked`, `is_chat_read`. An
//! absent one leaves what is there. `null` or a blank text clears the first four, as long as something is left that
//! says who the contact is: its external id, phone or email. Others are ignored, but one of these has to be there.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::json_schema;
use serde_json::json;

use super::contact_json::{ID, PublicContact, id_in_path};
use crate::domain::contact::{Attribute, Changes, ContactEdit};
use crate::domain::phone::{Region, StoredPhone};
use crate::http::error::{ApiError, BodyFault};
use crate::http::openapi::{self, Body, Content, Documentation, NOT_BLANK};
use crate::http::request::body::{self, Members};
use crate::http::request::context::{Caller, RequestContext};
use crate::http::state::State;
use crate::store::contacts::{self, EditError};

/// What can be changed.
const MEMBERS: [&str; 8] = [
    "name",
    "phone",
    "email",
    "default_stage_id",
    "contact_list",
    "chat_status",
    "blocked",
    "is_chat_read",
];

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
            "anyOf": MEMBERS.map(|name| json!({ "required": [name] })),
            "example": { "chat_status": "ATTENDED", "is_chat_read": true },
        })
    })),
    answer: (200, Some(Content::Json(openapi::of::<PublicContact>))),
    failures: &[404, 409],
};

pub const ERASURE: Documentation = Documentation {
    summary: "Erases one contact for good",
    parameters: &[ID],
    body: None,
    answer: (204, None),
    failures: &[404],
};

/// Answers with the contact as it is then; 404 where the client has none of that id, 409 where another contact of the
/// channel is identified by what this one would be.
pub async fn edit_contact(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(&request)?;
    let start = RequestContext::of(&request).start;
    let body = body::read_json(payload, state.writes.deadline(start)).await?;
    let edit = read_edit(&Members::new(&body)?, caller.region)?;
    let client = caller.client;
    let edited = state
        .writes
        .run(start, move |connection| {
            match contacts::edit_contact(connection, client, id, &edit) {
                Err(EditError::Store(error)) => Err(error),
                other => Ok(other),
            }
        })
        .await?;
    let row = edited.map_err(|error| match error {
        EditError::NotFound => ApiError::NoContact,
        EditError::NoIdentity => BodyFault::IdentityLost.into(),
        EditError::Taken(_) => ApiError::IdentityTaken,
        EditError::Store(error) => error.into(),
    })?;
    Ok(HttpResponse::Ok().json(PublicContact::from(row)))
}

/// Answers 204 where the contact was there, else 404.
pub async fn delete_contact(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(&request)?;
    let client = caller.client;
    let start = RequestContext::of(&request).start;
    let was_there = state
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

fn read_edit(members: &Members, region: Region) -> Result<ContactEdit, BodyFault> {
    if !MEMBERS.iter().any(|name| members.has(name)) {
        return Err(BodyFault::NoChange { names: &MEMBERS });
    }
    let phone = members.text("phone")?.map(|phone| StoredPhone::read(&phone, region));
    let changes = Changes {
        name: clearable(members, "name", members.text("name")?),
        phone: clearable(members, "phone", phone),
        email: clearable(members, "email", members.text("email")?),
        default_stage_id: clearable(members, "default_stage_id", members.uuid("default_stage_id")?),
        chat_status: settable(members, "chat_status", members.text("chat_status")?)?,
        blocked: settable(members, "blocked", members.flag("blocked")?)?,
        is_chat_read: settable(members, "is_chat_read", members.flag("is_chat_read")?)?,
        contact_list: settable(members, "contact_list", members.text("contact_list")?)?,
    };
    ContactEdit::new(changes).map_err(|refusal| body::refused(&refusal, Attribute::name, "'phone' or 'email'"))
}

/// A member that is there without a value clears what the contact has.
fn clearable<T>(members: &Members, name: &str, value: Option<T>) -> Option<Option<T>> {
    members.has(name).then_some(value)
}

/// A member that is there without a value says nothing that could be set.
fn settable<T>(members: &Members, name: &'static str, value: Option<T>) -> Result<Option<T>, BodyFault> {
    if members.has(name) && value.is_none() {
        return Err(BodyFault::Missing { name });
    }
    Ok(value)
}
