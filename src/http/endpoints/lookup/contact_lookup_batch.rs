//! `POST /api/v1/contact-lookup/batch`: the lookup for up to a thousand numbers in one call.

use actix_web::web;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::answer::ContactLookupResponse;
use crate::domain::phone;
use crate::domain::phone::whatsapp_id::hidden_number_id;
use crate::http::documentation::{self, Answer, Body, Documentation, Example, NOT_BLANK, Tag};
use crate::http::error::{ApiError, BodyFault};
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::ITEMS_MAX;
use crate::http::request::limits::VALUE_MAX;
use crate::http::state::State;
use crate::store::lookup::{self, LookupRow};

/// The phone numbers to look up.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_phones` reads the body, with an error for each fault"
)]
struct ContactLookupBatchRequest {
    /// Phone numbers in any notation.
    #[schemars(
        length(max = ITEMS_MAX),
        inner(length(max = VALUE_MAX), regex(pattern = NOT_BLANK))
    )]
    phones: Vec<String>,
}

/// The answer to several phone numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactLookupBatchResponse {
    /// One result per phone, in the order of the request.
    pub results: Vec<ContactLookupResult>,
}

/// The answer to one of several phone numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactLookupResult {
    /// The phone as the request spells it.
    pub phone: String,
    #[serde(flatten)]
    pub answer: ContactLookupResponse,
}

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Lookup,
    summary: "Look up many phone numbers",
    description: "The lookup for up to 1,000 phone numbers in one call.",
    parameters: &[],
    body: Some(Body::new(
        documentation::of::<ContactLookupBatchRequest>,
        &[Example {
            name: "two",
            summary: "Two numbers",
            value: || json!({ "phones": ["5492235961983", "+12025550123"] }),
        }],
    )),
    answer: Answer::json(
        "One result per phone, in the order of the request.",
        documentation::of::<ContactLookupBatchResponse>,
        &[Example {
            name: "two",
            summary: "A known and an unknown number",
            value: || {
                let result = |phone: &str, answer| ContactLookupResult {
                    phone: phone.to_owned(),
                    answer,
                };
                let results = vec![
                    result("5492235961983", ContactLookupResponse::example()),
                    result("+12025550123", ContactLookupResponse::default()),
                ];
                json!(ContactLookupBatchResponse { results })
            },
        }],
    ),
    failures: || {
        let (index, name) = (3, NAME);
        let too_long = BodyFault::Item {
            name,
            index,
            max: VALUE_MAX,
        };
        let too_many = BodyFault::TooMany { name, max: ITEMS_MAX };
        [BodyFault::Missing { name }, too_long, too_many]
            .map(ApiError::Body)
            .into()
    },
};

/// The name of the body's only member.
const NAME: &str = "phones";

/// Answers with one result for each phone of the member `phones`.
pub async fn look_up_contacts(
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<ContactLookupBatchResponse>, ApiError> {
    let Caller { client, region, start } = caller;
    let phones = body::read_json(payload, state.lanes.bulk.deadline(start), read_phones).await?;
    let lists = state.list_names.clone();
    let results = state
        .reads
        .read_bulk(client, start, move |connection| {
            // `identifying_readings` takes a leading blank for an unencoded `+`. Only a query string can
            // contain an unencoded `+`, so the blank is trimmed here.
            let readings = |phone: &String| phone::identifying_readings(phone.trim(), region);
            let questions: Vec<_> = phones.iter().map(readings).collect();
            let rows = lookup::find_all_by_phone(connection, &lists, client, &questions)?;
            let hidden_ids: Vec<Option<String>> = phones.iter().map(|phone| hidden_number_id(phone)).collect();
            let asked_ids: Vec<&str> = hidden_ids.iter().flatten().map(String::as_str).collect();
            let by_hidden_id = lookup::find_by_hidden_ids(connection, &lists, client, &asked_ids)?;
            let result = |((phone, hidden_id), row): ((&String, &Option<String>), Option<LookupRow>)| {
                let row = row.or_else(|| by_hidden_id.get(hidden_id.as_ref()?).cloned());
                ContactLookupResult {
                    phone: phone.clone(),
                    answer: row.map(ContactLookupResponse::from).unwrap_or_default(),
                }
            };
            Ok(phones.iter().zip(&hidden_ids).zip(rows).map(result).collect())
        })
        .await?;
    Ok(web::Json(ContactLookupBatchResponse { results }))
}

/// Reads the phones, and checks each one against the limits of the single lookup's parameter.
fn read_phones(body: &RawValue) -> Result<Vec<String>, BodyFault> {
    let items = Members::new(body)?
        .array(NAME)?
        .ok_or(BodyFault::Missing { name: NAME })?;
    if items.len() > ITEMS_MAX {
        return Err(BodyFault::TooMany {
            name: NAME,
            max: ITEMS_MAX,
        });
    }
    let phones = items.into_iter().enumerate().map(|(index, item)| {
        serde_json::from_str(item.get())
            .ok()
            .filter(|text: &String| !text.trim().is_empty() && text.len() <= VALUE_MAX && !text.contains('\0'))
            .ok_or(BodyFault::Item {
                name: NAME,
                index,
                max: VALUE_MAX,
            })
    });
    phones.collect()
}
