//! `GET /api/public/contacts/search?phone=…&email=…`: the contacts whose phone or email contains a term, latest message
//! first.

use actix_web::{CustomizeResponder, HttpRequest, Responder, web};
use schemars::json_schema;

use super::contact_json::PublicContact;
use crate::domain::term::{self, EmailTerm, PhoneTerm};
use crate::http::documentation::{self, Answer, AnswerHeader, Documentation, In, Parameter};
use crate::http::error::ApiError;
use crate::http::request::context::Caller;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::search;

/// The header that says whether more contacts match: `true` or `false`. The vendor documents the body.
const HAS_MORE: &str = "X-Has-More";

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "At most 50 contacts whose phone or email contains a term, latest message first",
    parameters: &[
        Parameter {
            place: In::Query,
            name: "phone",
            description: "A part of a phone number, or a whole one in any notation",
            is_required: false,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX, "example": "56912345" }),
        },
        Parameter {
            place: In::Query,
            name: "email",
            description: "A part of an email, in any case. At least one of both parameters is required",
            is_required: false,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX, "example": "@example.com" }),
        },
        Parameter {
            place: In::Query,
            name: "limit",
            description: "The most contacts of the answer",
            is_required: false,
            schema: || json_schema!({ "type": "integer", "minimum": 1, "maximum": search::LIMIT, "default": search::LIMIT }),
        },
    ],
    body: None,
    answer: Answer::json("The matching contacts", documentation::of::<Vec<PublicContact>>).with_headers(&[
        AnswerHeader {
            name: HAS_MORE,
            description: "Whether more contacts match than the answer has",
            is_always_sent: true,
            schema: || json_schema!({ "type": "boolean" }),
        },
    ]),
    failures: &[400],
};

/// Answers with an array of the contacts that match the parameter `phone` or the parameter `email`, and says in a header
/// whether there are more.
pub async fn search_contacts(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<CustomizeResponder<web::Json<Vec<PublicContact>>>, ApiError> {
    let query = request.query_string();
    let phone = query::parameter(query, "phone")?;
    let email = query::parameter(query, "email")?.and_then(|email| EmailTerm::parse(&email));
    // Search bars send one text as both parameters. The digits of a text such as maria1985 are no phone.
    let phone = phone.filter(|phone| email.is_none() || term::can_be_phone(phone, caller.region));
    let phone = phone.and_then(|phone| PhoneTerm::parse(&phone, caller.region));
    if phone.is_none() && email.is_none() {
        return Err(ApiError::NothingToSearch);
    }
    let limit = query::whole_number(query, "limit", 1, search::LIMIT as i64)?;
    let limit = limit.map_or(search::LIMIT, |limit| limit as usize);
    let Caller { client, start, .. } = caller;
    let shared = state.clone();
    let found = state
        .lanes
        .reads
        .read(start, move |connection| {
            search::search_contacts(
                connection,
                &shared.client_sizes,
                client,
                phone.as_ref(),
                email.as_ref(),
                limit,
            )
        })
        .await?;
    state.metrics.count_search(&found.plans);
    let contacts: Vec<PublicContact> = found.contacts.into_iter().map(PublicContact::from).collect();
    Ok(web::Json(contacts)
        .customize()
        .insert_header((HAS_MORE, if found.has_more { "true" } else { "false" })))
}
