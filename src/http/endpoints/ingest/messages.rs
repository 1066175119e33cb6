//! `POST /api/v1/messages/`: records messages that were sent or received, one object or an array of up to 1,000.

use actix_web::web;
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::batch_result::{BatchResponse, BatchResult, BatchStatus};
use crate::domain::contact::platform_name;
use crate::domain::message::{Direction, Message, NewContact, Person, Phone, Target};
use crate::domain::phone::Region;
use crate::http::documentation::{self, Answer, Body, Documentation, Example, Tag};
use crate::http::error::{ApiError, BodyFault, Expected};
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::ITEMS_MAX;
use crate::http::state::State;
use crate::store::messages::MessageOutcome;

/// The source of a contact that `createMissing` creates.
const SOURCE: &str = "messages_api";

/// The description of an allowed external id, for an error.
const PERSONS_ID: &str = "the id of a person, and not that of a WhatsApp group, broadcast or channel";

/// A message that was sent or received. It reaches the contact with the integer id `contactId`, else the one with
/// `externalUserId` on `platform`, else the one with `phone` on `platform`. Give at least one of the three, and
/// `platform` unless you give `contactId`. Other members are ignored.
#[derive(JsonSchema)]
#[schemars(rename = "Message")]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_message` reads the body, with an error for each fault"
)]
struct MessageItem {
    /// The channel, such as `whatsapp`, in any case of its letters.
    #[schemars(length(max = 64))]
    platform: Option<String>,
    /// The contact's phone in any notation.
    #[schemars(length(max = 256))]
    phone: Option<String>,
    /// The channel's own id of the person.
    #[schemars(length(max = 256))]
    external_user_id: Option<String>,
    /// The contact's integer id, which the lookup calls `id`.
    contact_id: Option<i64>,
    /// `inbound` if the contact sent the message, `outbound` if it received it.
    direction: MessageDirection,
    /// The time of the message, at most five minutes ahead of the database's clock.
    #[schemars(extend("format" = "date-time"))]
    sent_at: String,
    /// `true` creates an unknown contact, and adds a missing phone or external id to a known one. If an inbound message
    /// has the external id of a known contact and a new valid number, `true` also gives the contact the new number.
    create_missing: Option<bool>,
}

// Variants without a comment, so that the schema is an enum of plain texts.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "as `MessageItem`")]
enum MessageDirection {
    Inbound,
    Outbound,
}

/// The answer to one message, or to an array.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum MessagesAnswer {
    One(BatchResult),
    Many(BatchResponse),
}

/// The example of a message.
fn message() -> Value {
    json!({
        "platform": "whatsapp", "phone": "+5492235961983", "direction": "inbound", "sentAt": "2025-03-28T14:22:00Z",
    })
}

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Messages,
    summary: "Record one message, or many",
    description: "Records the time of a message that was sent or received, or of up to 1,000 messages in an array. This \
        keeps `hasReplied` and the session window current. Times only move forward, so a message may be reported twice \
        and in any order.\n\nIf the body is one invalid message, the call answers 400. In an array each message has \
        its own result, and an invalid one does not stop the others.",
    parameters: &[],
    body: Some(Body::new(
        |schemas| {
            let message = documentation::of::<MessageItem>(schemas);
            json_schema!({ "oneOf": [message, { "type": "array", "maxItems": ITEMS_MAX, "items": message }] })
        },
        &[
            Example {
                name: "one",
                summary: "One message",
                value: message,
            },
            Example {
                name: "many",
                summary: "An array of messages",
                value: || json!([message()]),
            },
        ],
    )),
    answer: Answer::json(
        "The result of the message. For an array, an object with one result per message, in the order of the request.",
        |schemas| {
            let one = documentation::of::<BatchResult>(schemas);
            let many = documentation::of::<BatchResponse>(schemas);
            json_schema!({ "oneOf": [one, many] })
        },
        &[
            Example {
                name: "one",
                summary: "The contact had the message already",
                value: || json!(BatchResult::from(BatchStatus::Unchanged)),
            },
            Example {
                name: "many",
                summary: "The contact has changed, and an item has a time in the future",
                value: || {
                    let ahead = BodyFault::Future { name: "sentAt" };
                    let results = vec![BatchStatus::Updated.into(), ahead.into()];
                    json!(BatchResponse { results })
                },
            },
        ],
    ),
    failures: || {
        let (name, expected) = ("direction", Expected::OneOf(DIRECTIONS));
        let (body, max) = ("body", ITEMS_MAX);
        let faults = [
            BodyFault::Missing { name: "sentAt" },
            BodyFault::Member { name, expected },
            BodyFault::TooLong {
                name: "externalUserId",
                max: 256,
            },
            BodyFault::Future { name: "sentAt" },
            BodyFault::NoIdentity { names: IDENTITIES },
            BodyFault::TooMany { name: body, max },
        ];
        faults.map(ApiError::Body).into()
    },
};

/// The allowed directions, for an error.
const DIRECTIONS: &str = "\"inbound\" or \"outbound\"";

/// The members of which a message needs at least one.
const IDENTITIES: &str = "'phone' (with a digit in it), 'externalUserId' or 'contactId'";

