//! `GET /api/public/contact/{id}/info`: one contact, by its UUID.

use actix_web::{HttpRequest, HttpResponse, web};

use super::contact_json::{ID, PublicContact, id_in_path};
use crate::http::error::ApiError;
use crate::http::openapi::{self, Content, Documentation};
use crate::http::request::context::{Caller, RequestContext};
use crate::http::state::State;
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
