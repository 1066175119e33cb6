//! The pool of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;

use super::connection::{Limited, StatementLimits};
use super::error::StoreError;
use super::migrations::{self, MigrationError, SchemaState};

/// A connection that was used this recently is handed out unchecked: a check costs a round trip.
const TRUSTED_FOR: Duration = Duration::from_millis(500);

/// A fixed number of connections, each opened on first use.
#[derive(Clone)]
pub struct Pool {
    inner: r2d2::Pool<Manager>,
    size: u32,
    generation: Arc<AtomicU64>,
}

impl Pool {
    /// Makes the pool without connecting, so that a server starts while its database is down.
    pub fn new(url: &str, size: u32, limits: StatementLimits, checkout_timeout: Duration) -> Self {
        let generation = Arc::new(AtomicU64::new(0));
        let manager = Manager {
            url: url.to_owned(),
            limits,
            generation: generation.clone(),
        };
        let inner = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(checkout_timeout)
            .error_handler(Box::new(LogConnectFailure))
            .build_unchecked(manager);
        Self {
            inner,
            size,
            generation,
        }
    }

    /// The most connections that the pool opens.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The number of open connections, and of idle ones among them.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.inner.state();
        (state.connections, state.idle_connections)
    }

    /// Runs `work` on a connection of the pool; blocks the thread.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no connection opens within the checkout timeout, [`StoreError::Exhausted`] if
    /// all stay in use, and those of `work`. A broken connection, or one with an open transaction, is closed.
    pub fn run<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run_once(work)?
    }

    /// Runs `work`, which must only read, and retries it once if its connection is lost or a standby cancels it. A
    /// restart of the database or of a proxy breaks connections without notice, and only their next use shows it.
    ///
    /// # Errors
    /// The same as [`Self::run`].
    pub fn read<T>(&self, work: impl Fn(&mut PgConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.run_once(&work)? {
            Err(StoreError::Unavailable(_) | StoreError::RecoveryConflict(_)) => self.run_once(&work)?,
            outcome => outcome,
        }
    }

    /// The result of `work`, or the outer error if the pool gives no connection.
    fn run_once<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, StoreError> {
        let mut pooled = self.inner.get().map_err(|error| {
            if self.inner.state().connections >= self.size {
                StoreError::Exhausted
            } else {
                StoreError::Unavailable(Box::new(error))
            }
        })?;
        let outcome = pooled.limited.run(work);
        // After a failover, a new connection may reach a server that takes writes.
        if matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::ReadOnly(_))) {
            pooled.is_broken = true;
            // The event that broke this connection has most likely broken all others of its generation.
            let _ = self.generation.compare_exchange(
                pooled.generation,
                pooled.generation + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        Ok(outcome)
    }
}

struct Pooled {
    limited: Limited,
    is_broken: bool,
    used_at: Instant,
    /// The pool's generation when the connection was opened. The loss of a connection ends a generation, and its other
    /// connections are not used any more.
    generation: u64,
}

/// Opens and checks the pool's connections. diesel's own manager takes a broken connection back, since it only looks at
/// the transaction's state; this one knows the error of the work.
struct Manager {
    url: String,
    limits: StatementLimits,
    generation: Arc<AtomicU64>,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    /// A database that first answers after the server's start may lack migrations. It counts as unavailable then, and
    /// the log names the command that runs them. A database with unknown migrations is accepted: a newer server runs
    /// beside this one.
    fn connect(&self) -> Result<Pooled, StoreError> {
        let generation = self.generation.load(Ordering::Relaxed);
        let mut limited = Limited::connect(&self.url, self.limits)?;
        if let Ok((schema, has_citus)) = limited.run(migrations::read_schema) {
            if let SchemaState::Behind(count) = schema {
                return Err(StoreError::Unavailable(Box::new(MigrationError::Behind(count))));
            }
            if has_citus.0 {
                limited.limit_locks_on_nodes(self.limits);
            }
        }
        Ok(Pooled {
            limited,
            is_broken: false,
            used_at: Instant::now(),
            generation,
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), StoreError> {
        if pooled.generation != self.generation.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable(
                "another connection was lost after this one was opened".into(),
            ));
        }
        if pooled.used_at.elapsed() > TRUSTED_FOR {
            pooled.limited.connection.batch_execute("SELECT 1")?;
        }
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.used_at = Instant::now();
        pooled.is_broken
            || std::thread::panicking()
            || <PgConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(
                &mut pooled.limited.connection,
            )
    }
}

/// Logs failures to connect at debug level: r2d2 retries many times a second and reports each failure here. A caller
/// that gets no connection gets the last failure as its error. The text is PostgreSQL's or the system's and names no
/// contact.
#[derive(Debug)]
struct LogConnectFailure;

impl r2d2::HandleError<StoreError> for LogConnectFailure {
    fn handle_error(&self, error: StoreError) {
        match std::error::Error::source(&error) {
            Some(cause) => log::debug!("{error}: {cause}"),
            None => log::debug!("{error}"),
        }
    }
}
