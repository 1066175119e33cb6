//! `POST /api/v1/messages/`: records messages that were sent or received, one object or an array of up to 1,000.

use actix_web::web;
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::domain::contact::platform_name;
use crate::domain::message::{Direction, Message, NewContact, Person, Phone, Target};
use crate::domain::phone::Region;
use crate::http::documentation::{self, Answer, Body, Documentation, NOT_BLANK, WITH_DIGIT, having};
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

/// The outcome of a message: `{"status":"updated"}`, or `created`, `unchanged`, `not_found`; in an array also
/// `{"status":"error","error":"The member 'sentAt' should be …"}`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum MessageResponse {
    Created,
    Updated,
    /// The contact had this message or later ones already.
    Unchanged,
    /// No contact has this id, external id or phone.
    NotFound,
    /// The message is not recorded. The others are.
    Error {
        error: String,
    },
}

/// The answer to an array: one outcome per message, in their order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessagesResponse {
    pub results: Vec<MessageResponse>,
}

/// The answer to one message, or to an array.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Answer")]
pub enum MessagesAnswer {
    One(MessageResponse),
    Many(MessagesResponse),
}

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "Records one message that was sent or received, or an array of up to a thousand",
    parameters: &[],
    body: Some(Body::new(|_| {
        let text = |max: usize| json!({ "type": ["string", "null"], "maxLength": max });
        let given = json!({ "type": "string", "pattern": NOT_BLANK });
        let phone = json!({ "type": "string", "pattern": WITH_DIGIT });
        let message = json!({
            "type": "object",
            "required": ["direction", "sentAt"],
            "properties": {
                "platform": text(64),
                "phone": text(256),
                "externalUserId": text(256),
                "contactId": { "type": ["integer", "null"], "format": "int64" },
                "direction": { "enum": ["inbound", "outbound"] },
                "sentAt": { "type": "string", "format": "date-time" },
                "createMissing": { "type": ["boolean", "null"] },
            },
            "anyOf": [
                having(&[("contactId", json!({ "type": "integer" }))]),
                having(&[("platform", given.clone()), ("phone", phone)]),
                having(&[("platform", given.clone()), ("externalUserId", given)]),
            ],
        });
        json_schema!({
            "anyOf": [message, { "type": "array", "maxItems": ITEMS_MAX, "items": message }],
            "example": {
                "platform": "whatsapp", "phone": "+5492235961983", "direction": "inbound", "sentAt": "2025-03-28T14:22:00Z",
            },
        })
    })),
    answer: Answer::json(
        "The message's outcome, or one per message of an array",
        documentation::of::<MessagesAnswer>,
    ),
    failures: &[],
};

/// Records a message, or an array of them. A message is
///
/// ```json
/// {"platform": "whatsapp", "phone": "+5492235961983", "direction": "inbound", "sentAt": "2025-03-28T14:22:00Z"}
/// ```
///
/// A message may have `"externalUserId"` instead of `"phone"`. If it has both, `"externalUserId"`
/// takes precedence. `"contactId"`, the integer id, takes precedence over both and needs no
/// `platform`. With `"createMissing": true` the call creates an unknown contact, and adds a missing
/// phone or external id to a known one. If an inbound message then has a known external id and a new valid number, the
/// contact gets the new number, unless a later inbound message is known. A phone that identifies no person, such as
/// `0`, is not stored. With `"createMissing": true`, such a phone is an error if the message has no `"externalUserId"`.
/// The id of a WhatsApp group, broadcast or channel is always an error then, as the phone and as the external id.
///
/// If the body is one invalid message, the call answers 400. In an array each message has its own outcome, and an
/// invalid message does not stop the others.
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
        let results = results
            .map(|result| result.unwrap_or_else(MessageResponse::from))
            .collect();
        return Ok(web::Json(MessagesAnswer::Many(MessagesResponse { results })));
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
            let expected = Expected::OneOf("\"inbound\" or \"outbound\"");
            return Err(BodyFault::Member {
                name: "direction",
                expected,
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
    let person = person.ok_or(BodyFault::NoIdentity {
        names: "'phone' (with a digit in it), 'externalUserId' or 'contactId'",
    })?;
    platform.map_or(Err(BodyFault::Missing { name: "platform" }), |_| Ok(person))
}

/// Converts the outcome of a message.
///
/// # Errors
/// [`BodyFault::Future`] if the message is too far ahead of the database's clock.
fn response(outcome: MessageOutcome) -> Result<MessageResponse, BodyFault> {
    match outcome {
        MessageOutcome::Created => Ok(MessageResponse::Created),
        MessageOutcome::Updated => Ok(MessageResponse::Updated),
        MessageOutcome::Unchanged => Ok(MessageResponse::Unchanged),
        MessageOutcome::NotFound => Ok(MessageResponse::NotFound),
        MessageOutcome::Ahead => Err(BodyFault::Future { name: "sentAt" }),
    }
}

impl From<BodyFault> for MessageResponse {
    fn from(fault: BodyFault) -> Self {
        Self::Error { error: fault.english() }
    }
}
