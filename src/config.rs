//! Settings: flags override environment variables, which override defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum, ValueHint};
use ipnet::IpNet;

/// The variable of the database's URL.
pub const DATABASE_VARIABLE: &str = "CONTACT_SEARCH_DATABASE_URL";

/// The variable that counts if [`DATABASE_VARIABLE`] is not set. Other programs read it, too.
pub const COMMON_DATABASE_VARIABLE: &str = "DATABASE_URL";

/// The environment variables that gave options their values.
#[derive(Clone, Default, Debug)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes pairs of an option's flag, such as `--listen`, and the variable.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The variable that gave the option its value. `None` if a flag or the default did.
    pub fn of(&self, flag: &str) -> Option<&str> {
        self.0.get(flag).map(String::as_str)
    }

    /// How a message names what has set the option: its variable, or else its flag.
    pub fn setter_of(&self, flag: &str) -> String {
        self.of(flag).map_or_else(
            || flag.to_owned(),
            |variable| format!("the environment variable {variable}"),
        )
    }
}

/// The headings of options in the help.
const DATABASE: &str = "Database";
const NETWORK: &str = "Network";
const CAPACITY: &str = "Capacity";
const FIRST_START: &str = "First start";
const LOG: &str = "Log";

/// The database. Every command takes these options.
#[derive(Args, Clone)]
pub struct DatabaseConfig {
    /// Your own PostgreSQL, as a libpq URL. Without it, a private PostgreSQL is used [env: CONTACT_SEARCH_DATABASE_URL,
    /// or else DATABASE_URL]
    // Not validated here, because clap's errors repeat the value, which can contain a password.
    #[arg(
        long,
        global = true,
        env = DATABASE_VARIABLE,
        hide_env = true,
        hide_env_values = true,
        value_name = "URL",
        help_heading = DATABASE
    )]
    pub database_url: Option<String>,

    /// The directory for the private PostgreSQL's data [default: the user's data directory; for root
    /// /var/lib/contact-search]
    #[arg(
        long,
        global = true,
        env = "CONTACT_SEARCH_DATA_DIR",
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        help_heading = DATABASE
    )]
    pub data_dir: Option<PathBuf>,

    /// The directory of PostgreSQL's programs [default: found on PATH or in the usual places]
    #[arg(
        long,
        global = true,
        env = "CONTACT_SEARCH_PG_BIN",
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        help_heading = DATABASE
    )]
    pub pg_bin: Option<PathBuf>,

    /// The variables that gave these options their values.
    #[arg(skip)]
    pub variables: Variables,
}

/// Redacts the URL, which can contain a password.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("database_url", &self.database_url.as_ref().map(|_| "(redacted)"))
            .field("data_dir", &self.data_dir)
            .field("pg_bin", &self.pg_bin)
            .finish()
    }
}

