//! `GET` and `POST /webhooks/whatsapp/{token}`: the webhook of Meta's WhatsApp Cloud API, as Meta documents it, so that
//! replies and session windows are live without anything in between.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>

use actix_web::http::header::{ContentType, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use schemars::json_schema;
use serde_json::Value;

use super::body;
use super::context::RequestContext;
use super::error::{ApiError, ParameterFault};
use super::openapi::{Content, Documentation, Parameter};
use super::query;
use super::state::State;
use crate::domain::message::{Direction, Message, Newcomer, Person, Phone, Whom};
use crate::domain::phone::Region;
use crate::domain::webhook::Token;
use crate::domain::window::PLATFORM;
use crate::store::messages::{self, Outcome};
use crate::store::webhooks::Webhook;

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// The largest delivery that Meta makes, in bytes.
const DELIVERY_MAX: usize = 3 * 1024 * 1024;

/// The source of a contact that wrote before anybody else knew it.
const SOURCE: &str = "whatsapp_sync";

/// What Meta reports among the messages though nobody wrote anything: a changed number, a chat that was opened.
const UNWRITTEN: [&str; 2] = ["system", "request_welcome"];

const TOKEN: Parameter = Parameter {
    name: "token",
    description: "What `contact-search webhook create` printed",
    is_required: true,
    example: "0123456789abcdefghijklmnopqrstuv",
};

pub const HANDSHAKE: Documentation = Documentation {
    summary: "The handshake by which Meta finds out whether the address is meant for it",
    parameters: &[
        TOKEN,
        Parameter {
            name: "hub.mode",
            description: "`subscribe`",
            is_required: true,
            example: "subscribe",
        },
        Parameter {
            name: "hub.verify_token",
            description: "The token once more",
            is_required: true,
            example: "0123456789abcdefghijklmnopqrstuv",
        },
        Parameter {
            name: "hub.challenge",
            description: "What is sent back",
            is_required: true,
            example: "1158201444",
        },
    ],
    body: None,
    answer: (200, Some(Content::Text)),
    failures: &[400, 403],
};

pub const DELIVERY: Documentation = Documentation {
    summary: "What Meta's WhatsApp Cloud API delivers, signed in `X-Hub-Signature-256` by the app secret",
    parameters: &[TOKEN],
    body: Some(|_| json_schema!({ "type": "object" })),
    answer: (200, None),
    failures: &[401],
};

/// Answers the handshake by which Meta finds out whether the address is meant for it: 200 and the parameter
/// `hub.challenge`, as plain text, where `hub.mode` is `subscribe` and `hub.verify_token` the token; else 403.
pub async fn shake_hands(request: HttpRequest, webhook: web::ReqData<Webhook>) -> Result<HttpResponse, ApiError> {
    let query = request.query_string();
    let mode = query::parameter(query, "hub.mode")?;
    let token = query::parameter(query, "hub.verify_token")?.and_then(|token| Token::parse(&token));
    if mode.as_deref() != Some("subscribe") || token.is_none_or(|token| token.hash() != webhook.token_hash) {
        return Err(ApiError::HandshakeRefused);
    }
    let challenge = query::parameter(query, "hub.challenge")?.ok_or(ApiError::Parameter {
        name: "hub.challenge",
        fault: ParameterFault::Missing,
    })?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body(challenge))
}

/// Takes what Meta tells: 200 without a body once all of it is recorded, 401 where the signature is missing or wrong.
///
/// Whatever is signed is answered with 200, were it of another product or no JSON at all: Meta sends anything else
/// again, for days, and the same bytes would never become better. What can be read of a delivery counts, the rest is
/// left out. The database's absence is 503 as everywhere, and there another delivery does help.
pub async fn take_delivery(
    request: HttpRequest,
    webhook: web::ReqData<Webhook>,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let start = RequestContext::of(&request).start;
    let body = body::read(payload, DELIVERY_MAX, state.bulk.deadline(start)).await?;
    let signature = request.headers().get(SIGNATURE).ok_or(ApiError::SignatureWrong)?;
    if !webhook.app_secret.has_signed(&body, signature.as_bytes()) {
        return Err(ApiError::SignatureWrong);
    }
    let Ok(delivery) = serde_json::from_slice::<Value>(&body) else {
        log::warn!("a signed WhatsApp delivery is no JSON and was left out");
        return Ok(HttpResponse::Ok().finish());
    };
    let messages = read_delivery(&delivery, webhook.region);
    if !messages.is_empty() {
        let client = webhook.client;
        let outcomes = state
            .lane_for(messages.len())
            .run(start, move |connection| {
                messages::record_messages(connection, client, &messages)
            })
            .await?;
        let ahead = outcomes.iter().filter(|outcome| **outcome == Outcome::Ahead).count();
        if ahead > 0 {
            log::warn!(
                "{ahead} WhatsApp messages are ahead of the database's clock and were left out: check that clock"
            );
        }
    }
    Ok(HttpResponse::Ok().finish())
}

