//! `GET` and `POST /webhooks/whatsapp/{token}`: the webhook of Meta's WhatsApp Cloud API, as Meta documents it, so that
//! replies and session windows are live without anything in between.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>

use actix_web::http::header::{ContentType, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use schemars::{Schema, json_schema};
use serde_json::value::RawValue;

use crate::domain::message::{Direction, Message, NewContact, Person, Phone, Target};
use crate::domain::phone::{Region, whatsapp_id};
use crate::domain::webhook::Token;
use crate::domain::window::PLATFORM;
use crate::http::database::message_batcher;
use crate::http::error::{ApiError, ParameterFault};
use crate::http::openapi::{Body, Content, Documentation, In, Parameter};
use crate::http::request::body::{self, Members};
use crate::http::request::context::RequestContext;
use crate::http::request::query::{self, VALUE_MAX};
use crate::http::state::State;
use crate::store::messages::MessageOutcome;
use crate::store::webhooks::Webhook;

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// The largest delivery that Meta makes, in bytes.
const DELIVERY_MAX: usize = 3 * 1024 * 1024;

/// The source of a contact that wrote before anybody else knew it.
const SOURCE: &str = "whatsapp_sync";

/// What Meta reports among the messages though nobody wrote anything: a changed number, a chat that was opened.
const UNWRITTEN: [&str; 2] = ["system", "request_welcome"];

const TOKEN: Parameter = Parameter {
    place: In::Path,
    name: "token",
    description: "What `contact-search webhook create` printed",
    is_required: true,
    schema: token,
};

fn token() -> Schema {
    json_schema!({
        "type": "string", "pattern": "^[0-9A-Za-z]{32}$", "example": "0123456789abcdefghijklmnopqrstuv",
    })
}

pub const HANDSHAKE: Documentation = Documentation {
    summary: "The handshake by which Meta finds out whether the address is meant for it",
    parameters: &[
        TOKEN,
        Parameter {
            place: In::Query,
            name: "hub.mode",
            description: "What Meta asks for",
            is_required: true,
            schema: || json_schema!({ "const": "subscribe" }),
        },
        Parameter {
            place: In::Query,
            name: "hub.verify_token",
            description: "The token once more",
            is_required: true,
            schema: token,
        },
        Parameter {
            place: In::Query,
            name: "hub.challenge",
            description: "What is sent back",
            is_required: true,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX, "example": "1158201444" }),
        },
    ],
    body: None,
    answer: (200, Some(Content::Text)),
    failures: &[400, 403],
};

pub const DELIVERY: Documentation = Documentation {
    summary: "What Meta's WhatsApp Cloud API delivers, signed in `X-Hub-Signature-256` by the app secret",
    parameters: &[
        TOKEN,
        Parameter {
            place: In::Header,
            name: "X-Hub-Signature-256",
            description: "The HMAC-SHA256 of the body, byte by byte as it is sent, with the app secret as its key",
            is_required: true,
            schema: || json_schema!({ "type": "string", "pattern": "^sha256=[0-9a-fA-F]{64}$" }),
        },
    ],
    body: Some(Body {
        max: DELIVERY_MAX,
        schema: |_| json_schema!({ "type": "object" }),
    }),
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
/// left out: what isn't asked for may be any JSON, and a message that can't be read leaves the others. The database's
/// absence is 503 as everywhere, and there another delivery does help.
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
    let Ok(delivery) = serde_json::from_slice::<&RawValue>(&body) else {
        log::warn!("a signed WhatsApp delivery is no JSON and was left out");
        return Ok(HttpResponse::Ok().finish());
    };
    let messages = read_delivery(delivery, webhook.region);
    if !messages.is_empty() {
        let outcomes = message_batcher::record(&state, start, webhook.client, messages).await?;
        let ahead = outcomes
            .iter()
            .filter(|outcome| **outcome == MessageOutcome::Ahead)
            .count();
        if ahead > 0 {
            log::warn!(
                "{ahead} WhatsApp messages are ahead of the database's clock and were left out: check that clock"
            );
        }
    }
    Ok(HttpResponse::Ok().finish())
}

/// The messages of a delivery: `entry[].changes[].value`, where the changed field is `messages`.
fn read_delivery(delivery: &RawValue, region: Region) -> Vec<Message> {
    let delivery = object(Some(delivery));
    if word(&delivery, "object").as_deref() != Some("whatsapp_business_account") {
        return Vec::new();
    }
    objects(&delivery, "entry")
        .iter()
        .flat_map(|entry| objects(entry, "changes"))
        .filter(|change| word(change, "field").as_deref() == Some("messages"))
        .flat_map(|change| Told::new(&object(change.value("value"))).read(region))
        .collect()
}

/// What a change tells: its messages, received and sent, and the people that they are from and to.
struct Told<'a> {
    profiles: Vec<Profile>,
    messages: Vec<Members<'a>>,
    statuses: Vec<Members<'a>>,
}

impl<'a> Told<'a> {
    fn new(value: &Members<'a>) -> Self {
        Self {
            profiles: objects(value, "contacts").iter().map(Profile::read).collect(),
            messages: objects(value, "messages"),
            statuses: objects(value, "statuses"),
        }
    }

    fn read(&self, region: Region) -> Vec<Message> {
        let received = self
            .messages
            .iter()
            .filter_map(|message| self.read_received(message, region));
        let sent = self.statuses.iter().filter_map(|status| self.read_sent(status, region));
        received.chain(sent).collect()
    }

