//! `GET /api/v1/search?q=…`: the contacts that match every word of a text, the best matches first.

use actix_web::{HttpRequest, web};
use chrono::{DateTime, Datelike};
use schemars::json_schema;
use serde_json::json;
use uuid::Uuid;

use super::found_contact::{ContactQueryResponse, RESULTS};
use crate::domain::query::{Query, QueryError, WORDS_MAX};
use crate::http::documentation::{self, Answer, Documentation, In, Parameter, Tag};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::context::Caller;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::query::{self as store, Position};

/// A valid cursor, for the specification.
const CURSOR: &str = "0000063167cb273200df980fc8b6db4820bf222969482d106d";

/// The time in the cursor of a contact without messages: no year has it.
const NO_TIME: u64 = 1 << 63;

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Search,
    summary: "Search for people by names, phones, emails and ids",
    description: "Finds the contacts that match every word of `q`. A word matches a word of the name, a piece of the \
        email, digits of the phone, or the beginning of the external id. A whole phone number in any notation finds \
        all its notations. Case, accents and the order of the words do not matter. `name:`, `phone:` or `email:` \
        before a word narrows it to that field.\n\nIf fewer than 20 contacts match, the answer also has those whose \
        name or email differs from a word by a typing error: by one edit if the word has four letters or more, by two \
        if it has eight or more.\n\nContacts that match all words exactly come first, then \
        those with beginnings, then those with pieces, then those with typing errors. A name without \
        further words comes before other exact matches. Four or more last digits of a phone rank like the whole phone. \
        Among equal ones, the contact with the latest message comes first. `matchedBy` says why a contact matches.\n\nA page has at most 20 contacts.",
    parameters: &[
        Parameter {
            place: In::Query,
            name: "q",
            description: "What a person types: at most 10 words.",
            is_required: true,
            schema: || json_schema!({ "type": "string", "minLength": 1, "maxLength": VALUE_MAX }),
            example: || json!("jhon +56 9 1234 5678"),
        },
        Parameter {
            place: In::Query,
            name: "cursor",
            description: "Where the page begins: `nextCursor` of the previous page with the same `q`.",
            is_required: false,
            schema: || json_schema!({ "type": "string", "pattern": "^[0-9a-f]{50}$" }),
            example: || json!(CURSOR),
        },
    ],
    body: None,
    answer: Answer::json(
        "A page of contacts. The array is empty if no contact matches.",
        documentation::of::<ContactQueryResponse>,
        RESULTS,
    ),
    failures: || {
        vec![
            bad("q", ParameterFault::Missing),
            bad("q", ParameterFault::TooManyWords(WORDS_MAX)),
            bad("cursor", ParameterFault::Cursor),
        ]
    },
};

/// Answers with a page of contacts. `q` is the text, and `cursor` is `nextCursor` of the previous page.
pub async fn query_contacts(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<ContactQueryResponse>, ApiError> {
    let parameters = request.query_string();
    let text = query::parameter(parameters, "q")?.unwrap_or_default();
    let asked = Query::parse(&text, caller.region).map_err(|error| match error {
        QueryError::Empty => bad("q", ParameterFault::Missing),
        QueryError::TooManyWords => bad("q", ParameterFault::TooManyWords(WORDS_MAX)),
    })?;
    let after = query::parameter(parameters, "cursor")?;
    let after = after.map(|cursor| read_cursor(&cursor)).transpose()?;
    let Caller { client, start, .. } = caller;
    let shared = state.clone();
    let (asked, page) = state
        .reads
        .read(client, start, move |connection| {
            let page = store::find_contacts(connection, &shared.client_statistics, client, &asked, after)?;
            Ok((asked.clone(), page))
        })
        .await?;
    state.metrics.count_search(&page.plans);
    let next = page.next.map(cursor);
    Ok(web::Json(ContactQueryResponse::new(&asked, page.contacts, next)))
}

fn bad(name: &'static str, fault: ParameterFault) -> ApiError {
    ApiError::Parameter { name, fault }
}

/// A position as text, in hexadecimal digits: the rank in 2, microseconds since 1970 in 16, and the id in 32.
fn cursor(position: Position) -> String {
    let time = position
        .last_message_at
        .map_or(NO_TIME, |at| at.timestamp_micros().cast_unsigned());
    format!("{:02x}{time:016x}{}", position.rank.min(0xff), position.id.simple())
}

/// Reads exactly the texts that [`cursor`] writes.
fn read_cursor(text: &str) -> Result<Position, ApiError> {
    let read = || {
        let (rank, rest) = text.split_at_checked(2)?;
        let (time, id) = rest.split_at_checked(16)?;
        let time = u64::from_str_radix(time, 16).ok()?;
        let last_message_at = match time {
            NO_TIME => None,
            micros => Some(DateTime::from_timestamp_micros(micros.cast_signed())?),
        };
        Some(Position {
            rank: u32::from_str_radix(rank, 16).ok()?,
            last_message_at,
            id: Uuid::try_parse(id).ok()?,
        })
    };
    // PostgreSQL cannot bind a time outside these years.
    let is_bindable = |position: &Position| {
        position
            .last_message_at
            .is_none_or(|at| (1..=9_999).contains(&at.year()))
    };
    read()
        .filter(is_bindable)
        .filter(|position| cursor(*position) == text)
        .ok_or_else(|| bad("cursor", ParameterFault::Cursor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cursor_in_the_specification_is_valid() {
        let position = read_cursor(CURSOR).unwrap();
        assert_eq!((position.rank, position.last_message_at.unwrap().year()), (0, 2025));
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back_and_any_other_text_is_refused(
            rank in 0..0x100_u32, micros in proptest::option::of(-62_135_596_800_000_000..253_402_300_799_999_999_i64),
            id: u128, text in "[0-9a-fA-F+]{50}",
        ) {
            let last_message_at = micros.and_then(DateTime::from_timestamp_micros);
            let position = Position { rank, last_message_at, id: Uuid::from_u128(id) };
            prop_assert_eq!(read_cursor(&cursor(position)).unwrap(), position);
            prop_assert!(read_cursor(&cursor(position)[1..]).is_err());
            if let Ok(position) = read_cursor(&text) {
                prop_assert_eq!(cursor(position), text);
            }
        }
    }
}
