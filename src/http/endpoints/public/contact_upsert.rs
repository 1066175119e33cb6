//! `POST /api/public/customer/upsert/info`: makes a contact, or brings it up to date.
//!
//! The documented members: `channel` (required), `contact_phone_number`, `external_user_id`, `contact_email`,
//! `contact_name`, `stageId` (a UUID). An absent one, `null` and a blank text leave what is there. The others
//! (`channel_phone_number`, `channel_id`, `agentId`, `meta_data`, `custom_field_values`) are taken and ignored, as is
//! whatever isn't known.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use schemars::json_schema;
use serde_json::json;

use super::contact_json::PublicContact;
use crate::domain::contact::{Attribute, ContactDraft, ContactFields};
use crate::domain::phone::{Region, StoredPhone};
use crate::http::error::{ApiError, BodyFault};
use crate::http::openapi::{self, Body, Content, Documentation, NOT_BLANK, WITH_DIGIT, having};
use crate::http::request::body::{self, Members};
use crate::http::request::context::{Caller, RequestContext};
use crate::http::state::State;
use crate::store::contacts;

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "Makes a contact, or brings it up to date",
    parameters: &[],
    body: Some(Body::new(|_| {
        json_schema!({
            "type": "object",
            "required": ["channel"],
            "properties": {
                "channel": { "type": "string", "pattern": NOT_BLANK, "maxLength": 64 },
                "contact_phone_number": { "type": ["string", "null"], "maxLength": 256 },
                "external_user_id": { "type": ["string", "null"], "maxLength": 256 },
                "contact_email": { "type": ["string", "null"], "maxLength": 320 },
                "contact_name": { "type": ["string", "null"], "maxLength": 512 },
                "stageId": { "type": ["string", "null"], "format": "uuid" },
            },
            "anyOf": [
                having(&[("contact_phone_number", json!({ "type": "string", "pattern": WITH_DIGIT }))]),
                having(&[("external_user_id", json!({ "type": "string", "pattern": NOT_BLANK }))]),
                having(&[("contact_email", json!({ "type": "string", "pattern": NOT_BLANK }))]),
            ],
            "example": {
                "channel": "whatsapp", "contact_phone_number": "+56912345678", "contact_name": "John Doe",
            },
        })
    })),
    answer: (200, Some(Content::Json(openapi::of::<PublicContact>))),
    failures: &[],
};

/// Answers with the contact as it is then. The same call again, also at the same time, means the same contact.
pub async fn upsert_contact(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let start = RequestContext::of(&request).start;
    let body = body::read_json(payload, state.writes.deadline(start)).await?;
    let draft = read_draft(&Members::new(&body)?, caller.region)?;
    let client = caller.client;
    let row = state
        .writes
        .run(start, move |connection| {
            contacts::upsert_contact(connection, client, &draft)
        })
        .await?;
    Ok(HttpResponse::Ok().json(PublicContact::from(row)))
}

fn read_draft(members: &Members, region: Region) -> Result<ContactDraft, BodyFault> {
    let channel = members.text("channel")?.ok_or(BodyFault::Missing { name: "channel" })?;
    let phone = members.text("contact_phone_number")?;
    let given = ContactFields {
        phone: phone.map(|phone| StoredPhone::read(&phone, region)),
        external_user_id: members.text("external_user_id")?,
        email: members.text("contact_email")?,
        name: members.text("contact_name")?,
        default_stage_id: members.uuid("stageId")?,
        ..ContactFields::default()
    };
    // What the channel knows its contacts by.
    let has_phone = given.phone.as_ref().is_some_and(|phone| phone.phone.is_some());
    let (is_named, names) = match channel.as_str() {
        "whatsapp" | "web-whatsapp" | "sms" => (has_phone, "'contact_phone_number'"),
        "webchat" => (given.external_user_id.is_some(), "'external_user_id'"),
        _ => (true, "'external_user_id', 'contact_phone_number' or 'contact_email'"),
    };
    if !is_named {
        return Err(BodyFault::NoIdentity { names });
    }
    let given = ContactFields {
        platform: Some(channel),
        ..given
    };
    // No time is among the members, so it doesn't matter whose clock this is.
    ContactDraft::new(given, Utc::now()).map_err(|refusal| body::refused(&refusal, member, names))
}

/// What this API calls an attribute.
fn member(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Platform => "channel",
        Attribute::Phone => "contact_phone_number",
        Attribute::Email => "contact_email",
        Attribute::Name => "contact_name",
        other => other.name(),
    }
}
