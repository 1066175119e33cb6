//! `GET /api/v1/contact-lookup/?phone=…`: the contact that a number reaches, whether it has replied, and
//! whether its WhatsApp session window is open.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::json_schema;

use super::answer::ContactLookupResponse;
use crate::domain::phone;
use crate::http::database::lookup_coalescer;
use crate::http::error::{ApiError, ParameterFault};
use crate::http::openapi::{self, Content, Documentation, In, NOT_BLANK, Parameter};
use crate::http::request::context::{Caller, RequestContext};
use crate::http::request::query::{self, VALUE_MAX};
use crate::http::state::State;

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "The contact that a phone number reaches, whether it has replied, and whether its session window is open",
    parameters: &[Parameter {
        place: In::Query,
        name: "phone",
        description: "A phone number in any notation",
        is_required: true,
        schema: || {
            json_schema!({
                "type": "string", "pattern": NOT_BLANK, "maxLength": VALUE_MAX, "example": "+5492235961983",
            })
        },
    }],
    body: None,
    answer: (200, Some(Content::Json(openapi::of::<ContactLookupResponse>))),
    failures: &[400],
};

/// Answers with the contact that the parameter `phone` reaches.
pub async fn look_up_contact(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let phone = query::parameter(request.query_string(), "phone")?
        .filter(|phone| !phone.trim().is_empty())
        .ok_or(ApiError::Parameter {
            name: "phone",
            fault: ParameterFault::Missing,
        })?;
    let readings = phone::readings(&phone, caller.region);
    let start = RequestContext::of(&request).start;
    let row = lookup_coalescer::find(&state, start, caller.client, readings).await?;
    Ok(HttpResponse::Ok().json(row.map(ContactLookupResponse::from).unwrap_or_default()))
}