    /// A message of `messages`: `from`, `timestamp`, `type`. Its sender becomes a contact where it is none, with the
    /// name of its profile. What is said in a group opens no window to its sender, and is left out.
    fn read_received(&self, message: &Members<'_>, region: Region) -> Option<Message> {
        let kind = word(message, "type");
        if kind.is_some_and(|kind| UNWRITTEN.contains(&&*kind)) || message.value("group_id").is_some() {
            return None;
        }
        let ids = Ids::read(message, "from", "from_user_id");
        let profile = self.find_profile(&ids);
        let new_contact = NewContact {
            name: profile.and_then(|profile| profile.name.clone()),
            source: SOURCE,
        };
        let person = ids.or_of(profile).person(region)?;
        read_message(person, Direction::Inbound, message, Some(new_contact))
    }

    /// A message of `statuses`: `recipient_id`, `timestamp`, `status`. Only `sent` is a message's time. `delivered` and
    /// `read` come seconds or days after the message, and `failed` says that there was none; taken for messages they
    /// would move a contact up that nobody wrote to. A recipient that is no contact is not made one.
    fn read_sent(&self, status: &Members<'_>, region: Region) -> Option<Message> {
        let is_sent = word(status, "status").as_deref() == Some("sent");
        if !is_sent || word(status, "recipient_type").as_deref() == Some("group") {
            return None;
        }
        let ids = Ids::read(status, "recipient_id", "recipient_user_id");
        let profile = self.find_profile(&ids);
        let person = ids.or_of(profile).person(region)?;
        read_message(person, Direction::Outbound, status, None)
    }

    /// The profile of the sender or the recipient. A sole one is meant whatever its id where there is one message: Meta
    /// says that a WhatsApp id need not be the phone number.
    fn find_profile(&self, ids: &Ids) -> Option<&Profile> {
        let is_same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let is_sole = self.profiles.len() == 1 && self.messages.len() + self.statuses.len() == 1;
        self.profiles.iter().find(|Profile { ids: theirs, .. }| {
            is_sole || is_same(&theirs.user, &ids.user) || is_same(&theirs.whatsapp, &ids.whatsapp)
        })
    }
}

/// An object of `contacts`.
struct Profile {
    ids: Ids,
    name: Option<String>,
}

impl Profile {
    fn read(contact: &Members<'_>) -> Self {
        Self {
            ids: Ids::read(contact, "wa_id", "user_id"),
            name: text(&object(contact.value("profile")), "name", 512),
        }
    }
}

/// By what a person is known here. Somebody with a username may have no phone number, and somebody whom the Cloud API
/// hasn't told of yet no user id.
struct Ids {
    /// The WhatsApp id, which mostly is the phone number.
    whatsapp: Option<String>,
    /// The business-scoped user id.
    user: Option<String>,
}

impl Ids {
    fn read(members: &Members<'_>, whatsapp: &'static str, user: &'static str) -> Self {
        let [whatsapp, user] = [whatsapp, user].map(|name| text(members, name, 256));
        Self { whatsapp, user }
    }

    /// With those of the profile where there is none here.
    fn or_of(self, profile: Option<&Profile>) -> Self {
        let Some(Profile { ids: theirs, .. }) = profile else {
            return self;
        };
        Self {
            whatsapp: self.whatsapp.or_else(|| theirs.whatsapp.clone()),
            user: self.user.or_else(|| theirs.user.clone()),
        }
    }

    /// Whoever has the user id as its external id, else the phone number; `None` where the ids are nobody's.
    fn person(self, region: Region) -> Option<Person> {
        let is_number = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
        let (number, other) = match self.whatsapp {
            Some(id) if is_number(&id) => (Some(id), None),
            other => (None, other),
        };
        if other.as_deref().is_some_and(whatsapp_id::is_group_or_channel) {
            return None;
        }
        let external_user_id = self.user.or(other);
        let phone = number.and_then(|id| Phone::read_whatsapp_id(&id, region));
        let phone = phone.filter(Phone::identifies_a_person);
        (external_user_id.is_some() || phone.is_some()).then(|| Person {
            platform: PLATFORM.to_owned(),
            external_user_id,
            phone,
        })
    }
}

fn read_message(
    person: Person,
    direction: Direction,
    item: &Members<'_>,
    new_contact: Option<NewContact>,
) -> Option<Message> {
    // Unix seconds, documented as a text.
    let seconds = match word(item, "timestamp") {
        Some(text) => text.parse().ok()?,
        None => item.integer("timestamp").ok()??,
    };
    let sent_at = DateTime::from_timestamp(seconds, 0)?;
    Message::new(Target::Person(person), direction, sent_at, new_contact).ok()
}

/// The objects of an array. What is no array has none, and an item that is no object no members.
fn objects<'a>(members: &Members<'a>, name: &'static str) -> Vec<Members<'a>> {
    let items = members.array(name).ok().flatten().unwrap_or_default();
    items.into_iter().map(|item| object(Some(item))).collect()
}

/// An object; without members where it is none.
fn object(value: Option<&RawValue>) -> Members<'_> {
    value.and_then(|value| Members::new(value).ok()).unwrap_or_default()
}

/// A text that the database takes; anything else is as if it weren't there.
fn text(members: &Members<'_>, name: &'static str, max: usize) -> Option<String> {
    word(members, name).filter(|text| text.chars().count() <= max)
}

/// A text of any length.
fn word(members: &Members<'_>, name: &'static str) -> Option<String> {
    members.text(name).ok().flatten()
}
