//! The logger: env_logger, with its own format or one JSON object per line.

use std::io::Write;

use env_logger::Env;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, json};

use crate::config::LogFormat;

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
    if format == LogFormat::Json {
        builder.format(|out, record| {
            let mut line = Map::new();
            line.insert(
                "time".to_owned(),
                json!(chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
            );
            line.insert("level".to_owned(), json!(record.level().as_str()));
            line.insert("target".to_owned(), json!(record.target()));
            line.insert("message".to_owned(), json!(record.args().to_string()));
            // The visitor below never fails.
            let _ = record.key_values().visit(&mut Pairs(&mut line));
            writeln!(out, "{}", serde_json::Value::Object(line))
        });
    }
    if format == LogFormat::Text {
        builder.format_key_values(|out, pairs| {
            let mut text = String::new();
            // The visitor below never fails.
            let _ = pairs.visit(&mut TextPairs(&mut text));
            out.write_all(text.as_bytes())
        });
    }
    builder.init();
}

/// Writes a record's pairs as ` key=value`.
struct TextPairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        self.0
            .push_str(&format!(" {key}={}", text_value(key.as_str(), &value.to_string())));
        Ok(())
    }
}

/// A value as one word, so that none can pass for further fields. Labels are always in quotes, other values if they need
/// them.
fn text_value(key: &str, value: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=');
    if key.ends_with("label") || value.is_empty() || !value.bytes().all(is_word) {
        format!("{value:?}")
    } else {
        value.to_owned()
    }
}

/// Adds a record's own key-value pairs to the four fields of every line.
struct Pairs<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
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
    fn a_label_cannot_forge_fields_of_a_text_line() {
        assert_eq!(text_value("key_label", "crm"), r#""crm""#);
        assert_eq!(text_value("key_label", r#"a" status=200"#), r#""a\" status=200""#);
        assert_eq!(
            text_value("key_label", "a\u{1b}[31m\u{202e}"),
            r#""a\u{1b}[31m\u{202e}""#
        );
        assert_eq!(
            text_value("route", "/api/public/contact/{id}/info"),
            "/api/public/contact/{id}/info"
        );
        assert_eq!(text_value("from", "a b"), r#""a b""#);
    }
}
