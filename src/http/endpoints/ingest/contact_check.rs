//! `POST /api/v1/contacts/check`: compares up to 1,000 contacts with those of the client and with each other. Writes
//! nothing.
//!
//! The body is that of `POST /api/v1/contacts/`, and the verdicts are those of `contact-search check`.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use uuid::{Uuid, uuid};

use super::contact_item::{ContactItem, IDENTITIES, read_contacts};
use super::contact_json::member;
use crate::domain::duplicates::{Parameters, Verdict};
use crate::http::database::lane::STATEMENT_MARGIN;
use crate::http::documentation::{self, Answer, Body, Documentation, Example, In, Parameter, Tag};
use crate::http::error::{ApiError, BodyFault, ParameterFault};
use crate::http::middleware::idle_connections::Connection;
use crate::http::request::body::{self, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::ITEMS_MAX;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::check::{self, CheckedLine};

/// Contacts to compare. Nothing is written.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_contacts` reads the body, with an error for each fault"
)]
struct ContactCheckRequest {
    /// The contacts. Each is compared with those before it, too.
    #[schemars(length(max = ITEMS_MAX))]
    contacts: Vec<ContactItem>,
}

/// The verdicts about the contacts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactCheckResponse {
    /// One result per item, in the order of the request.
    results: Vec<ContactCheckResult>,
    /// The number of items with each verdict.
    counts: ContactCheckCounts,
}

/// The verdict about one of the contacts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactCheckResult {
    /// The place of the item in the request, counted from 0.
    index: usize,
    /// What an import must know about the item.
    ///
    /// - `new`: nothing matches.
    /// - `exact`: a contact has the same phone, the same external id, or the same email.
    /// - `likely`: a contact has the same line in another notation or an alias of the same mailbox, or its score is at
    ///   least the threshold.
    /// - `conflict`: phone, email and external id lead to different contacts, or one of a clearly different person.
    /// - `duplicate_in_file`: no contact matches, but an earlier item does.
    /// - `invalid`: the item has an error. `reasons` names the member.
    verdict: ContactCheckVerdict,
    /// The probability that the item and its best match are one person, rounded to four decimals. 0 without a match.
    score: f64,
    /// English sentences: why the item has this verdict. Empty for a new one.
    reasons: Vec<String>,
    /// The UUIDs of the contacts that match, the best one first, and at most 50.
    contact_ids: Vec<Uuid>,
    /// The `index` of the earlier item that is the same person; `null` if none is.
    duplicate_of: Option<usize>,
}

/// How many items have each verdict.
#[derive(Default, Debug, Serialize, JsonSchema)]
pub struct ContactCheckCounts {
    /// Items that match nothing.
    new: usize,
    /// Items that are a contact already.
    exact: usize,
    /// Items that are probably a contact already.
    likely: usize,
    /// Items that lead to different contacts, or to one of another person.
    conflict: usize,
    /// Items that are the same person as an earlier item.
    duplicate_in_file: usize,
    /// Items with an error.
    invalid: usize,
}

// Variants without a comment, so that the schema is an enum of plain texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ContactCheckVerdict {
    New,
    Exact,
    Likely,
    Conflict,
    DuplicateInFile,
    Invalid,
}

impl From<Verdict> for ContactCheckVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::New => Self::New,
            Verdict::Exact => Self::Exact,
            Verdict::Likely => Self::Likely,
            Verdict::Conflict => Self::Conflict,
            Verdict::DuplicateInFile => Self::DuplicateInFile,
            Verdict::Invalid => Self::Invalid,
        }
    }
}

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Check contacts for duplicates",
    description: "Compares up to 1,000 contacts with all contacts of the client, and each with those before it. Writes \
        nothing. The body is that of the call that writes contacts, and may also be the array alone. The verdicts are \
        those of `contact-search check` for a file with the same rows. An item that can't be read does not stop the \
        others. The call reads all contacts of the client: 100,000 take 0.3 to 0.5 seconds. One check runs at a time, \
        and the next one waits up to two seconds for it. For clients with more than a million contacts use \
        `contact-search check`.",
    parameters: &[Parameter {
        place: In::Query,
        name: THRESHOLD,
        description: "The least probability at which two records are likely the same person. Absent or blank: 0.5.",
        is_required: false,
        schema: || json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }),
        example: || json!(0.8),
    }],
    body: Some(Body::new(
        documentation::of::<ContactCheckRequest>,
        &[Example {
            name: "three",
            summary: "A known contact, a new one, and one that nothing identifies",
            value: || {
                json!({ "contacts": [
                    { "name": "Juan Perez", "phone": "0223 15-596-1983" },
                    { "name": "Bea Nuñez", "email": "bea@ejemplo.com" },
                    { "name": "Nobody" },
                ] })
            },
        }],
    )),
    answer: Answer::json(
        "One result per item, in the order of the request, and the number of items with each verdict.",
        documentation::of::<ContactCheckResponse>,
        &[Example {
            name: "three",
            summary: "A known contact, a new one, and one that nothing identifies",
            value: || {
                let reasons = [
                    "the phone is the same: +8.7",
                    "the name is the same: juan (in 61 of 4,000 records), perez (in 52 of 4,000 records): +6.4",
                ];
                let result = |index, verdict, score, reasons| ContactCheckResult {
                    index,
                    verdict,
                    score,
                    reasons,
                    contact_ids: Vec::new(),
                    duplicate_of: None,
                };
                let known = ContactCheckResult {
                    contact_ids: vec![uuid!("df980fc8-b6db-4820-bf22-2969482d106d")],
                    ..result(0, ContactCheckVerdict::Exact, 0.9721, reasons.map(str::to_owned).into())
                };
                let fault = BodyFault::NoIdentity { names: IDENTITIES }.english();
                json!(ContactCheckResponse::new(vec![
                    known,
                    result(1, ContactCheckVerdict::New, 0.0, Vec::new()),
                    result(2, ContactCheckVerdict::Invalid, 0.0, vec![fault]),
                ]))
            },
        }],
    ),
    failures: || {
        let name = "contacts";
        let faults = [BodyFault::Missing { name }, BodyFault::TooMany { name, max: ITEMS_MAX }];
        let mut failures: Vec<ApiError> = faults.map(ApiError::Body).into();
        let (name, fault) = (THRESHOLD, ParameterFault::NotProbability);
        failures.extend([ApiError::Parameter { name, fault }, ApiError::CheckTooLate]);
        failures
    },
};

