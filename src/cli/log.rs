//! The logger: env_logger, with one line of text or one JSON object per record.
//!
//! A record can hold text that somebody else wrote: a label, a file's name, a message of PostgreSQL. Such a text can
//! neither drive the reader's terminal, nor begin a line, nor add a field.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use env_logger::Env;
use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, json};

use crate::config::LogFormat;
use crate::domain::visible::{is_active, visible, visible_json};

/// The filter if `RUST_LOG` is not set. It excludes actix's messages about malformed HTTP, which anybody can cause by
/// the thousand.
const DEFAULT_FILTER: &str = "warn,actix_http::h1::dispatcher=off,contact_search=info,access=info";

/// Starts the logger on standard error. Without `RUST_LOG` it logs our own lines from level info, and warnings and
/// errors of the libraries.
pub fn start(format: LogFormat) {
    let mut builder = env_logger::Builder::from_env(Env::default().default_filter_or(DEFAULT_FILTER));
    // An empty `RUST_LOG` counts as unset, as every empty variable does. env_logger would read it as "errors only".
    if std::env::var_os("RUST_LOG").is_some_and(|filter| filter.is_empty()) {
        builder.parse_filters(DEFAULT_FILTER);
    }
    builder.format(match format {
        LogFormat::Text => write_text,
        LogFormat::Json => write_json,
    });
    builder.init();
}

/// Writes `[time LEVEL target] message key=value`, as env_logger does, with escapes and quotes.
fn write_text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = out.timestamp();
    let style = out.default_level_style(record.level());
    let message = record.args().to_string();
    let mut line = format!(
        "[{time} {style}{:<5}{style:#} {}] {}",
        record.level(),
        record.target(),
        visible(&message)
    );
    // The visitor never fails.
    let _ = record.key_values().visit(&mut TextPairs(&mut line));
    writeln!(out, "{line}")
}

fn write_json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = Map::new();
    line.insert(
        "time".to_owned(),
        json!(chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
    );
    line.insert("level".to_owned(), json!(record.level().as_str()));
    line.insert("target".to_owned(), json!(record.target()));
    line.insert("message".to_owned(), json!(record.args().to_string()));
    // The visitor never fails.
    let _ = record.key_values().visit(&mut JsonPairs(&mut line));
    let line = serde_json::Value::Object(line).to_string();
    writeln!(out, "{}", visible_json(&line))
}

/// Adds a record's own key-value pairs to a line of text.
struct TextPairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = value.to_string();
        let value = if key.as_str().ends_with("label") {
            in_quotes(&value)
        } else {
            quote(&value)
        };
        let _ = write!(self.0, " {key}={value}");
        Ok(())
    }
}

/// The value. It is in quotes if a reader could take one of its characters for its end.
fn quote(value: &str) -> Cow<'_, str> {
    let ends =
        |character: char| character.is_whitespace() || is_active(character) || matches!(character, '"' | '=' | '\\');
    if !value.contains(ends) {
        return Cow::Borrowed(value);
    }
    in_quotes(value)
}

fn in_quotes(value: &str) -> Cow<'_, str> {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    Cow::Owned(format!("\"{}\"", visible(&escaped)))
}

/// Adds a record's own key-value pairs to the four fields of every JSON line.
struct JsonPairs<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for JsonPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = match (value.to_u64(), value.to_f64()) {
            (Some(number), _) => json!(number),
            (None, Some(number)) => json!(number),
            (None, None) => json!(value.to_string()),
        };
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_can_not_forge_fields_of_a_text_log_line() {
        for (label, expected) in [
            ("crm", "crm"),
            ("Peña", "Peña"),
            ("", ""),
            ("crm status=500", "\"crm status=500\""),
            ("a\u{a0}b", "\"a\u{a0}b\""),
            ("a=b", "\"a=b\""),
            ("\" status=500", "\"\\\" status=500\""),
            ("\\", "\"\\\\\""),
            ("a\u{1b}[2J\u{202e}\u{2028}", "\"a\\u{1b}[2J\\u{202e}\\u{2028}\""),
        ] {
            assert_eq!(quote(label), expected, "{label:?}");
        }
    }
}
