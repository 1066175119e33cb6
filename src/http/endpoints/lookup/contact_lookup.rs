//! `GET /api/v1/contact-lookup/?phone=…`: the contact with this phone number, whether it has replied, and whether its
//! WhatsApp session window is open.

use actix_web::{HttpRequest, web};
use schemars::json_schema;
use serde_json::json;

use super::answer::{ContactLookupResponse, EXAMPLES};
use crate::domain::phone;
use crate::domain::phone::whatsapp_id::hidden_number_id;
use crate::http::documentation::{self, Answer, Documentation, In, NOT_BLANK, Parameter, Tag};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::context::Caller;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::lookup::{self, LookupRow};

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Lookup,
    summary: "Look up a phone number",
    description: "Finds the contact that the phone number reaches, and says whether it has replied and whether its \
        WhatsApp session window is open. Whole numbers are compared, whatever their notation. If several contacts \
        share the line, `contact` shows the one with the latest message, and the other members cover all of them.",
    parameters: &[Parameter {
        place: In::Query,
        name: "phone",
        description: "A phone number in any notation, or the WhatsApp id (`…@lid`) of a person who hides the number. \
            Write a `+` as `%2B`.",
        is_required: true,
        schema: || json_schema!({ "type": "string", "pattern": NOT_BLANK, "maxLength": VALUE_MAX }),
        example: || json!("+5492235961983"),
    }],
    body: None,
    answer: Answer::json(
        "The contact. For an unknown number, and for a text that is no phone number, `found` is `false`.",
        documentation::of::<ContactLookupResponse>,
        EXAMPLES,
    ),
    failures: || {
        vec![ApiError::Parameter {
            name: "phone",
            fault: ParameterFault::Missing,
        }]
    },
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
    let row = match hidden_number_id(&phone) {
        Some(id) => find_by_hidden_id(&state, &caller, id).await?,
        None => {
            let readings = phone::identifying_readings(&phone, caller.region);
            let coalescer = &state.lookup_coalescer;
            coalescer.find(caller.start, caller.client, readings).await?
        }
    };
    Ok(web::Json(row.map(ContactLookupResponse::from).unwrap_or_default()))
}

async fn find_by_hidden_id(state: &State, caller: &Caller, id: String) -> Result<Option<LookupRow>, ApiError> {
    let client = caller.client;
    let lists = state.list_names.clone();
    let find =
        move |connection: &mut _| Ok(lookup::find_by_hidden_ids(connection, &lists, client, &[&id])?.remove(&id));
    state.reads.read(client, caller.start, find).await
}
