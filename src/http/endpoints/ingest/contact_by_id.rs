//! `/api/v1/contacts/{id}`: one contact by either of its ids, which are the UUID that the search shows and the integer
//! that the lookup shows. `GET` shows all that the server knows of it, `PATCH` changes it, `DELETE` erases it for good.
//!
//! [`ContactDetailsChange`] describes the members of a change. Unknown members are ignored.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::{JsonSchema, json_schema};
use serde_json::json;

use super::contact_json::{Contact, member};
use crate::domain::contact_id::ContactId;
use crate::http::documentation::{
    self, Answer, Body, Documentation, Example, In, NOT_BLANK, OptionalUuid, Parameter, Tag,
};
use crate::http::error::ApiError;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::contact_edit::{self, EditMembers, read_edit};
use crate::http::request::context::Caller;
use crate::http::state::State;
use crate::store::contacts::{self, EditRefusal};

/// The changes of a contact. Give at least one member. An absent member leaves the contact's value as it is.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_edit` reads the body, with an error for each fault"
)]
struct ContactDetailsChange {
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
    description: "The contact's UUID, with hyphens, or the integer that the lookup calls `id`.",
    is_required: true,
    schema: || json_schema!({ "type": "string" }),
    example: || json!("123"),
};

/// The example of a contact.
const CONTACT: &[Example] = &[Example {
    name: "contact",
    summary: "A contact",
    value: || json!(Contact::example()),
}];

pub const DETAILS: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Show one contact by either id",
    description: "Shows all that the server knows of the contact. The id is its UUID or its integer id.",
    parameters: &[ID],
    body: None,
    answer: Answer::json("The contact.", documentation::of::<Contact>, CONTACT),
    failures: || vec![ApiError::NoContact],
};

pub const CHANGE: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Change one contact by either id",
    description: "Changes the given members. Give at least one. The contact must keep an identity: an external id, a \
        phone or an email. A phone that is not a valid number does not replace a valid one. To replace it anyway, set \
        the phone to `null` first.",
    parameters: &[ID],
    body: Some(Body::new(
        documentation::of::<ContactDetailsChange>,
        &[Example {
            name: "attended",
            summary: "An agent has read and answered the chat",
            value: || json!({ "chatStatus": "ATTENDED", "isChatRead": true }),
        }],
    )),
    answer: Answer::json("The contact after the change.", documentation::of::<Contact>, CONTACT),
    failures: || contact_edit::failures(&MEMBERS),
};

pub const ERASURE: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Delete one contact by either id",
    description: "Deletes the contact for good. The id is its UUID or its integer id.",
    parameters: &[ID],
    body: None,
    answer: Answer::empty(204, "The contact is deleted."),
    failures: || vec![ApiError::NoContact],
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
        .reads
        .read(client, start, move |connection| {
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
        .run(client, start, move |connection| {
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
        .run(client, start, move |connection| {
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