/// Records a message, or an array of them.
///
/// All that follows is about `"createMissing": true`. If an inbound message has a known external id and a new valid
/// number, the contact gets the new number, unless a later inbound message is known. A phone that identifies no person,
/// such as `0`, is not stored, and is an error if the message has no `"externalUserId"`. The id of a WhatsApp group,
/// broadcast or channel is an error both as the phone and as the external id.
pub async fn record_messages(
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<MessagesAnswer>, ApiError> {
    let deadline = state.lanes.bulk.deadline(caller.start);
    let read = move |body: &_| read_messages(body, caller.region);
    // Only readable messages go to the database. Their outcomes are then merged with the faults, in the request's
    // order.
    let MessagesBody {
        readable,
        faults,
        is_array,
    } = body::read_json(payload, deadline, read).await?;
    let mut outcomes = state
        .message_batcher
        .record(caller.start, caller.client, readable)
        .await?
        .into_iter();
    let mut results = faults.into_iter().map(|fault| match fault {
        Some(fault) => Err(fault),
        None => response(outcomes.next().expect("every message has an outcome")),
    });
    if is_array {
        let results = results.map(|result| result.unwrap_or_else(BatchResult::from)).collect();
        return Ok(web::Json(MessagesAnswer::Many(BatchResponse { results })));
    }
    let result = results.next().expect("the body is one message")?;
    Ok(web::Json(MessagesAnswer::One(result)))
}

/// The messages of a body.
struct MessagesBody {
    readable: Vec<Message>,
    /// For each message of the request, its fault or `None`.
    faults: Vec<Option<BodyFault>>,
    is_array: bool,
}

fn read_messages(body: &RawValue, region: Region) -> Result<MessagesBody, BodyFault> {
    let (items, is_array) = match body::items(body) {
        Some(items) => (items, true),
        None => (vec![body], false),
    };
    if items.len() > ITEMS_MAX {
        return Err(BodyFault::TooMany {
            name: "body",
            max: ITEMS_MAX,
        });
    }
    let mut readable = Vec::new();
    let faults = items
        .into_iter()
        .map(|item| read_message(item, region).map(|message| readable.push(message)).err())
        .collect();
    Ok(MessagesBody {
        readable,
        faults,
        is_array,
    })
}

fn read_message(item: &RawValue, region: Region) -> Result<Message, BodyFault> {
    let members = Members::new(item)?;
    let target = match members.integer("contactId")? {
        Some(id) => Target::Contact(id),
        None => Target::Person(read_person(&members, region)?),
    };
    let direction = match members.text("direction")?.as_deref() {
        Some("inbound") => Direction::Inbound,
        Some("outbound") => Direction::Outbound,
        Some(_) => {
            return Err(BodyFault::Member {
                name: "direction",
                expected: Expected::OneOf(DIRECTIONS),
            });
        }
        None => return Err(BodyFault::Missing { name: "direction" }),
    };
    let sent_at = members.time("sentAt")?.ok_or(BodyFault::Missing { name: "sentAt" })?;
    let new_contact = members.flag("createMissing")?.unwrap_or(false).then_some(NewContact {
        name: None,
        source: SOURCE,
    });
    if let (Target::Person(person), Some(_)) = (&target, &new_contact) {
        let is_refused = |phone: &Phone| {
            phone.is_group_or_channel() || person.external_user_id.is_none() && !phone.identifies_a_person()
        };
        let is_phone_refused = person.phone.as_ref().is_some_and(is_refused);
        let refused = [
            (is_phone_refused, "phone", Expected::PersonsPhone),
            (
                person.is_group_or_channel(),
                "externalUserId",
                Expected::OneOf(PERSONS_ID),
            ),
        ];
        if let Some((_, name, expected)) = refused.into_iter().find(|(is_refused, ..)| *is_refused) {
            return Err(BodyFault::Member { name, expected });
        }
    }
    Message::new(target, direction, sent_at, new_contact).map_err(|_| BodyFault::Member {
        name: "sentAt",
        expected: Expected::Time,
    })
}

fn read_person(members: &Members, region: Region) -> Result<Person, BodyFault> {
    let text = |name, max| {
        let text = members.text(name)?;
        match text {
            Some(text) if text.chars().count() > max => Err(BodyFault::TooLong { name, max }),
            text => Ok(text),
        }
    };
    let external_user_id = text("externalUserId", 256)?;
    // `WhatsApp` and `whatsapp` are one channel. The length is checked in lower case, because one letter can become
    // two.
    let platform = members.text("platform")?.map(|platform| platform_name(&platform));
    if platform.as_ref().is_some_and(|platform| platform.chars().count() > 64) {
        return Err(BodyFault::TooLong {
            name: "platform",
            max: 64,
        });
    }
    let phone = text("phone", 256)?;
    let on_platform = platform.clone().unwrap_or_default();
    let person = Person::read(on_platform, external_user_id, phone.as_deref(), region);
    let person = person.ok_or(BodyFault::NoIdentity { names: IDENTITIES })?;
    platform.map_or(Err(BodyFault::Missing { name: "platform" }), |_| Ok(person))
}

/// Converts the outcome of a message.
///
/// # Errors
/// [`BodyFault::Future`] if the message is too far ahead of the database's clock.
fn response(outcome: MessageOutcome) -> Result<BatchResult, BodyFault> {
    match outcome {
        MessageOutcome::Created => Ok(BatchStatus::Created.into()),
        MessageOutcome::Updated => Ok(BatchStatus::Updated.into()),
        MessageOutcome::Unchanged => Ok(BatchStatus::Unchanged.into()),
        MessageOutcome::NotFound => Ok(BatchStatus::NotFound.into()),
        MessageOutcome::Ahead => Err(BodyFault::Future { name: "sentAt" }),
    }
}
