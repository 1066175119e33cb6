//! Lanes: the one bridge from a request to the database.
//!
//! Each kind of work has a lane with connections of its own, so that no kind can starve another.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::monitor::DatabaseMonitor;
use crate::http::error::ApiError;
use crate::http::settings::Settings;
use crate::store::connection::StatementLimits;
use crate::store::pool::Pool;
use crate::store::{PgConnection, StoreError};

/// How long requests may take.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// How long a request waits for a permit before it is shed with 503.
    queue_wait: Duration,
    /// How long a request with a permit waits for a connection.
    checkout: Duration,
    /// Deadline of every call that is not a bulk call.
    request: Duration,
    bulk: Duration,
}

impl Deadlines {
    fn new(factor: u32) -> Self {
        let milliseconds = |count| Duration::from_millis(count) * factor;
        Self {
            queue_wait: milliseconds(150),
            checkout: milliseconds(250),
            request: milliseconds(2_000),
            bulk: milliseconds(10_000),
        }
    }
}

const BULK_POOL_SIZE: u32 = 2;

/// A call with at least this many messages uses the bulk lane.
const BULK_MESSAGES: usize = 10;

/// How long a write waits for a contact that another writer has locked. Only a large import holds a lock for longer.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
const BULK_LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// How much shorter a statement's timeout is than the deadline of its request, so that PostgreSQL does not go on with a
/// statement after the caller has got its 504.
const STATEMENT_MARGIN: Duration = Duration::from_millis(300);

/// The lanes of a server.
pub struct Lanes {
    /// Calls that read one contact, or at most a page.
    pub reads: Lane,
    /// Calls that write a few contacts. Such a call may wait for another writer's lock, but never delays a read.
    pub writes: Lane,
    /// Calls about up to a thousand contacts.
    pub bulk: Lane,
    /// How long a request waits for a permit before it is shed with 503.
    pub queue_wait: Duration,
}

impl Lanes {
    /// Creates the pools without connecting, so that a server can start while its database is away.
    pub fn new(settings: &Settings, monitor: &DatabaseMonitor) -> Self {
        let Settings {
            ref database_url,
            is_pooled,
            pool_size,
            deadline_factor,
            ..
        } = *settings;
        let deadlines = Deadlines::new(deadline_factor);
        let lane = |size, deadline: Duration, lock_timeout| {
            let limits = StatementLimits {
                statement_timeout: deadline - STATEMENT_MARGIN,
                lock_timeout,
                is_pooled,
            };
            let pool = Pool::new(database_url, size, limits, deadlines.checkout);
            Lane::new(pool, deadline, deadlines.queue_wait, monitor.clone())
        };
        Self {
            reads: lane(pool_size, deadlines.request, None),
            writes: lane(pool_size, deadlines.request, Some(LOCK_TIMEOUT)),
            bulk: lane(BULK_POOL_SIZE, deadlines.bulk, Some(BULK_LOCK_TIMEOUT)),
            queue_wait: deadlines.queue_wait,
        }
    }

    /// Waits up to [`Self::queue_wait`] for a permit.
    ///
    /// # Errors
    /// [`ApiError::Busy`] if none became free in time.
    pub async fn take_permit(&self, permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
        take_permit(permits, self.queue_wait).await
    }

    /// The lane for a transaction that records `messages` messages.
    pub fn writes_for(&self, messages: usize) -> &Lane {
        if messages < BULK_MESSAGES {
            &self.writes
        } else {
            &self.bulk
        }
    }

    /// The current usage of each lane, by its name.
    pub fn usage(&self) -> [(&'static str, Usage); 3] {
        [("reads", &self.reads), ("writes", &self.writes), ("bulk", &self.bulk)]
            .map(|(name, lane)| (name, lane.usage()))
    }
}

/// How much of a lane is in use.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// The most connections, and the number of permits.
    pub size: u32,
    /// Open connections.
    pub open: u32,
    /// Open connections that no request uses.
    pub idle: u32,
    pub free_permits: u32,
}

/// A pool of connections, one permit for each of them, and a deadline for the work.
pub struct Lane {
    pool: Pool,
    permits: Arc<Semaphore>,
    deadline: Duration,
    queue_wait: Duration,
    monitor: DatabaseMonitor,
}

impl Lane {
    fn new(pool: Pool, deadline: Duration, queue_wait: Duration, monitor: DatabaseMonitor) -> Self {
        let permits = Arc::new(Semaphore::new(pool.size() as usize));
        Self {
            pool,
            permits,
            deadline,
            queue_wait,
            monitor,
        }
    }

    fn usage(&self) -> Usage {
        let (open, idle) = self.pool.connections();
        Usage {
            size: self.pool.size(),
            open,
            idle,
            free_permits: u32::try_from(self.permits.available_permits()).unwrap_or(u32::MAX),
        }
    }

    /// Fails immediately if waiting for a connection is pointless.
    ///
    /// # Errors
    /// [`ApiError::NoDatabase`] while the monitor cannot reach the database.
    pub fn check_database(&self) -> Result<(), ApiError> {
        if self.monitor.status().is_away {
            return Err(ApiError::NoDatabase("the last probe could not reach it".into()));
        }
        Ok(())
    }

    /// The deadline of a request that began at `start`.
    pub fn deadline(&self, start: Instant) -> Instant {
        start + self.deadline
    }

    /// Runs `work` on a connection, off the worker's thread, for a request that began at `start`.
    ///
    /// # Errors
    /// - [`ApiError::NoDatabase`] immediately while the monitor cannot reach the database, so that one prober waits for
    ///   it instead of every request.
    /// - [`ApiError::Busy`] if no permit became free in time.
    /// - [`ApiError::TooLate`] at the deadline.
    /// - Any other [`StoreError`] of `work`, converted.
    pub async fn run<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.block(start, move |pool| pool.run(work)).await
    }

    /// Like [`Self::run`], for `work` that only reads: retries once if the connection is lost.
    ///
    /// # Errors
    /// The same as [`Self::run`].
    pub async fn read<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.block(start, move |pool| pool.read(work)).await
    }

    /// Takes a permit before it starts the blocking work, and moves the permit into the closure. Blocking work cannot
    /// be cancelled, so after a timeout the work keeps its permit until it ends.
    async fn block<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl FnOnce(&Pool) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.check_database()?;
        let permit = take_permit(&self.permits, self.queue_wait).await?;
        let pool = self.pool.clone();
        let blocking = web::block(move || {
            let _permit = permit;
            work(&pool)
        });
        let outcome = timeout_at(self.deadline(start), blocking)
            .await
            .map_err(|_| ApiError::TooLate)?;
        Ok(outcome.map_err(|canceled| ApiError::Internal(Box::new(canceled)))??)
    }
}

async fn take_permit(permits: &Arc<Semaphore>, wait: Duration) -> Result<OwnedSemaphorePermit, ApiError> {
    timeout(wait, permits.clone().acquire_owned())
        .await
        .map_err(|_| ApiError::Busy)?
        .map_err(|closed| ApiError::Internal(Box::new(closed)))
}