const THRESHOLD: &str = "threshold";

/// Answers 200 with one result per item, including those that can't be read.
pub async fn check_contacts(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<ContactCheckResponse>, ApiError> {
    let Caller { client, region, start } = caller;
    let threshold = query::probability(request.query_string(), THRESHOLD)?;
    let threshold = threshold.unwrap_or(Parameters::get().threshold);
    let lane = &state.lanes.checks;
    let deadline = lane.deadline(start);
    let (contacts, faults) = body::read_json(payload, deadline, move |body| read_contacts(body, region)).await?;
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    let is_wanted = move || {
        let is_gone = connection
            .as_ref()
            .is_some_and(|connection| connection.is_closed_by_client());
        !is_gone && Instant::now() + STATEMENT_MARGIN < deadline
    };
    let checked = lane.read(start, move |connection| {
        check::check_contacts(connection, client, threshold, &contacts, &is_wanted)
    });
    let checked = checked.await.map_err(|error| match error {
        ApiError::TooLate => ApiError::CheckTooLate,
        error => error,
    })?;
    let mut checked = checked.into_iter();
    let mut results: Vec<ContactCheckResult> = Vec::with_capacity(faults.len());
    // The places in the request of the contacts that were compared.
    let mut places = Vec::with_capacity(checked.len());
    for (index, fault) in faults.into_iter().enumerate() {
        results.push(match fault {
            Some(fault) => ContactCheckResult::invalid(index, &fault),
            None => {
                places.push(index);
                match checked.next().expect("every readable item has an outcome") {
                    Ok(line) => ContactCheckResult::new(index, line, &places),
                    Err(error) => ContactCheckResult::invalid(index, &body::fault_of(&error, member, IDENTITIES)),
                }
            }
        });
    }
    Ok(web::Json(ContactCheckResponse::new(results)))
}

impl ContactCheckResult {
    /// `places` has the index of the item of each line.
    fn new(index: usize, line: CheckedLine, places: &[usize]) -> Self {
        let place_of = |line: u64| places.get(usize::try_from(line).ok()?.checked_sub(1)?).copied();
        Self {
            index,
            verdict: line.verdict.into(),
            score: line.shown_score(),
            reasons: line.reasons,
            contact_ids: line.contact_ids,
            duplicate_of: line.duplicate_of.and_then(place_of),
        }
    }

    fn invalid(index: usize, fault: &BodyFault) -> Self {
        Self {
            index,
            verdict: ContactCheckVerdict::Invalid,
            score: 0.0,
            reasons: vec![fault.english()],
            contact_ids: Vec::new(),
            duplicate_of: None,
        }
    }
}

impl ContactCheckResponse {
    fn new(results: Vec<ContactCheckResult>) -> Self {
        let mut counts = ContactCheckCounts::default();
        for result in &results {
            let count = match result.verdict {
                ContactCheckVerdict::New => &mut counts.new,
                ContactCheckVerdict::Exact => &mut counts.exact,
                ContactCheckVerdict::Likely => &mut counts.likely,
                ContactCheckVerdict::Conflict => &mut counts.conflict,
                ContactCheckVerdict::DuplicateInFile => &mut counts.duplicate_in_file,
                ContactCheckVerdict::Invalid => &mut counts.invalid,
            };
            *count += 1;
        }
        Self { results, counts }
    }
}
