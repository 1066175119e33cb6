//! Connections: the pool, and what each connection is told when it is made.

use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection, TransactionManager};

use super::{PgConnection, StoreError};

/// A connection that was used this recently is handed out unchecked: asking it costs a round trip.
const TRUSTED_FOR: Duration = Duration::from_millis(500);

/// How long a new connection may take, TCP and authentication included, in libpq's whole seconds.
const CONNECT_SECONDS: u32 = 2;

/// Opens one connection outside any pool, without a limit on its statements: for commands, migrations and
/// imports.
///
/// # Errors
/// [`StoreError::Unavailable`] says in its source why the database can't be reached.
pub fn connect(url: &str) -> Result<PgConnection, StoreError> {
    establish(url, None)
}

/// A fixed number of connections, each opened when it is first needed.
#[derive(Clone)]
pub struct Pool {
    inner: r2d2::Pool<Manager>,
    size: u32,
}

impl Pool {
    /// Makes the pool without connecting, so that a server starts while its database is away.
    ///
    /// `statement_timeout` is PostgreSQL's limit for one statement on these connections, whatever the role's
    /// own is.
    pub fn new(url: &str, size: u32, statement_timeout: Duration, checkout_timeout: Duration) -> Self {
        let manager = Manager {
            url: url.to_owned(),
            statement_timeout,
        };
        let inner = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(checkout_timeout)
            .error_handler(Box::new(LogConnectFailure))
            .build_unchecked(manager);
        Self { inner, size }
    }

    pub fn size(&self) -> u32 {
        self.size
    }

    /// Runs `work` on a connection of the pool; blocks the thread.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where no connection can be made within the checkout timeout, else what
    /// `work` answers. A connection that turned out dead, or is left within a transaction, is closed.
    pub fn run<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut pooled = self.inner.get().map_err(|error| {
            if self.inner.state().connections >= self.size {
                StoreError::Exhausted
            } else {
                StoreError::Unavailable(Box::new(error))
            }
        })?;
        let outcome = work(&mut pooled.connection);
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            pooled.dead = true;
        }
        outcome
    }
}

struct Pooled {
    connection: PgConnection,
    dead: bool,
    used_at: Instant,
}

/// diesel's own manager takes a dead connection back, since it looks at the transaction's state alone; this
/// one is told by the error that the work ended with.
struct Manager {
    url: String,
    statement_timeout: Duration,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled, StoreError> {
        Ok(Pooled {
            connection: establish(&self.url, Some(self.statement_timeout))?,
            dead: false,
            used_at: Instant::now(),
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), StoreError> {
        if pooled.used_at.elapsed() > TRUSTED_FOR {
            pooled.connection.batch_execute("SELECT 1")?;
        }
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.used_at = Instant::now();
        pooled.dead
            || std::thread::panicking()
            || <PgConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(
                &mut pooled.connection,
            )
    }
}

/// r2d2 tries again by itself and tells each failure here; the text is PostgreSQL's or the system's and names
/// no contact.
#[derive(Debug)]
struct LogConnectFailure;

impl r2d2::HandleError<StoreError> for LogConnectFailure {
    fn handle_error(&self, error: StoreError) {
        let cause = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        log::warn!("{error}: {}", cause.trim());
    }
}

fn establish(url: &str, statement_timeout: Option<Duration>) -> Result<PgConnection, StoreError> {
    let mut connection = PgConnection::establish(&with_timeouts(url))?;
    let milliseconds = statement_timeout.map_or(0, |limit| limit.as_millis());
    connection.batch_execute(&format!(
        "SET timezone TO 'UTC'; SET statement_timeout TO {milliseconds}"
    ))?;
    Ok(connection)
}

/// Adds the limits without which libpq waits for minutes when packets get lost, where `url` doesn't set its
/// own. Both of libpq's forms are taken: a URL, and `key=value` pairs.
fn with_timeouts(url: &str) -> String {
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
    fn timeouts_are_added_to_both_forms_and_never_override() {
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
