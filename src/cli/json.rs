//! Results as JSON, for programs. docs/commands.md documents the members.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::output;
use crate::domain::visible::visible_json;

/// Prints a result as JSON on standard output.
///
/// # Errors
/// If standard output can't be written.
pub fn print(result: &impl Serialize) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(result)?;
    output::print(format_args!("{}\n", visible_json(&json)))
}

/// The result as one line of JSON, with a line feed.
///
/// # Errors
/// If the result can't be JSON.
pub fn line(result: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(result)?;
    Ok(format!("{}\n", visible_json(&json)))
}

/// The time as RFC 3339, in milliseconds: `2026-11-29T10:30:00.000Z`.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
