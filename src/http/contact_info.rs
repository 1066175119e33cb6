//! `GET /api/public/contact/{id}/info`: one contact, by its UUID.

use actix_web::{HttpRequest, HttpResponse, web};

use super::context::{Caller, RequestContext};
use super::error::ApiError;
use super::openapi::{self, Content, Documentation};
use super::public_contact::{ID, PublicContact, id_in_path};
use super::state::State;
use crate::store::contacts;

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "One contact, by its UUID",
    parameters: &[ID],
    body: None,
    answer: (200, Some(Content::Json(openapi::of::<PublicContact>))),
    failures: &[404],
};

/// Answers with the contact, or 404 where the client has none of that id, or it is no UUID.
pub async fn show_contact(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(&request)?;
    let client = caller.client;
    let start = RequestContext::of(&request).start;
    let row = state
        .reads
        .read(start, move |connection| contacts::find_contact(connection, client, id))
        .await?
        .ok_or(ApiError::NoContact)?;
    Ok(HttpResponse::Ok().json(PublicContact::from(row)))
}
