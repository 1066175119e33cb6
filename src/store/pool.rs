//! The pool of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;

use super::connection::{Limited, StatementLimits};
use super::error::StoreError;
use super::migrations::{self, MigrationError, SchemaState};

/// A connection that was used this recently is handed out unchecked: asking it costs a round trip.
const TRUSTED_FOR: Duration = Duration::from_millis(500);

/// A fixed number of connections, each opened when it is first needed.
#[derive(Clone)]
pub struct Pool {
    inner: r2d2::Pool<Manager>,
    size: u32,
    generation: Arc<AtomicU64>,
}

impl Pool {
    /// Makes the pool without connecting, so that a server starts while its database is away.
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

    pub fn size(&self) -> u32 {
        self.size
    }

    /// How many connections there are, and how many of them nobody uses.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.inner.state();
        (state.connections, state.idle_connections)
    }

    /// Runs `work` on a connection of the pool; blocks the thread.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where no connection can be made within the checkout timeout, else what
    /// `work` answers. A connection that turned out is_broken, or is left within a transaction, is closed.
    pub fn run<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run_once(work)?
    }

    /// Runs `work`, which only reads: where its connection is lost it is done anew, once, on a fresh one. A restart of
    /// the database or of what is between loses connections that nobody is told of before they are used.
    ///
    /// # Errors
    /// As those of [`Self::run`].
    pub fn read<T>(&self, work: impl Fn(&mut PgConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.run_once(&work)? {
            Err(StoreError::Unavailable(_)) => self.run_once(&work)?,
            outcome => outcome,
        }
    }

    /// What `work` answers, or why there is no connection for it.
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
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            pooled.is_broken = true;
            // What ended this connection has most likely ended all others of its time.
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
    /// The pool's when it was made: connections from before the last loss of one are not used any more.
    generation: u64,
}

/// diesel's own manager takes a dead connection back, since it looks at the transaction's state alone; this
/// one is told by the error that the work ended with.
struct Manager {
    url: String,
    limits: StatementLimits,
    generation: Arc<AtomicU64>,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    /// A database that comes after the server's start may lack migrations: it counts as not there, and the log says
    /// which command runs them. One with more than this program knows is for a newer server beside this one, which
    /// goes on meanwhile.
    fn connect(&self) -> Result<Pooled, StoreError> {
        let generation = self.generation.load(Ordering::Relaxed);
        let mut limited = Limited::connect(&self.url, self.limits)?;
        if let Ok(SchemaState::Behind(count)) = limited.run(migrations::schema_state) {
            return Err(StoreError::Unavailable(Box::new(MigrationError::Behind(count))));
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

/// r2d2 tries again by itself, many times a second, and tells each failure here. Whoever gets no connection is told the
/// last one, so that this is for those who look closer. The text is PostgreSQL's or the system's and names no contact.
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
