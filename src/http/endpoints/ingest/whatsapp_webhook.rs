//! `GET` and `POST /webhooks/whatsapp/{token}`: the webhook of Meta's WhatsApp Cloud API. It keeps replies and session
//! windows live without a service in between.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>

use actix_web::http::header::{ContentType, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::whatsapp_delivery::read_delivery;
use crate::domain::counted::counted;
use crate::domain::message::Message;
use crate::domain::webhook::Token;
use crate::http::documentation::{self, Answer, Body, Documentation, Example, In, Parameter, Tag};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::body::{self, Payload};
use crate::http::request::context::RequestContext;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;
use crate::http::state::State;
use crate::store::messages::MessageOutcome;
use crate::store::webhooks::Webhook;

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// The largest delivery that Meta sends, in bytes.
const DELIVERY_MAX: usize = 3 * 1024 * 1024;

const TOKEN: Parameter = Parameter {
    place: In::Path,
    name: "token",
    description: "The token that `contact-search webhook create` printed.",
    is_required: true,
    schema: token,
    example: || json!(EXAMPLE_TOKEN),
};

const EXAMPLE_TOKEN: &str = "NXhqGguoMr6FmfakXTqqXPHbXTkstqBE";

fn token() -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9A-Za-z]{32}$" })
}

/// A delivery of Meta's WhatsApp Cloud API. Meta documents its members. The server reads the messages, statuses and calls
/// of `whatsapp_business_account`, and skips the rest.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the specification shows it; `read_delivery` reads the body")]
struct WhatsAppDelivery {
    /// The product that the delivery is about: `whatsapp_business_account`.
    object: Option<String>,
    /// The changes, by business account.
    entry: Option<Vec<Map<String, Value>>>,
}

pub const HANDSHAKE: Documentation = Documentation {
    tag: Tag::Messages,
    summary: "Answer Meta's handshake",
    description: "Meta calls this to verify the address of a webhook. The token in the path is the credential.",
    parameters: &[
        TOKEN,
        Parameter {
            place: In::Query,
            name: "hub.mode",
            description: "Always `subscribe`.",
            is_required: true,
            schema: || json_schema!({ "type": "string", "const": "subscribe" }),
            example: || json!("subscribe"),
        },
        Parameter {
            place: In::Query,
            name: "hub.verify_token",
            description: "The verify token: the same as in the path.",
            is_required: true,
            schema: token,
            example: || json!(EXAMPLE_TOKEN),
        },
        Parameter {
            place: In::Query,
            name: "hub.challenge",
            description: "The text that the answer repeats.",
            is_required: true,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX }),
            example: || json!("1158201444"),
        },
    ],
    body: None,
    answer: Answer::text(
        "The text of `hub.challenge`.",
        "text/plain",
        &[Example {
            name: "challenge",
            summary: "The challenge",
            value: || json!("1158201444"),
        }],
    ),
    failures: || {
        let missing = ApiError::Parameter {
            name: "hub.challenge",
            fault: ParameterFault::Missing,
        };
        vec![missing, ApiError::HandshakeRefused]
    },
};

pub const DELIVERY: Documentation = Documentation {
    tag: Tag::Messages,
    summary: "Receive a delivery of Meta's WhatsApp Cloud API",
    description: "Meta calls this with messages, statuses and calls. The token in the path and the signature are the \
        credentials. A delivery with a valid signature gets 200 even without a usable message, because Meta would \
        repeat it for days after any other answer.",
    parameters: &[
        TOKEN,
        Parameter {
            place: In::Header,
            name: "X-Hub-Signature-256",
            description: "`sha256=` and the HMAC-SHA256 of the body's bytes, with the app secret as its key.",
            is_required: true,
            schema: || json_schema!({ "type": "string", "pattern": "^sha256=[0-9a-fA-F]{64}$" }),
            example: || json!("sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        },
    ],
    body: Some(Body {
        max: DELIVERY_MAX,
        schema: documentation::of::<WhatsAppDelivery>,
        examples: &[Example {
            name: "text",
            summary: "A text message",
            value: || {
                let value = json!({
                    "messaging_product": "whatsapp",
                    "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
                    "contacts": [{ "profile": { "name": "Juan Perez" }, "wa_id": "5492235961983" }],
                    "messages": [{
                        "from": "5492235961983", "id": "wamid.HBgNNTQ5MjIzNTk2MTk4MxUCABIYFDNBMUI", "timestamp": "1743171720",
                        "type": "text", "text": { "body": "Hola" },
                    }],
                });
                json!({
                    "object": "whatsapp_business_account",
                    "entry": [{ "id": "102290129340398", "changes": [{ "field": "messages", "value": value }] }],
                })
            },
        }],
    }),
    answer: Answer::empty(200, "The delivery is recorded."),
    failures: || vec![ApiError::SignatureWrong],
};

/// Answers the handshake by which Meta verifies the address: 200 and the parameter `hub.challenge` as plain text if
/// `hub.mode` is `subscribe` and `hub.verify_token` is the token, else 403.
pub async fn answer_handshake(request: HttpRequest, webhook: web::ReqData<Webhook>) -> Result<HttpResponse, ApiError> {
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

/// Records a delivery. Answers 200 without a body when the whole delivery is recorded, and 401 if the signature is
/// missing or wrong.
///
/// Every signed delivery gets 200, even one of another product or one that is not JSON. After any other answer Meta
/// retries the delivery for days, and the same bytes would fail each time. Messages that cannot be read are skipped,
/// and the others are recorded. Without the database the answer is 503 as everywhere, and a retry succeeds later.
pub async fn receive_delivery(
    request: HttpRequest,
    context: RequestContext,
    webhook: web::ReqData<Webhook>,
    state: web::Data<State>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let deadline = state.lanes.bulk.deadline(context.start);
    let webhook = webhook.into_inner();
    let (id, client, signature) = (webhook.id, webhook.client, request.headers().get(SIGNATURE).cloned());
    let read = move |body: &[u8]| read_signed(body, &webhook, signature.as_ref());
    let messages = body::read(payload, DELIVERY_MAX, deadline, read).await?;
    if !messages.is_empty() {
        let outcomes = state.message_batcher.record(context.start, client, messages).await?;
        let ahead = outcomes
            .iter()
            .filter(|outcome| **outcome == MessageOutcome::Ahead)
            .count();
        if ahead > 0 {
            log::warn!(
                "{} ahead of the database's clock: check that clock",
                counted(
                    ahead,
                    "WhatsApp message was skipped, because it is",
                    "WhatsApp messages were skipped, because they are"
                )
            );
        }
    }
    state.key_usage.note_delivery(id, context.start.into_std());
    Ok(HttpResponse::Ok().finish())
}

/// The messages of a signed delivery. A delivery that is not JSON has none.
///
/// # Errors
/// [`ApiError::SignatureWrong`] if the signature is missing or wrong.
fn read_signed(body: &[u8], webhook: &Webhook, signature: Option<&HeaderValue>) -> Result<Vec<Message>, ApiError> {
    let signature = signature.ok_or(ApiError::SignatureWrong)?;
    if !webhook.app_secret.has_signed(body, signature.as_bytes()) {
        return Err(ApiError::SignatureWrong);
    }
    let Ok(delivery) = serde_json::from_slice::<&RawValue>(body) else {
        log::warn!("a signed WhatsApp delivery is not JSON and was skipped");
        return Ok(Vec::new());
    };
    Ok(read_delivery(delivery, webhook.region))
}
