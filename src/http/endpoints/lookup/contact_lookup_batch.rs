//! `POST /api/v1/contact-lookup/batch`: what the lookup answers, for up to a thousand numbers at once.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::ContactLookupResponse;
use crate::domain::phone;
use crate::http::error::{ApiError, BodyFault};
use crate::http::openapi::{self, Body, Content, Documentation, NOT_BLANK};
use crate::http::request::body::{self, ITEMS_MAX, Members};
use crate::http::request::context::{Caller, RequestContext};
use crate::http::request::query::VALUE_MAX;
use crate::http::state::State;
use crate::store::lookup;

/// One result a phone, in the order in which they were asked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactLookupBatchResponse {
    pub results: Vec<ContactLookupResult>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactLookupResult {
    /// The text as it was asked.
    pub phone: String,
    #[serde(flatten)]
    pub answer: ContactLookupResponse,
}

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "What the lookup answers, for up to a thousand phone numbers at once",
    parameters: &[],
    body: Some(Body::new(|_| {
        json_schema!({
            "type": "object",
            "required": ["phones"],
            "properties": {
                "phones": {
                    "type": "array",
                    "maxItems": ITEMS_MAX,
                    "items": { "type": "string", "pattern": NOT_BLANK, "maxLength": VALUE_MAX },
                },
            },
            "example": { "phones": ["5492235961983", "+56912345678"] },
        })
    })),
    answer: (200, Some(Content::Json(openapi::of::<ContactLookupBatchResponse>))),
    failures: &[],
};

/// Answers each phone of the member `phones`.
pub async fn look_up_contacts(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let start = RequestContext::of(&request).start;
    let body = body::read_json(payload, state.bulk.deadline(start)).await?;
    let phones = read_phones(&body).map_err(ApiError::Body)?;
    let Caller { client, region } = *caller;
    let results = state
        .bulk
        .read(start, move |connection| {
            // A blank at the beginning is a `+` in a query alone, where that is what an unencoded one becomes.
            let readings = |phone: &String| phone::readings(phone.trim(), region);
            let questions: Vec<_> = phones.iter().map(readings).collect();
            let rows = lookup::find_all_by_phone(connection, client, &questions)?;
            let result = |(phone, row): (String, Option<_>)| ContactLookupResult {
                phone,
                answer: row.map(ContactLookupResponse::from).unwrap_or_default(),
            };
            Ok(phones.iter().cloned().zip(rows).map(result).collect())
        })
        .await?;
    Ok(HttpResponse::Ok().json(ContactLookupBatchResponse { results }))
}

/// The phones, each a text that the lookup's parameter could be.
fn read_phones(body: &RawValue) -> Result<Vec<String>, BodyFault> {
    const NAME: &str = "phones";
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