/// Options of the server, in the order of the help.
#[derive(Args, Clone, Debug)]
pub struct ServeConfig {
    /// The address or host name, and the port, to listen on
    #[arg(
        long,
        env = "CONTACT_SEARCH_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = parse_address,
        help_heading = NETWORK
    )]
    pub listen: String,

    /// Serve HTTPS with the certificate in this PEM file, followed by those of its authorities [default: plain HTTP]
    #[arg(
        long,
        env = "CONTACT_SEARCH_TLS_CERT",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "tls_key",
        help_heading = NETWORK
    )]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the certificate, a PEM file without a passphrase. SIGHUP reads both files again
    #[arg(
        long,
        env = "CONTACT_SEARCH_TLS_KEY",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "tls_cert",
        help_heading = NETWORK
    )]
    pub tls_key: Option<PathBuf>,

    /// Serve Prometheus metrics at /metrics on this address; a port alone means 127.0.0.1 [default: off]
    #[arg(
        long,
        env = "CONTACT_SEARCH_METRICS_LISTEN",
        value_name = "[ADDRESS:]PORT",
        value_parser = parse_metrics_address,
        help_heading = NETWORK
    )]
    pub metrics_listen: Option<String>,

    /// A trusted proxy, as an address or a network such as 10.0.0.0/8: its X-Forwarded-For header gives the caller's
    /// address; separate several by commas [default: none]
    #[arg(
        long,
        env = "CONTACT_SEARCH_TRUSTED_PROXY",
        value_name = "ADDRESS",
        value_delimiter = ',',
        value_parser = parse_network,
        help_heading = NETWORK
    )]
    pub trusted_proxy: Vec<IpNet>,

    /// An origin whose pages may read answers, such as https://crm.example.com, or * for all; separate several by
    /// commas [default: none]
    #[allow(rustdoc::bare_urls, reason = "clap would print a link's angle brackets too")]
    #[arg(
        long,
        env = "CONTACT_SEARCH_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = parse_origin,
        help_heading = NETWORK
    )]
    pub cors_origin: Vec<String>,

    /// Do not serve the search page at /
    #[arg(
        long,
        env = "CONTACT_SEARCH_NO_PAGE",
        value_parser = BoolishValueParser::new(),
        help_heading = NETWORK
    )]
    pub no_page: bool,

    /// Connections for reads, and the same number for writes [default: two per core, 4 to 64]
    #[arg(
        long,
        env = "CONTACT_SEARCH_POOL_SIZE",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1000),
        help_heading = CAPACITY
    )]
    pub pool_size: Option<u32>,

    /// Requests per minute that each key may make to this server, unless the key has its own limit [default: no limit]
    // The same range as for a key's own limit.
    #[arg(
        long,
        env = "CONTACT_SEARCH_RATE_LIMIT",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        help_heading = CAPACITY
    )]
    pub rate_limit: Option<u32>,

    /// Multiplies the deadlines of requests: 2 s for most, 10 s for bulk calls. For a slow link to the database, or a
    /// busy test machine
    #[arg(
        long,
        env = "CONTACT_SEARCH_DEADLINE_FACTOR",
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=10),
        help_heading = CAPACITY
    )]
    pub deadline_factor: u32,

    /// A read replica: a streaming standby of the database, as a libpq URL of one server. Lookups and searches go to it;
    /// separate several by commas [default: none]
    // Not validated here, because clap's errors repeat the value, which can contain a password.
    #[arg(
        long,
        env = "CONTACT_SEARCH_READ_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_delimiter = ',',
        requires = "database_url",
        help_heading = DATABASE
    )]
    pub read_database_url: Vec<DatabaseUrl>,

    /// A replica that lags more than this behind the database gets no reads; such as 500ms, 2s or 1m
    #[arg(
        long,
        env = "CONTACT_SEARCH_MAX_REPLICA_LAG",
        value_name = "DURATION",
        default_value = "1s",
        value_parser = parse_lag,
        requires = "read_database_url",
        help_heading = DATABASE
    )]
    pub max_replica_lag: Duration,

    /// The URL is that of a transaction pooler, such as PgBouncer: use no prepared statements, and set limits in each
    /// transaction
    #[arg(
        long,
        env = "CONTACT_SEARCH_POOLER",
        value_parser = BoolishValueParser::new(),
        requires = "database_url",
        conflicts_with_all = ["migrate", "bootstrap"],
        help_heading = DATABASE
    )]
    pub pooler: bool,

    /// Run pending migrations on your own PostgreSQL first (the private one is always migrated)
    #[arg(
        long,
        env = "CONTACT_SEARCH_MIGRATE",
        value_parser = BoolishValueParser::new(),
        help_heading = DATABASE
    )]
    pub migrate: bool,

    /// If there are no clients yet, create one with this name, and print a key for it, once
    #[arg(long, env = "CONTACT_SEARCH_BOOTSTRAP", value_name = "NAME", help_heading = FIRST_START)]
    pub bootstrap: Option<String>,

    /// Do not create the demo client in the private database
    #[arg(
        long,
        env = "CONTACT_SEARCH_NO_DEMO",
        value_parser = BoolishValueParser::new(),
        help_heading = FIRST_START
    )]
    pub no_demo: bool,

    /// The variables that gave these options their values.
    #[arg(skip)]
    pub variables: Variables,
}

impl ServeConfig {
    /// The number of HTTP worker threads: one per core.
    pub fn workers(&self) -> usize {
        std::thread::available_parallelism().map_or(2, usize::from)
    }

    /// The number of connections for reads. PostgreSQL works best with about two connections per core.
    pub fn pool_size(&self) -> u32 {
        let cores = u32::try_from(self.workers()).unwrap_or(u32::MAX);
        self.pool_size.unwrap_or(cores.saturating_mul(2).clamp(4, 64))
    }
}

/// A libpq URL. `Debug` hides it, since it can contain a password.
#[derive(Clone)]
pub struct DatabaseUrl(pub String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

/// The log. `RUST_LOG` chooses what is logged, as env_logger documents it.
#[derive(Args, Clone, Copy, Debug)]
pub struct LogConfig {
    /// The format of log lines
    #[arg(
        long,
        global = true,
        env = "CONTACT_SEARCH_LOG_FORMAT",
        value_enum,
        default_value_t = LogFormat::Text,
        help_heading = LOG
    )]
    pub log_format: LogFormat,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// Checks only the form. A host name is resolved later, when the server starts to listen.
fn parse_address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("write an address and a port, such as 127.0.0.1:8080 or localhost:8080".to_owned()),
    }
}

/// A port alone means the loopback address.
fn parse_metrics_address(text: &str) -> Result<String, String> {
    match text.parse::<u16>() {
        Ok(port) => Ok(format!("127.0.0.1:{port}")),
        Err(_) => parse_address(text).map_err(|_| "write a port such as 9090, or an address and a port".to_owned()),
    }
}

