//! The JSON of a contact that a query found.

use chrono::SecondsFormat;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::query::{Field, Kind, Query};
use crate::domain::window;
use crate::http::documentation::Example;
use crate::http::endpoints::public::contact_json::PublicContact;
use crate::store::query::FoundContact;

/// A page of contacts that match the query, the best matches first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactQueryResponse {
    /// The contacts of the page, the best matches first.
    pub results: Vec<ContactQueryResult>,
    /// The `cursor` of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A contact, its session window, and why it matches.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactQueryResult {
    #[serde(flatten)]
    pub contact: PublicContact,
    /// Whether a contact with this number has ever sent a message, on any channel.
    pub has_replied: bool,
    /// Whether the WhatsApp session window of this number is open.
    pub session_window_active: bool,
    /// When the window closes, in UTC with whole seconds; `null` if it is closed.
    #[schemars(extend("format" = "date-time"))]
    pub session_expires_at: Option<String>,
    /// Each word of the query and each field that it matches: words in the order of the query, then fields.
    pub matched_by: Vec<QueryMatch>,
}

/// A word of the query, and a field that it matches.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryMatch {
    /// The word as it was typed. Several groups of digits can be one word.
    pub word: String,
    /// The field that the word matches.
    pub field: QueryField,
    /// How the word matches the field.
    pub kind: QueryKind,
    /// The contact's external id, if it is the field. The other fields are members of the contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The parts of the field's value that match.
    pub highlights: Vec<QueryHighlight>,
}

/// A field of a contact.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum QueryField {
    Name,
    Phone,
    Email,
    ExternalUserId,
}

/// How a word matches: the whole field or a whole word of the name (`exact`), its beginning (`prefix`), a piece
/// (`contains`), with typing errors (`similar`), or another notation of the same number (`equivalent`).
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum QueryKind {
    Exact,
    Prefix,
    Contains,
    Similar,
    Equivalent,
}

/// A part of a value, in UTF-16 code units, as JavaScript counts them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct QueryHighlight {
    /// The first unit.
    pub start: usize,
    /// The unit behind the last one.
    pub end: usize,
}

impl ContactQueryResponse {
    /// The results of a query.
    pub fn new(query: &Query, contacts: Vec<FoundContact>, next_cursor: Option<String>) -> Self {
        Self {
            results: contacts
                .into_iter()
                .map(|contact| ContactQueryResult::new(query, contact))
                .collect(),
            next_cursor,
        }
    }

    fn example() -> Self {
        let found = |word: &str, field, kind, end| QueryMatch {
            word: word.to_owned(),
            field,
            kind,
            value: None,
            highlights: vec![QueryHighlight { start: 0, end }],
        };
        Self {
            results: vec![ContactQueryResult {
                contact: PublicContact::example(),
                has_replied: true,
                session_window_active: false,
                session_expires_at: None,
                matched_by: vec![
                    found("jhon", QueryField::Name, QueryKind::Similar, 4),
                    found("+56 9 1234 5678", QueryField::Phone, QueryKind::Exact, 12),
                ],
            }],
            next_cursor: None,
        }
    }
}

impl ContactQueryResult {
    fn new(query: &Query, found: FoundContact) -> Self {
        let expires_at = window::expires_at(found.last_window_inbound_at, found.now);
        let matched_by = found.matched_by(query).into_iter().map(|matched| QueryMatch {
            word: matched.word.to_owned(),
            field: match matched.field {
                Field::Name => QueryField::Name,
                Field::Phone => QueryField::Phone,
                Field::Email => QueryField::Email,
                Field::ExternalUserId => QueryField::ExternalUserId,
            },
            kind: match matched.kind {
                Kind::Exact => QueryKind::Exact,
                Kind::Equivalent => QueryKind::Equivalent,
                Kind::Prefix => QueryKind::Prefix,
                Kind::Contains => QueryKind::Contains,
                Kind::Similar => QueryKind::Similar,
            },
            value: found
                .external_user_id
                .clone()
                .filter(|_| matched.field == Field::ExternalUserId),
            highlights: vec![QueryHighlight {
                start: matched.highlight.start,
                end: matched.highlight.end,
            }],
        });
        Self {
            matched_by: matched_by.collect(),
            has_replied: found.last_inbound_at.is_some(),
            session_window_active: expires_at.is_some(),
            session_expires_at: expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            contact: PublicContact::from(found.row),
        }
    }
}

/// The example of a page.
pub const RESULTS: &[Example] = &[Example {
    name: "results",
    summary: "One contact, found by its name with a typing error and by its number",
    value: || json!(ContactQueryResponse::example()),
}];
