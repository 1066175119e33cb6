//! `POST /api/public/customer/upsert/info`: creates or updates a contact.
//!
//! [`ContactUpsert`] describes the members. The others that the vendor documents (`channel_phone_number`, `channel_id`,
//! `agentId`, `meta_data`, `custom_field_values`) and all unknown ones are ignored.

use actix_web::{CustomizeResponder, Responder, web};
use chrono::Utc;
use schemars::{JsonSchema, json_schema};
use serde_json::json;

use super::contact_json::{CONTACT, PublicContact};
use crate::domain::contact::{Attribute, ContactDraft, ContactFields, platform_name};
use crate::domain::phone::whatsapp_id::{is_group_or_channel, is_hidden_number};
use crate::domain::phone::{Region, StoredPhone};
use crate::domain::window::is_whatsapp;
use crate::http::documentation::{
    self, Answer, AnswerHeader, Body, Documentation, Example, NOT_BLANK, OptionalUuid, Tag,
};
use crate::http::error::{ApiError, BodyFault, Expected};
use crate::http::metrics::Write;
use crate::http::request::body::{self, Members, Payload};
use crate::http::request::context::Caller;
use crate::http::state::State;
use crate::store::contacts;

/// The header that says what the call did: `created`, `updated` or `unchanged`. It is no member of the body, because
/// the vendor documents the body.
const CONTACT_STATUS: &str = "X-Contact-Status";

/// A contact to create or update. Beside `channel`, give at least one of `contact_phone_number`, `external_user_id` and
/// `contact_email`. The channels `whatsapp`, `web-whatsapp` and `sms` need the phone, and `webchat` the external id. An
/// absent member, `null` and a blank text leave the contact's value as it is. Other members are ignored.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the specification shows it; `read_draft` reads the body, with an error for each fault"
)]
struct ContactUpsert {
    /// The channel, such as `whatsapp`, in any case of its letters.
    #[schemars(length(max = 64), regex(pattern = NOT_BLANK))]
    channel: String,
    /// The phone in any notation. A phone that is not a valid number does not replace a valid one.
    #[schemars(length(max = 256))]
    contact_phone_number: Option<String>,
    /// The channel's own id of the person.
    #[schemars(length(max = 256))]
    external_user_id: Option<String>,
    /// The email. A placeholder such as `n/a` counts as blank.
    #[schemars(length(max = 320))]
    contact_email: Option<String>,
    /// The name.
    #[schemars(length(max = 512))]
    contact_name: Option<String>,
    /// The UUID of a stage of your own system. Answers show it as `default_stage_id`.
    #[serde(rename = "stageId")]
    #[serde(default)]
    stage_id: OptionalUuid,
}

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Contacts,
    summary: "Create or update one contact",
    description: "Updates the contact if it exists, and creates it if not. The same call twice leaves one contact, even \
        if both calls run at the same time. The contact is identified by its external id, else by its phone, else by \
        its email.",
    parameters: &[],
    body: Some(Body::new(
        documentation::of::<ContactUpsert>,
        &[Example {
            name: "whatsapp",
            summary: "A contact on WhatsApp",
            value: || {
                json!({
                    "channel": "whatsapp", "contact_phone_number": "+56912345678", "contact_name": "John Doe",
                    "contact_email": "john@example.com",
                })
            },
        }],
    )),
    answer: Answer::json(
        "The contact after the call. If it kept its own phone, this is the phone shown.",
        documentation::of::<PublicContact>,
        CONTACT,
    )
    .with_headers(&[AnswerHeader {
        name: CONTACT_STATUS,
        description: "What the call did. `unchanged`: the contact had all of the values already.",
        is_always_sent: true,
        schema: || json_schema!({ "type": "string", "enum": ["created", "updated", "unchanged"] }),
        example: || json!("updated"),
    }]),
    failures: || {
        let (name, expected) = ("stageId", Expected::Uuid);
        let faults = [
            BodyFault::Missing { name: "channel" },
            BodyFault::Member { name, expected },
            BodyFault::TooLong {
                name: "contact_name",
                max: 512,
            },
            BodyFault::NoIdentity {
                names: "'contact_phone_number'",
            },
            BodyFault::IdentifiesNobody {
                name: "contact_phone_number",
            },
        ];
        faults.map(ApiError::Body).into()
    },
};

/// Answers with the written contact, and says in a header what the call did. Repeated or concurrent calls with the same
/// identity write to the same contact.
pub async fn upsert_contact(
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<CustomizeResponder<web::Json<PublicContact>>, ApiError> {
    let Caller { client, region, start } = caller;
    let read = move |body: &_| read_draft(&Members::new(body)?, region);
    let draft = body::read_json(payload, state.lanes.writes.deadline(start), read).await?;
    let (row, upserted) = state
        .lanes
        .writes
        .run(client, start, move |connection| {
            contacts::upsert_contact(connection, client, &draft)
        })
        .await?;
    let metrics = &state.metrics;
    metrics.count_kept_phones(Write::Upsert, upserted.keeps_phone.into());
    let status: &'static str = upserted.outcome.into();
    Ok(web::Json(PublicContact::from(row))
        .customize()
        .insert_header((CONTACT_STATUS, status)))
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
