//! Opens connections and sets their limits.

use std::time::Duration;

use diesel::ConnectionError;
use diesel::connection::{CacheSize, Connection as _, SimpleConnection};

/// A connection to PostgreSQL. Other layers pass it on and call no method of it.
pub use diesel::pg::PgConnection;

use super::error::{ConnectError, StoreError, one_line};
use super::transaction::transaction;

/// Timeout for opening a connection, TCP and authentication included. libpq takes whole seconds.
const CONNECT_SECONDS: u32 = 2;

/// Planner settings for the prepared statements of requests, which are written for the existing indexes.
///
/// Generic plans avoid planning at each call, which PostgreSQL otherwise does for statements with arrays: planning a
/// lookup takes five times as long as running it. A generic plan overestimates the rows. So JIT would compile for
/// longer than the statement runs, and a search by grams would scan a small table sequentially, once for each step.
const PLANS: [(&str, &str); 3] = [
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("max_parallel_workers_per_gather", "0"),
];

/// The kind of plans. Citus can't route most statements by a generic plan, so there PostgreSQL decides for each statement.
/// The condition is part of the command, so that it needs no round trip of its own.
const PLAN_KIND: &str = "CASE WHEN to_regclass('pg_dist_partition') IS NULL
    THEN 'force_generic_plan' ELSE 'auto' END";

/// Checks that `url` is in one of libpq's two forms: a URL, or `key=value` pairs.
///
/// # Errors
/// [`ConnectError::Url`] for other forms, and for a password with an unescaped `@`, `/` or `?`:
/// libpq would read the rest of the password as a host or a database and repeat it in its error
/// message.
pub fn check_url(url: &str) -> Result<(), ConnectError> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.contains('=') {
            Ok(())
        } else {
            Err(ConnectError::Url)
        };
    };
    // Like libpq: if an @ comes before any /, the text before it is user and password.
    let (credentials, location) = match rest.find(['@', '/']) {
        Some(at) if rest[at..].starts_with('@') => (&rest[..at], &rest[at + 1..]),
        _ => ("", rest),
    };
    let path = location.split('?').next().unwrap_or_default();
    let is_readable = ["postgres", "postgresql"].contains(&scheme) && !credentials.contains('?') && !path.contains('@');
    if is_readable { Ok(()) } else { Err(ConnectError::Url) }
}

/// Opens a connection outside any pool and without a statement timeout: for commands, migrations and imports.
///
/// # Errors
/// [`StoreError::Unavailable`], whose source says why the database can't be reached now; [`StoreError::Refused`] if a
/// retry will not help.
pub fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let mut connection = establish(url)?;
    connection.batch_execute("SET timezone TO 'UTC'; SET statement_timeout TO 0; SET lock_timeout TO 0")?;
    Ok(connection)
}

/// Opens a connection outside any pool, for one long transaction of a server. Behind a transaction pooler it sets
/// nothing, because the next transaction of the session can be another caller's.
///
/// # Errors
/// The same as [`connect`].
pub fn connect_for_transaction(
    url: &str,
    is_pooled: bool,
    statement_timeout: Duration,
) -> Result<PgConnection, StoreError> {
    let mut connection = establish(url)?;
    if is_pooled {
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    } else {
        let timeout = statement_timeout.as_millis();
        connection.batch_execute(&format!(
            "SET timezone TO 'UTC'; SET statement_timeout TO {timeout}; SET lock_timeout TO 0"
        ))?;
    }
    Ok(connection)
}

/// PostgreSQL's limits for one statement, which override those of the role.
#[derive(Clone, Copy, Debug)]
pub struct StatementLimits {
    /// Limit for the whole statement; beyond it the error is [`StoreError::TimedOut`].
    pub statement_timeout: Duration,
    /// Limit for waiting on other writers; beyond it the error is [`StoreError::Locked`].
    pub lock_timeout: Option<Duration>,
    /// Whether a transaction pooler sits in between, which runs each transaction in any free session.
    pub is_pooled: bool,
}

impl StatementLimits {
    /// The limits of a background job. It has no lock timeout: it waits for other writers until the statement timeout.
    pub fn background(statement_timeout: Duration, is_pooled: bool) -> Self {
        Self {
            statement_timeout,
            lock_timeout: None,
            is_pooled,
        }
    }

