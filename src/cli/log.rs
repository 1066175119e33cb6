//! The logger: env_logger, in its own words or one JSON object a line.

use std::io::Write;

use env_logger::Env;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, json};

use crate::config::LogFormat;

/// What is logged where `RUST_LOG` doesn't say it: nothing that actix says of requests that are no HTTP, which anybody
/// can send by the thousand.
const DEFAULT_FILTER: &str = "warn,actix_http::h1::dispatcher=off,contact_search=info,access=info";

/// Starts the logger, on standard error. `RUST_LOG` says what is logged; without it our own lines of level
/// info, and of the libraries what went wrong.
pub fn start(format: LogFormat) {
    let mut builder = env_logger::Builder::from_env(Env::default().default_filter_or(DEFAULT_FILTER));
    // Empty it counts as not there, like every variable; to env_logger it would mean errors alone.
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
    builder.init();
}

/// Collects a record's own values beside the four that every line has.
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
