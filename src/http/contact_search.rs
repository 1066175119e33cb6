//! `GET /api/public/contacts/search?phone=…&email=…`: the contacts that contain a piece of a phone or of an
//! email, latest message first.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::context::{Caller, RequestContext};
use super::error::ApiError;
use super::openapi::{self, Content, Documentation, Parameter};
use super::query;
use super::state::State;
use crate::domain::term::{EmailTerm, PhoneTerm};
use crate::store::search::{self, ContactRow};

/// One contact, with the 13 documented members in the documented order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SearchContact {
    pub id: Uuid,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub platform: String,
    /// Milliseconds, UTC: `2024-09-30T10:00:00.000Z`; `null` where there is no message yet.
    #[schemars(extend("format" = "date-time"))]
    pub last_message_at: Option<String>,
    pub chat_status: String,
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    pub client_id: Uuid,
    pub ai_customer_id: Option<Uuid>,
    pub default_stage_id: Option<Uuid>,
    pub blocked: bool,
    pub is_chat_read: bool,
}

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "At most 50 contacts that contain a piece of a phone or of an email, latest message first",
    parameters: &[
        Parameter {
            name: "phone",
            description: "A piece of a phone number, or a whole one in any notation",
            is_required: false,
            example: "56912345",
        },
        Parameter {
            name: "email",
            description: "A piece of an email, whatever the case",
            is_required: false,
            example: "@example.com",
        },
    ],
    body: None,
    answer: (200, Some(Content::Json(openapi::of::<Vec<SearchContact>>))),
    failures: &[400],
};

/// Answers with an array of the contacts that match the parameter `phone` or the parameter `email`.
pub async fn search_contacts(
    request: HttpRequest,
    caller: web::ReqData<Caller>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let query = request.query_string();
    let phone = query::parameter(query, "phone")?.and_then(|phone| PhoneTerm::parse(&phone, caller.region));
    let email = query::parameter(query, "email")?.and_then(|email| EmailTerm::parse(&email));
    if phone.is_none() && email.is_none() {
        return Err(ApiError::NothingToSearch);
    }
    let client = caller.client;
    let start = RequestContext::of(&request).start;
    let rows = state
        .requests
        .run(start, move |connection| {
            search::search_contacts(connection, client, phone.as_ref(), email.as_ref())
        })
        .await?;
    let contacts: Vec<SearchContact> = rows.into_iter().map(SearchContact::from).collect();
    Ok(HttpResponse::Ok().json(contacts))
}

impl From<ContactRow> for SearchContact {
    fn from(row: ContactRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            phone: row.phone,
            email: row.email,
            platform: row.platform,
            last_message_at: row.last_message_at.map(milliseconds),
            chat_status: row.chat_status,
            created_at: milliseconds(row.created_at),
            client_id: row.client_id,
            ai_customer_id: row.ai_customer_id,
            default_stage_id: row.default_stage_id,
            blocked: row.blocked,
            is_chat_read: row.is_chat_read,
        }
    }
}

/// RFC 3339 in UTC with three decimals and `Z`.
fn milliseconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