/// The messages of a delivery: `entry[].changes[].value`, where the changed field is `messages`.
fn read_delivery(delivery: &Value, region: Region) -> Vec<Message> {
    if delivery["object"] != "whatsapp_business_account" {
        return Vec::new();
    }
    items(&delivery["entry"])
        .flat_map(|entry| items(&entry["changes"]))
        .filter(|change| change["field"] == "messages")
        .map(|change| &change["value"])
        .flat_map(|value| {
            let received = items(&value["messages"]).filter_map(move |message| read_received(message, value, region));
            let sent = items(&value["statuses"]).filter_map(move |status| read_sent(status, value, region));
            received.chain(sent)
        })
        .collect()
}

/// A message of `messages`: `from`, `timestamp`, `type`. Its sender becomes a contact where it is none, with the name
/// of its profile. What is said in a group opens no window to its sender, and is left out.
fn read_received(message: &Value, value: &Value, region: Region) -> Option<Message> {
    if UNWRITTEN.iter().any(|kind| message["type"] == *kind) || !message["group_id"].is_null() {
        return None;
    }
    let profile = find_profile(value, &message["from"], &message["from_user_id"]);
    let newcomer = Newcomer {
        name: text(&profile["profile"]["name"], 512),
        source: SOURCE,
    };
    let person = read_person(&message["from"], &message["from_user_id"], profile, region)?;
    read_message(person, Direction::Inbound, message, Some(newcomer))
}

/// A message of `statuses`: `recipient_id`, `timestamp`, `status`. Only `sent` is a message's time. `delivered` and
/// `read` come seconds or days after the message, and `failed` says that there was none; taken for messages they would
/// move a contact up that nobody wrote to. A recipient that is no contact is not made one.
fn read_sent(status: &Value, value: &Value, region: Region) -> Option<Message> {
    if status["status"] != "sent" || status["recipient_type"] == "group" {
        return None;
    }
    let profile = find_profile(value, &status["recipient_id"], &status["recipient_user_id"]);
    let person = read_person(&status["recipient_id"], &status["recipient_user_id"], profile, region)?;
    read_message(person, Direction::Outbound, status, None)
}

/// The object of `contacts` that describes the sender or the recipient; `null` where none does. A sole one is meant
/// whatever its id where there is one message: Meta says that a WhatsApp id need not be the phone number.
fn find_profile<'a>(value: &'a Value, phone: &Value, user_id: &Value) -> &'a Value {
    let is_same = |a: &Value, b: &Value| !a.is_null() && a == b;
    let is_sole = items(&value["contacts"]).count() == 1
        && items(&value["messages"]).chain(items(&value["statuses"])).count() == 1;
    items(&value["contacts"])
        .find(|contact| is_sole || is_same(&contact["user_id"], user_id) || is_same(&contact["wa_id"], phone))
        .unwrap_or(&Value::Null)
}

/// Whoever has the business-scoped user id, which is the contact's external id, else the phone number. Somebody with a
/// username may have no phone number here, and somebody whom the Cloud API hasn't told of yet no user id.
fn read_person(phone: &Value, user_id: &Value, profile: &Value, region: Region) -> Option<Person> {
    let is_number = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
    let id = |value: &Value| text(value, 256);
    let phone = id(phone).or_else(|| id(&profile["wa_id"]));
    let external_user_id = id(user_id)
        .or_else(|| id(&profile["user_id"]))
        .or_else(|| phone.clone().filter(|id| !is_number(id)));
    let phone = phone
        .filter(is_number)
        .and_then(|id| Phone::read_whatsapp_id(&id, region));
    (external_user_id.is_some() || phone.is_some()).then(|| Person {
        platform: PLATFORM.to_owned(),
        external_user_id,
        phone,
    })
}

fn read_message(person: Person, direction: Direction, item: &Value, newcomer: Option<Newcomer>) -> Option<Message> {
    // Unix seconds, documented as a text.
    let timestamp = &item["timestamp"];
    let seconds = timestamp
        .as_str()
        .map_or(timestamp.as_i64(), |text| text.parse().ok())?;
    let sent_at = DateTime::from_timestamp(seconds, 0)?;
    Message::new(Whom::Person(person), direction, sent_at, newcomer).ok()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text that the database takes; anything else is as if it weren't there.
fn text(value: &Value, max: usize) -> Option<String> {
    let text = value.as_str()?.trim();
    let is_usable = !text.is_empty() && !text.contains('\0') && text.chars().count() <= max;
    is_usable.then(|| text.to_owned())
}