    /// The SET commands for the statements of requests, for the session or for the transaction.
    fn statements(&self) -> String {
        let set = if self.is_pooled { "SET LOCAL" } else { "SET" };
        // PostgreSQL reads 0 as no limit.
        let milliseconds = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_millis()).to_string();
        let (statement, lock) = (
            milliseconds(Some(self.statement_timeout)),
            milliseconds(self.lock_timeout),
        );
        let limits = [
            ("timezone", "'UTC'"),
            ("statement_timeout", &*statement),
            ("lock_timeout", &*lock),
        ];
        let all = limits.into_iter().chain(PLANS);
        let all: String = all.map(|(name, value)| format!("{set} {name} TO {value};")).collect();
        format!(
            "{all}SELECT set_config('plan_cache_mode', {PLAN_KIND}, {})",
            self.is_pooled
        )
    }
}

/// A connection with [`StatementLimits`].
pub struct Limited {
    pub(super) connection: PgConnection,
    /// Commands that start each transaction behind a pooler or on Citus. A pooler's session may lose its settings or pass
    /// them to another caller, and a statement prepared in one session is missing in the next. Citus passes only the
    /// settings of a transaction on to its nodes.
    settings: Option<String>,
}

impl Limited {
    /// Opens a connection outside any pool.
    ///
    /// # Errors
    /// The same as [`connect`].
    pub fn connect(url: &str, limits: StatementLimits) -> Result<Self, StoreError> {
        let mut connection = establish(url)?;
        let settings = if limits.is_pooled {
            connection.set_prepared_statement_cache_size(CacheSize::Disabled);
            Some(limits.statements())
        } else {
            connection.batch_execute(&limits.statements())?;
            None
        };
        Ok(Self { connection, settings })
    }

    /// Lets the lock timeout also limit the waiting of the nodes of a Citus cluster. The connection then runs everything
    /// in transactions.
    pub(super) fn limit_locks_on_nodes(&mut self, limits: StatementLimits) {
        if let (None, Some(timeout)) = (&self.settings, limits.lock_timeout) {
            self.settings = Some(format!("SET LOCAL lock_timeout TO {}", timeout.as_millis()));
        }
    }

    /// Runs `work`; behind a pooler, and with a lock timeout on Citus, in one transaction.
    ///
    /// # Errors
    /// Those of `work` and of the connection.
    pub fn run<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(settings) = &self.settings else {
            return work(&mut self.connection);
        };
        transaction(&mut self.connection, |connection| {
            connection.batch_execute(settings).map_err(StoreError::from)?;
            work(connection)
        })
    }
}

fn establish(url: &str) -> Result<PgConnection, StoreError> {
    PgConnection::establish(&with_timeouts(url)).map_err(explain)
}

/// Tells an outage, a refusal and an unreadable URL apart. libpq gives only a message, so this
/// matches the English texts.
fn explain(error: ConnectionError) -> StoreError {
    /// How libpq's message starts after it has read the URL. Any other message may repeat a part of the URL.
    const PREFIXES: [&str; 5] = [
        "connection to server ",
        "could not translate host name ",
        // Before version 14.
        "could not connect to server",
        "FATAL: ",
        "timeout expired",
    ];
    const DENIALS: [&str; 6] = [
        "authentication failed for user",
        "no password supplied",
        "no pg_hba.conf entry",
        "pg_hba.conf rejects connection",
        "is not permitted to log in",
        "permission denied for database",
    ];
    let message = match &error {
        ConnectionError::BadConnection(message) => one_line(message),
        ConnectionError::InvalidCString(_) | ConnectionError::InvalidConnectionUrl(_) => {
            return ConnectError::Url.into();
        }
        _ => return StoreError::unavailable(&error),
    };
    let is_missing = message.contains("FATAL: ") && message.contains("\" does not exist");
    if !PREFIXES.iter().any(|prefix| message.starts_with(prefix)) {
        ConnectError::Url.into()
    } else if is_missing || DENIALS.iter().any(|denial| message.contains(denial)) {
        ConnectError::Denied(message).into()
    } else {
        StoreError::Unavailable(message.into())
    }
}

