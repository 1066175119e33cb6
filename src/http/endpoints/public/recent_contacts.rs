//! `GET /api/public/contacts?days=N`: the contacts whose last message is at most N days old, latest first.
//!
//! A page has at most 1,000 contacts. If more follow, the header `Link` has the next page's address, relative to this
//! one's: `</api/public/contacts?days=7&cursor=…>; rel="next"`.

use actix_web::http::header;
use actix_web::{CustomizeResponder, HttpRequest, Responder, web};
use chrono::{DateTime, Datelike};
use schemars::json_schema;
use serde_json::json;
use uuid::Uuid;

use super::contact_json::{CONTACTS, PublicContact};
use crate::http::documentation::{self, Answer, AnswerHeader, Documentation, In, Parameter, Tag};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::context::Caller;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::contacts::{self, PagePosition};

const DAYS_MIN: i64 = 1;
const DAYS_MAX: i64 = 365;

/// A valid cursor, for the specification.
const CURSOR: &str = "00063167cb273200df980fc8b6db4820bf222969482d106d";

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Search,
    summary: "List the contacts with recent messages",
    description: "Lists the contacts whose last message is at most `days` days old. The contact with the latest message \
        comes first. An answer has at most 1,000 contacts. If more follow, its header `Link` has the address of the \
        next page.",
    parameters: &[
        Parameter {
            place: In::Query,
            name: "days",
            description: "The greatest age of the last message, in days.",
            is_required: true,
            schema: || json_schema!({ "type": "integer", "minimum": DAYS_MIN, "maximum": DAYS_MAX }),
            example: || json!(7),
        },
        Parameter {
            place: In::Query,
            name: "cursor",
            description: "Where the page begins. The address in the previous page's header `Link` has it.",
            is_required: false,
            // The time of a recent message begins with two zeros.
            schema: || json_schema!({ "type": "string", "pattern": "^00[0-9a-f]{46}$" }),
            example: || json!(CURSOR),
        },
    ],
    body: None,
    answer: Answer::json(
        "A page of contacts, at most 1,000.",
        documentation::of::<Vec<PublicContact>>,
        CONTACTS,
    )
    .with_headers(&[AnswerHeader {
        name: "Link",
        description: "If more contacts follow: the address of the next page, relative to the address of this one, and \
            `rel=\"next\"`.",
        is_always_sent: false,
        schema: || json_schema!({ "type": "string" }),
        example: || json!(format!("</api/public/contacts?days=7&cursor={CURSOR}>; rel=\"next\"")),
    }]),
    failures: || {
        vec![
            bad("days", ParameterFault::Missing),
            bad("days", ParameterFault::NotBetween(DAYS_MIN, DAYS_MAX)),
            bad("cursor", ParameterFault::Cursor),
        ]
    },
};

/// Answers with a page of contacts. `days` is a whole number from 1 to 365, and `cursor` comes from the previous page's
/// header `Link`.
pub async fn list_recent_contacts(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<CustomizeResponder<web::Json<Vec<PublicContact>>>, ApiError> {
    let days = query::whole_number(request.query_string(), "days", DAYS_MIN, DAYS_MAX)?;
    let days = days.ok_or_else(|| bad("days", ParameterFault::Missing))?;
    let after = query::parameter(request.query_string(), "cursor")?;
    let after = after.map(|cursor| read_cursor(&cursor)).transpose()?;
    let Caller { client, start, .. } = caller;
    let page = state
        .reads
        .read(client, start, move |connection| {
            contacts::recent_contacts(connection, client, days, after)
        })
        .await?;
    let contacts: Vec<PublicContact> = page.contacts.into_iter().map(PublicContact::from).collect();
    let mut response = web::Json(contacts).customize();
    if let Some(position) = page.next {
        let link = format!(
            "<{}?days={days}&cursor={}>; rel=\"next\"",
            request.path(),
            cursor(position)
        );
        response = response.insert_header((header::LINK, link));
    }
    Ok(response)
}

fn bad(name: &'static str, fault: ParameterFault) -> ApiError {
    ApiError::Parameter { name, fault }
}

/// A position as text: microseconds since 1970 in 16 hexadecimal digits, and the id in 32.
fn cursor(position: PagePosition) -> String {
    format!(
        "{:016x}{}",
        position.last_message_at.timestamp_micros(),
        position.id.simple()
    )
}

/// Reads exactly the texts that [`cursor`] writes.
fn read_cursor(text: &str) -> Result<PagePosition, ApiError> {
    let position = text.split_at_checked(16).and_then(|(time, id)| {
        let micros = u64::from_str_radix(time, 16).ok()?.cast_signed();
        let last_message_at = DateTime::from_timestamp_micros(micros)?;
        let id = Uuid::try_parse(id).ok()?;
        Some(PagePosition { last_message_at, id })
    });
    position
        // PostgreSQL cannot bind a time outside these years.
        .filter(|position| (1..=9_999).contains(&position.last_message_at.year()))
        .filter(|position| cursor(*position) == text)
        .ok_or_else(|| bad("cursor", ParameterFault::Cursor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cursor_in_the_specification_is_valid() {
        assert_eq!(read_cursor(CURSOR).unwrap().last_message_at.year(), 2025);
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back_and_any_other_text_is_refused(
            micros in -62_135_596_800_000_000..253_402_300_799_999_999_i64, id: u128, text in "[0-9a-fA-F+]{46,50}",
        ) {
            let last_message_at = DateTime::from_timestamp_micros(micros).unwrap();
            let position = PagePosition { last_message_at, id: Uuid::from_u128(id) };
            prop_assert_eq!(read_cursor(&cursor(position)).unwrap(), position);
            prop_assert!(read_cursor(&cursor(position)[1..]).is_err());
            if let Ok(position) = read_cursor(&text) {
                prop_assert_eq!(cursor(position), text);
            }
        }
    }
}
