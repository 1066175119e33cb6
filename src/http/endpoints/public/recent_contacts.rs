//! `GET /api/public/contacts?days=N`: the contacts whose last message is at most N days old, the latest first.
//!
//! An answer has at most 1,000 contacts. Where more follow, its header `Link` says where:
//! `</api/public/contacts?days=7&cursor=…>; rel="next"`, a reference that is relative to the address asked.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Datelike};
use schemars::json_schema;
use uuid::Uuid;

use super::contact_json::PublicContact;
use crate::http::error::{ApiError, ParameterFault};
use crate::http::openapi::{self, Content, Documentation, In, Parameter};
use crate::http::request::context::{Caller, RequestContext};
use crate::http::request::query;
use crate::http::state::State;
use crate::store::contacts::{self, Place};

const DAYS_MIN: i64 = 1;
const DAYS_MAX: i64 = 365;

/// One that the server takes.
const CURSOR: &str = "00063167cb273200df980fc8b6db4820bf222969482d106d";

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "The contacts whose last message is at most so many days old, latest first, a thousand at a time",
    parameters: &[
        Parameter {
            place: In::Query,
            name: "days",
            description: "How many days old the last message may be",
            is_required: true,
            schema: || json_schema!({ "type": "integer", "minimum": DAYS_MIN, "maximum": DAYS_MAX, "example": 7 }),
        },
        Parameter {
            place: In::Query,
            name: "cursor",
            description: "What the header `Link` of the answer before gave",
            is_required: false,
            schema: || json_schema!({ "type": "string", "pattern": "^[0-9a-f]{48}$", "example": CURSOR }),
        },
    ],
    body: None,
    answer: (200, Some(Content::JsonPage(openapi::of::<Vec<PublicContact>>))),
    failures: &[400],
};

/// Answers with an array of contacts. `days` is a whole number from 1 to 365, and `cursor` what a former answer's
/// `Link` gave.
pub async fn list_recent_contacts(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let days = query::parameter(request.query_string(), "days")?.filter(|days| !days.trim().is_empty());
    let days = read_days(&days.ok_or_else(|| bad("days", ParameterFault::Missing))?)?;
    let after = query::parameter(request.query_string(), "cursor")?;
    let after = after.map(|cursor| read_cursor(&cursor)).transpose()?;
    let client = caller.client;
    let start = RequestContext::of(&request).start;
    let page = state
        .reads
        .read(start, move |connection| {
            contacts::recent_contacts(connection, client, days, after)
        })
        .await?;
    let mut response = HttpResponse::Ok();
    if let Some(place) = page.next {
        let link = format!(
            "<{}?days={days}&cursor={}>; rel=\"next\"",
            request.path(),
            cursor(place)
        );
        response.insert_header((header::LINK, link));
    }
    let contacts: Vec<PublicContact> = page.contacts.into_iter().map(PublicContact::from).collect();
    Ok(response.json(contacts))
}

fn bad(name: &'static str, fault: ParameterFault) -> ApiError {
    ApiError::Parameter { name, fault }
}

fn read_days(text: &str) -> Result<i64, ApiError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let days = text.parse().ok().filter(|_| is_number);
    days.filter(|days| (DAYS_MIN..=DAYS_MAX).contains(days))
        .ok_or_else(|| bad("days", ParameterFault::NotBetween(DAYS_MIN, DAYS_MAX)))
}

/// A place as callers carry it: microseconds since 1970 and the id, 16 and 32 hexadecimal digits.
fn cursor(place: Place) -> String {
    format!("{:016x}{}", place.last_message_at.timestamp_micros(), place.id.simple())
}

/// Takes what [`cursor`] makes, and nothing else.
fn read_cursor(text: &str) -> Result<Place, ApiError> {
    let place = text.split_at_checked(16).and_then(|(time, id)| {
        let micros = u64::from_str_radix(time, 16).ok()?.cast_signed();
        let last_message_at = DateTime::from_timestamp_micros(micros)?;
        let id = Uuid::try_parse(id).ok()?;
        Some(Place { last_message_at, id })
    });
    place
        // The database knows no year that isn't in here.
        .filter(|place| (1..=9_999).contains(&place.last_message_at.year()))
        .filter(|place| cursor(*place) == text)
        .ok_or_else(|| bad("cursor", ParameterFault::Cursor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_are_a_whole_number_from_1_to_365() {
        assert_eq!(read_days("1").unwrap(), 1);
        assert_eq!(read_days("365").unwrap(), 365);
        for text in ["0", "366", "-1", "+1", "1.0", "1e2", " 1", "٣", "99999999999999999999"] {
            assert!(read_days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_documented_cursor_is_one() {
        assert_eq!(read_cursor(CURSOR).unwrap().last_message_at.year(), 2025);
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_and_what_is_none_is_refused(
            micros in -62_135_596_800_000_000..253_402_300_799_999_999_i64, id: u128, text in "[0-9a-fA-F+]{46,50}",
        ) {
            let last_message_at = DateTime::from_timestamp_micros(micros).unwrap();
            let place = Place { last_message_at, id: Uuid::from_u128(id) };
            prop_assert_eq!(read_cursor(&cursor(place)).unwrap(), place);
            prop_assert!(read_cursor(&cursor(place)[1..]).is_err());
            if let Ok(place) = read_cursor(&text) {
                prop_assert_eq!(cursor(place), text);
            }
        }
    }
}
