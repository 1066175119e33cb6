//! `GET /api/public/contacts/search?phone=…&email=…`: the contacts whose phone or email contains a term, latest message
//! first.

use actix_web::{CustomizeResponder, HttpRequest, Responder, web};
use schemars::json_schema;
use serde_json::json;

use super::contact_json::{CONTACTS, PublicContact};
use crate::domain::term::{self, EmailTerm, PhoneTerm};
use crate::http::documentation::{self, Answer, AnswerHeader, Documentation, In, Parameter, Tag};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::context::Caller;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::search;

/// The header that says whether more contacts match: `true` or `false`. It is no member of the body, because the vendor
/// documents the body.
const HAS_MORE: &str = "X-Has-More";

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Search,
    summary: "Search by a piece of a phone or email",
    description: "Finds the contacts whose phone contains the digits of `phone`, or whose email contains `email`. Give \
        at least one of the two parameters. The contact with the latest message comes first. Contacts of all channels \
        are included, and blocked ones too.\n\nThe answer has at most 50 contacts. If more match, it includes those \
        whose whole phone or email is the term before others. There are no further pages: if `X-Has-More` is `true`, \
        send a longer term.",
    parameters: &[
        Parameter {
            place: In::Query,
            name: "phone",
            description: "A piece of a phone number, or a whole number in any notation. All characters except digits \
                are dropped. Without a digit it counts as not given.",
            is_required: false,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX }),
            example: || json!("56912345"),
        },
        Parameter {
            place: In::Query,
            name: "email",
            description: "A piece of an email. Case does not matter. A blank text counts as not given.",
            is_required: false,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX }),
            example: || json!("@example.com"),
        },
        Parameter {
            place: In::Query,
            name: "limit",
            description: "The greatest number of contacts in the answer.",
            is_required: false,
            schema: || json_schema!({ "type": "integer", "minimum": 1, "maximum": search::LIMIT, "default": search::LIMIT }),
            example: || json!(10),
        },
    ],
    body: None,
    answer: Answer::json(
        "The matching contacts. The array is empty if no contact matches.",
        documentation::of::<Vec<PublicContact>>,
        CONTACTS,
    )
    .with_headers(&[AnswerHeader {
        name: HAS_MORE,
        description: "Whether more contacts match than the answer has.",
        is_always_sent: true,
        schema: || json_schema!({ "type": "boolean" }),
        example: || json!(false),
    }]),
    failures: || {
        let out_of_range = ApiError::Parameter {
            name: "limit",
            fault: ParameterFault::NotBetween(1, search::LIMIT as i64),
        };
        vec![ApiError::NothingToSearch, out_of_range]
    },
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
        .reads
        .read(client, start, move |connection| {
            search::search_contacts(
                connection,
                &shared.client_statistics,
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
