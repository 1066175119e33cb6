//! `GET /api/v1/contact-lookup/?phone=…`: the contact with this phone number, whether it has replied, and whether its
//! WhatsApp session window is open.

use actix_web::{HttpRequest, web};
use schemars::json_schema;

use super::answer::ContactLookupResponse;
use crate::domain::phone;
use crate::http::documentation::{self, Answer, Documentation, In, NOT_BLANK, Parameter};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::context::Caller;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;
use crate::http::state::State;

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "The contact with a phone number, whether it has replied, and whether its session window is open",
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
    answer: Answer::json(
        "The contact, or `\"found\": false`",
        documentation::of::<ContactLookupResponse>,
    ),
    failures: &[400],
};

/// Answers with the contact that has the number in the parameter `phone`.
pub async fn look_up_contact(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<ContactLookupResponse>, ApiError> {
    let phone = query::parameter(request.query_string(), "phone")?
        .filter(|phone| !phone.trim().is_empty())
        .ok_or(ApiError::Parameter {
            name: "phone",
            fault: ParameterFault::Missing,
        })?;
    let readings = phone::identifying_readings(&phone, caller.region);
    let row = state
        .lookup_coalescer
        .find(caller.start, caller.client, readings)
        .await?;
    Ok(web::Json(row.map(ContactLookupResponse::from).unwrap_or_default()))
}
