//! What the program is told: flags over environment over defaults.

use std::fmt;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

/// Where the contacts are; every command takes it.
#[derive(Args, Clone)]
pub struct DatabaseConfig {
    /// Your own PostgreSQL, as a libpq URL; without one a private PostgreSQL is used
    // Not looked at here: clap's errors repeat the value, which may hold a password.
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,

    /// Where the private PostgreSQL keeps its data [default: the user's data directory; for root
    /// /var/lib/contact-search]
    #[arg(long, global = true, env = "CONTACT_SEARCH_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// The directory with PostgreSQL's programs [default: found on PATH or in the usual places]
    #[arg(long, global = true, env = "CONTACT_SEARCH_PG_BIN", value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
}

/// A URL may hold a password.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("database_url", &self.database_url.as_ref().map(|_| "(redacted)"))
            .field("data_dir", &self.data_dir)
            .field("pg_bin", &self.pg_bin)
            .finish()
    }
}

/// How the server runs.
#[derive(Args, Clone, Debug)]
pub struct ServeConfig {
    /// The address to answer on, or a name of it
    #[arg(
        long,
        env = "CONTACT_SEARCH_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = parse_address
    )]
    pub listen: String,

    /// Connections to the database [default: two a core, at least four]
    #[arg(long, env = "CONTACT_SEARCH_POOL_SIZE", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pool_size: Option<u32>,

    /// Run pending migrations on your own PostgreSQL first (the private one is always migrated)
    #[arg(long, env = "CONTACT_SEARCH_MIGRATE", value_parser = BoolishValueParser::new())]
    pub migrate: bool,

    /// Where no client exists yet, make one of this name and print a key for it, once
    #[arg(long, env = "CONTACT_SEARCH_BOOTSTRAP", value_name = "NAME")]
    pub bootstrap: Option<String>,

    /// Leave the demo client out of the private database
    #[arg(long, env = "CONTACT_SEARCH_NO_DEMO", value_parser = BoolishValueParser::new())]
    pub no_demo: bool,
}

impl ServeConfig {
    /// Threads that speak HTTP: one a core.
    pub fn workers(&self) -> usize {
        std::thread::available_parallelism().map_or(2, usize::from)
    }

    /// PostgreSQL wants about two connections a core.
    pub fn pool_size(&self) -> u32 {
        let cores = u32::try_from(self.workers()).unwrap_or(u32::MAX);
        self.pool_size.unwrap_or(cores.saturating_mul(2).clamp(4, 64))
    }
}

/// How log lines look. What is logged is `RUST_LOG`'s to say, as env_logger documents it.
#[derive(Args, Clone, Copy, Debug)]
pub struct LogConfig {
    /// How log lines look
    #[arg(long, global = true, env = "CONTACT_SEARCH_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The form alone; whether a name stands for an address shows when it is listened on.
fn parse_address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("write an address and a port, such as 127.0.0.1:8080 or localhost:8080".to_owned()),
    }
}

/// Reads `90d`, `12h`, `30m` or `45s`.
///
/// # Errors
/// A sentence that shows the form.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let form = || "a duration is a whole number and s, m, h or d, such as 90d".to_owned();
    let (at, unit) = text.char_indices().next_back().ok_or_else(form)?;
    let count: i64 = text[..at].parse().ok().filter(|count| *count > 0).ok_or_else(form)?;
    let duration = match unit.to_ascii_lowercase() {
        's' => TimeDelta::try_seconds(count),
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => return Err(form()),
    };
    duration
        .filter(|duration| *duration <= TimeDelta::days(36_500))
        .ok_or_else(|| "a duration is at most 36500d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_unit() {
        for days in ["90d", "90D"] {
            assert_eq!(parse_duration(days), Ok(TimeDelta::days(90)));
        }
        assert_eq!(parse_duration("45s"), Ok(TimeDelta::seconds(45)));
        assert_eq!(parse_duration("2m"), Ok(TimeDelta::minutes(2)));
        assert_eq!(parse_duration("1h"), Ok(TimeDelta::hours(1)));
        for wrong in [
            "",
            "d",
            "90",
            "0d",
            "-1d",
            "1.5h",
            "1w",
            "9é",
            "99999999999d",
            "9223372036854775807d",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_a_port() {
        for right in ["127.0.0.1:8080", "localhost:0", "[::1]:8080"] {
            assert_eq!(parse_address(right).as_deref(), Ok(right));
        }
        for wrong in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:http",
            "localhost:65536",
        ] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let config = DatabaseConfig {
            database_url: Some("postgres://u:hunter2@h/d".to_owned()),
            data_dir: None,
            pg_bin: None,
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
