//! One contact: `GET /api/public/contact/{id}/info` shows it, `PATCH /api/public/contact/{id}` changes it, `DELETE` erases
//! it for good.
//!
//! [`ContactChange`] describes the members of a change. They have the same names as in the answer, which has no
//! `contact_list`. Unknown members are ignored.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde_json::json;

use super::contact_json::{CONTACT, ID, PublicContact, id_in_path};
use crate::domain::contact::Attribute;
use crate::http::documentation::{self, Answer, Body, Documentation, Example, NOT_BLANK, OptionalUuid, Tag};
use crate::http::error::ApiError;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::contact_edit::{self, EditMembers, read_edit};
use crate::http::request::context::Caller;
use crate::http::state::State;
use crate::store::contacts;

/// The changes of a contact. Give at least one member. An absent member leaves the contact's value as it is.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_edit` reads the body, with an error for each fault"
)]
struct ContactChange {
    /// The name. `null` or a blank text clears it.
    #[schemars(length(max = 512))]
    name: Option<String>,
    /// The phone, read by the rules of the contact's channel. `null` or a blank text clears it. A phone that is not a
    /// valid number does not replace a valid one.
    #[schemars(length(max = 256), extend("pattern" = r"\d|^\s*$"))]
    phone: Option<String>,
    /// The email. `null`, a blank text or a placeholder such as `n/a` clears it.
    #[schemars(length(max = 320))]
    email: Option<String>,
    /// The UUID of a stage of your own system. `null` or a blank text clears it.
    #[serde(default)]
    default_stage_id: OptionalUuid,
    /// The name of the contact list that the contact moves to. A list that does not exist is created.
    #[schemars(length(max = 200), regex(pattern = NOT_BLANK), extend("type" = "string"))]
    contact_list: Option<String>,
    /// The state of the chat, such as `ATTENDED` or `UNATTENDED`.
    #[schemars(length(max = 64), regex(pattern = NOT_BLANK), extend("type" = "string"))]
    chat_status: Option<String>,
    /// Whether the contact is blocked.
    #[schemars(extend("type" = "boolean"))]
    blocked: Option<bool>,
    /// Whether the chat is read.
    #[schemars(extend("type" = "boolean"))]
    is_chat_read: Option<bool>,
}

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
    tag: Tag::Contacts,
    summary: "Show one contact",
    description: "Shows the contact with this UUID.",
    parameters: &[ID],
    body: None,
    answer: Answer::json("The contact.", documentation::of::<PublicContact>, CONTACT),
    failures: || vec![ApiError::NoContact],
};

pub const CHANGE: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Change one contact",
    description: "Changes the given members. Give at least one. The contact must keep an identity: an external id, a \
        phone or an email. A phone that is not a valid number does not replace a valid one. To replace it anyway, set \
        the phone to `null` first.",
    parameters: &[ID],
    body: Some(Body::new(
        documentation::of::<ContactChange>,
        &[Example {
            name: "attended",
            summary: "An agent has read and answered the chat",
            value: || json!({ "chat_status": "ATTENDED", "is_chat_read": true }),
        }],
    )),
    answer: Answer::json(
        "The contact after the change.",
        documentation::of::<PublicContact>,
        CONTACT,
    ),
    failures: || contact_edit::failures(&MEMBERS),
};

pub const ERASURE: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Delete one contact",
    description: "Deletes the contact for good.",
    parameters: &[ID],
    body: None,
    answer: Answer::empty(204, "The contact is deleted."),
    failures: || vec![ApiError::NoContact],
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
        .reads
        .read(client, start, move |connection| {
            contacts::find_contact(connection, client, id)
        })
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
        .run(client, start, move |connection| {
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
        .run(client, start, move |connection| {
            contacts::delete_contact(connection, client, id)
        })
        .await?;
    if was_there {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::NoContact)
    }
}
