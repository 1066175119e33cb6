//! `GET /api/v1/contact-lookup/?phone=…`: the contact that a number reaches, whether it has replied, and
//! whether its WhatsApp session window is open.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::context::{Caller, RequestContext};
use super::error::{ApiError, ParameterFault};
use super::openapi::{self, Content, Documentation, Parameter};
use super::query;
use super::state::State;
use crate::domain::{phone, window};
use crate::store::lookup::{self, LookupRow};

/// The documented answer, its members in the documented order. An unknown number has the same shape.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactLookupResponse {
    pub found: bool,
    pub contact: Option<LookupContact>,
    pub has_replied: bool,
    /// Whole seconds, UTC: `2025-03-28T14:22:00Z`.
    #[schemars(extend("format" = "date-time"))]
    pub last_reply_at: Option<String>,
    pub session_window_active: bool,
    /// `null` where no window is open.
    #[schemars(extend("format" = "date-time"))]
    pub session_expires_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupContact {
    pub id: i64,
    pub full_name: Option<String>,
    /// E.164 where the number resolves.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub contact_list_id: i64,
    pub contact_list_name: String,
    pub source: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "The contact that a phone number reaches, whether it has replied, and whether its session window is open",
    parameters: &[Parameter {
        name: "phone",
        description: "A phone number in any notation",
        is_required: true,
        example: "+5492235961983",
    }],
    body: None,
    answer: (200, Some(Content::Json(openapi::of::<ContactLookupResponse>))),
    failures: &[400],
};

/// Answers with the contact that the parameter `phone` reaches.
pub async fn look_up_contact(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let phone = query::parameter(request.query_string(), "phone")?
        .filter(|phone| !phone.trim().is_empty())
        .ok_or(ApiError::Parameter {
            name: "phone",
            fault: ParameterFault::Missing,
        })?;
    let readings = phone::readings(&phone, caller.region);
    let client = caller.client;
    let start = RequestContext::of(&request).start;
    let row = state
        .requests
        .run(start, move |connection| {
            lookup::find_by_phone(connection, client, &readings)
        })
        .await?;
    Ok(HttpResponse::Ok().json(row.map(ContactLookupResponse::from).unwrap_or_default()))
}

impl From<LookupRow> for ContactLookupResponse {
    fn from(row: LookupRow) -> Self {
        let expires_at = window::expires_at(row.last_window_inbound_at, row.now);
        Self {
            found: true,
            has_replied: row.last_inbound_at.is_some(),
            last_reply_at: row.last_inbound_at.map(whole_seconds),
            session_window_active: expires_at.is_some(),
            session_expires_at: expires_at.map(whole_seconds),
            contact: Some(LookupContact {
                id: row.serial_id,
                full_name: row.name,
                phone: row.phone,
                email: row.email,
                contact_list_id: row.contact_list_id,
                contact_list_name: row.contact_list_name,
                source: row.source,
                created_at: whole_seconds(row.created_at),
            }),
        }
    }
}

/// RFC 3339 in UTC with `Z`; what is below a second is cut.
fn whole_seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