/// Adds the timeouts that `url` doesn't set itself: without them libpq waits for minutes if packets get lost. Takes
/// both of libpq's forms, a URL and `key=value` pairs.
pub(super) fn with_timeouts(url: &str) -> String {
    let defaults = [
        ("connect_timeout", CONNECT_SECONDS.to_string()),
        ("tcp_user_timeout", "5000".to_owned()),
        ("keepalives_idle", "30".to_owned()),
        ("keepalives_interval", "5".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("application_name", "contact-search".to_owned()),
    ];
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let mut result = url.to_owned();
    for (name, value) in defaults.iter().filter(|(name, _)| !url.contains(&format!("{name}="))) {
        let separator = match (is_url, result.contains('?')) {
            (true, false) => '?',
            (true, true) => '&',
            (false, _) => ' ',
        };
        result.push(separator);
        result.push_str(&format!("{name}={value}"));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_pairs_are_accepted_and_a_password_that_splits_the_url_is_not() {
        for right in [
            "postgresql://u@h/d",
            "postgres://u:p%40ss%2F@h:5432/d?sslmode=require",
            "postgresql:///d?host=/tmp&user=u",
            "postgresql://h/d?user=u@realm",
            "host=h dbname=d password=p@ss",
        ] {
            assert!(check_url(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "localhost",
            "5432",
            "mysql://u:hunter2@h/d",
            "postgres://u:hun@ter2@h/d",
            "postgres://u:hun/ter2@h/d",
            "postgres://u:hun?ter2@h/d",
        ] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_about_an_unreadable_url_never_contains_a_part_of_it() {
        for url in [
            "postgres://u:hunter2%zz@h/d",
            "postgres://u@h:hunter2/d",
            "postgres://u@[hunter2/d",
            "postgres://u@h/d?hunter2",
            "postgres://u@h/d?hunter2=x",
            "postgres://u@h/d?sslmode=hunter2",
            "host=h password=a hunter2",
            "host=h password='hunter2",
            "host=h hunter2=x",
            "host=h port=hunter2",
            "service=hunter2",
            "postgres://u:hun\0ter2@h/d",
        ] {
            let error = connect(url).err().expect("it can't be read");
            assert!(
                matches!(error, StoreError::Refused(ConnectError::Url)),
                "{url}: {error:?}"
            );
            assert!(!format!("{error:?} {error}").contains("unter2"), "{error:?}");
        }
    }

    #[test]
    fn denials_and_outages_are_told_apart_and_each_is_one_line() {
        let explained = |words: &str| explain(ConnectionError::BadConnection(words.to_owned()));
        let server = "connection to server at \"h\" (127.0.0.1), port 5432 failed: ";
        for words in [
            "FATAL:  password authentication failed for user \"u\"\nFATAL:  again\n",
            "fe_sendauth: no password supplied\n",
            "FATAL:  role \"u\" does not exist\n",
            "FATAL:  database \"d\" does not exist\n",
            "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"u\", database \"d\", no encryption\n",
        ] {
            let error = explained(&format!("{server}{words}"));
            assert!(
                matches!(error, StoreError::Refused(ConnectError::Denied(_))),
                "{error:?}"
            );
            assert!(!error.to_string().contains('\n'));
        }
        for words in [
            "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n",
            "No such file or directory\n\tIs the server running locally and accepting connections on that socket?\n",
            "timeout expired\n",
            "FATAL:  the database system is starting up\n",
            "FATAL:  database \"d\" is not currently accepting connections\n",
            "FATAL:  sorry, too many clients already\n",
        ] {
            let StoreError::Unavailable(cause) = explained(&format!("{server}{words}")) else {
                panic!("{words}");
            };
            assert!(!cause.to_string().contains(['\n', '\t']));
        }
    }

    #[test]
    fn timeouts_are_added_to_both_forms_and_never_override_the_urls_own() {
        let url = with_timeouts("postgresql:///db?host=/tmp");
        assert!(url.starts_with("postgresql:///db?host=/tmp&connect_timeout=2&tcp_user_timeout=5000"));
        assert!(with_timeouts("postgres://localhost/db").contains("/db?connect_timeout=2&"));
        assert!(with_timeouts("host=/tmp dbname=db").contains("dbname=db connect_timeout=2 "));
        assert_eq!(
            with_timeouts("postgres://h/db?connect_timeout=9")
                .matches("connect_timeout")
                .count(),
            1
        );
    }
}
