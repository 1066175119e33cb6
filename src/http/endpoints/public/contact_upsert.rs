//! `POST /api/public/customer/upsert/info`: creates or updates a contact.
//!
//! The documented members: `channel` (required), `contact_phone_number`, `external_user_id`, `contact_email`,
//! `contact_name`, `stageId` (a UUID). A phone that is not a valid number, such as `5.49112E+12`, does not replace a
//! better one. The contact keeps its phone, and the answer shows that phone. An absent member, `null` and a blank text
//! leave the contact's value as it is. The other documented members (`channel_phone_number`, `channel_id`, `agentId`,
//! `meta_data`, `custom_field_values`) and all unknown ones are ignored.

use actix_web::web;
use chrono::Utc;
use schemars::json_schema;
use serde_json::json;

use super::contact_json::PublicContact;
use crate::domain::contact::{Attribute, ContactDraft, ContactFields, platform_name};
use crate::domain::phone::whatsapp_id::{is_group_or_channel, is_hidden_number};
use crate::domain::phone::{Region, StoredPhone};
use crate::domain::window::is_whatsapp;
use crate::http::documentation::{self, Answer, Body, Documentation, NOT_BLANK, WITH_DIGIT, having};
use crate::http::error::{ApiError, BodyFault};
use crate::http::metrics::Write;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::context::Caller;
use crate::http::state::State;
use crate::store::contacts;

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "Creates or updates a contact",
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
    answer: Answer::json("The written contact", documentation::of::<PublicContact>),
    failures: &[],
};

/// Answers with the written contact. Repeated or concurrent calls with the same identity write to the same contact.
pub async fn upsert_contact(
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<web::Json<PublicContact>, ApiError> {
    let Caller { client, region, start } = caller;
    let read = move |body: &_| read_draft(&Members::new(body)?, region);
    let draft = body::read_json(payload, state.lanes.writes.deadline(start), read).await?;
    let (row, upserted) = state
        .lanes
        .writes
        .run(start, move |connection| {
            contacts::upsert_contact(connection, client, &draft)
        })
        .await?;
    state
        .metrics
        .count_kept_phones(Write::Upsert, upserted.keeps_phone.into());
    Ok(web::Json(PublicContact::from(row)))
}

fn read_draft(members: &Members, region: Region) -> Result<ContactDraft, BodyFault> {
    let channel = members.text("channel")?.ok_or(BodyFault::Missing { name: "channel" })?;
    let channel = platform_name(&channel);
    let phone = members.text("contact_phone_number")?;
    let fields = ContactFields {
        phone: phone.map(|phone| StoredPhone::read(&phone, region, &channel)),
        external_user_id: members.text("external_user_id")?,
        email: members.text("contact_email")?,
        name: members.text("contact_name")?,
        default_stage_id: members.uuid("stageId")?,
        ..ContactFields::default()
    };
    // Checks the identity that the channel requires. A group's id counts as a phone here, so that `ContactDraft::new`
    // refuses it with an error of its own.
    let is_phone = |phone: &StoredPhone| match phone.as_given.as_str() {
        id if is_hidden_number(id) => false,
        id => phone.phone.is_some() || is_group_or_channel(id),
    };
    let has_phone = fields.phone.as_ref().is_some_and(is_phone);
    let (has_identity, names) = match channel.as_str() {
        channel if is_whatsapp(channel) || channel == "sms" => (has_phone, "'contact_phone_number'"),
        "webchat" => (fields.external_user_id.is_some(), "'external_user_id'"),
        _ => (true, "'external_user_id', 'contact_phone_number' or 'contact_email'"),
    };
    if !has_identity {
        return Err(BodyFault::NoIdentity { names });
    }
    let fields = ContactFields {
        platform: Some(channel),
        ..fields
    };
    // The body has no times, so the clock does not matter.
    ContactDraft::new(fields, Utc::now()).map_err(|error| body::fault_of(&error, member, names))
}

/// This API's name of an attribute.
fn member(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Platform => "channel",
        Attribute::Phone => "contact_phone_number",
        Attribute::Email => "contact_email",
        Attribute::Name => "contact_name",
        other => other.name(),
    }
}
