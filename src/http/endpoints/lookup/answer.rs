//! The answer about one number, as the lookup's vendor documents it. The batch lookup has one for each number.

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::window;
use crate::store::lookup::LookupRow;

/// The documented answer, with its members in the documented order. The answer about an unknown number has the same shape.
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
    /// `null` if no window is open.
    #[schemars(extend("format" = "date-time"))]
    pub session_expires_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupContact {
    pub id: i64,
    pub full_name: Option<String>,
    /// E.164 if the number is valid, else its digits.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub contact_list_id: i64,
    pub contact_list_name: String,
    pub source: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
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

/// RFC 3339 in UTC with `Z`, truncated to whole seconds.
fn whole_seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