/// Parses an `Origin` as browsers send it: a scheme, a host, and a port if it is not the default one. No path.
fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']) && host.is_ascii();
    if text == "*" || host.is_some_and(is_host) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("write an origin as browsers do, such as https://crm.example.com, without a path".to_owned())
    }
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| "write an address such as 10.0.0.1, or a network such as 10.0.0.0/8".to_owned())
}

/// Parses `500ms`, `2s` or `1m`: at least 100 ms, because a replica is probed every 20 ms.
fn parse_lag(text: &str) -> Result<Duration, String> {
    let lag = match text.strip_suffix("ms") {
        Some(count) => count.parse().ok().map(Duration::from_millis),
        None => parse_duration(text).ok().and_then(|lag| lag.to_std().ok()),
    };
    lag.filter(|lag| (Duration::from_millis(100)..=Duration::from_secs(3_600)).contains(lag))
        .ok_or_else(|| "write a duration from 100ms to 1h, such as 500ms or 2s".to_owned())
}

/// Parses `45s`, `30m`, `12h`, `90d`, `1w` or `1y`. A year has 365 days.
///
/// # Errors
/// A message that shows the form.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let error = || "a duration is a whole number followed by s, m, h, d, w or y, such as 90d".to_owned();
    let (at, unit) = text.char_indices().next_back().ok_or_else(error)?;
    let count: i64 = text[..at].parse().ok().filter(|count| *count > 0).ok_or_else(error)?;
    let duration = match unit.to_ascii_lowercase() {
        's' => TimeDelta::try_seconds(count),
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        'w' => TimeDelta::try_weeks(count),
        'y' => count.checked_mul(365).and_then(TimeDelta::try_days),
        _ => return Err(error()),
    };
    duration
        .filter(|duration| *duration <= TimeDelta::days(36_500))
        .ok_or_else(|| "a duration is at most 36500d, which is 100y".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_one_unit() {
        for days in ["90d", "90D"] {
            assert_eq!(parse_duration(days), Ok(TimeDelta::days(90)));
        }
        assert_eq!(parse_duration("45s"), Ok(TimeDelta::seconds(45)));
        assert_eq!(parse_duration("2m"), Ok(TimeDelta::minutes(2)));
        assert_eq!(parse_duration("1h"), Ok(TimeDelta::hours(1)));
        assert_eq!(parse_duration("2w"), Ok(TimeDelta::days(14)));
        assert_eq!(parse_duration("1y"), Ok(TimeDelta::days(365)));
        assert_eq!(parse_duration("100Y"), Ok(TimeDelta::days(36_500)));
        for wrong in [
            "",
            "d",
            "90",
            "0d",
            "-1d",
            "1.5h",
            "1x",
            "101y",
            "9é",
            "99999999999d",
            "9223372036854775807y",
            "9223372036854775807d",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_lag_is_between_a_tenth_of_a_second_and_an_hour() {
        for (text, milliseconds) in [("100ms", 100), ("1s", 1_000), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_lag(text), Ok(Duration::from_millis(milliseconds)));
        }
        for wrong in ["", "1", "ms", "99ms", "-500ms", "0s", "2h", "1.5s", "3600001ms"] {
            assert!(parse_lag(wrong).is_err(), "{wrong}");
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
    fn an_origin_has_a_scheme_and_no_path() {
        for right in ["*", "https://crm.example.com", "http://localhost:3000", "https://[::1]"] {
            assert_eq!(parse_origin(right).as_deref(), Ok(right));
        }
        for wrong in [
            "",
            "crm.example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "https://*.a",
            "ftp://a",
            "null",
        ] {
            assert!(parse_origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_may_be_one_address() {
        for (text, network) in [
            ("10.0.0.1", "10.0.0.1/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(
                parse_network(text).map(|network| network.to_string()).as_deref(),
                Ok(network)
            );
        }
        assert!(
            ["", "10.0.0.0/33", "proxy"]
                .into_iter()
                .all(|text| parse_network(text).is_err())
        );
    }

    #[test]
    fn metrics_are_served_on_loopback_unless_an_address_is_given() {
        assert_eq!(parse_metrics_address("9090").as_deref(), Ok("127.0.0.1:9090"));
        assert_eq!(parse_metrics_address("0.0.0.0:9090").as_deref(), Ok("0.0.0.0:9090"));
        assert!(
            ["", "all", "70000", ":1"]
                .into_iter()
                .all(|text| parse_metrics_address(text).is_err())
        );
    }

    #[test]
    fn debug_redacts_the_password() {
        let config = DatabaseConfig {
            database_url: Some("postgres://u:hunter2@h/d".to_owned()),
            data_dir: None,
            pg_bin: None,
            variables: Variables::default(),
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
