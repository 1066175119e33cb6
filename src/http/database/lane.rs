//! Lanes: the one bridge from a request to the database.
//!
//! Each kind of work has a lane with connections of its own, so that no kind can starve another.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::monitor::DatabaseMonitor;
use super::write_marks::WriteMarks;
use crate::domain::client::ClientId;
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
    /// How long a check of contacts waits for the one before it.
    check_wait: Duration,
}

impl Deadlines {
    fn new(factor: u32) -> Self {
        let milliseconds = |count| Duration::from_millis(count) * factor;
        Self {
            queue_wait: milliseconds(150),
            checkout: milliseconds(250),
            request: milliseconds(2_000),
            bulk: milliseconds(10_000),
            check_wait: milliseconds(2_000),
        }
    }
}

const BULK_POOL_SIZE: u32 = 2;

/// A check keeps a connection and two threads busy for about a second, so one runs at a time.
const CHECK_POOL_SIZE: u32 = 1;

/// A call with at least this many messages uses the bulk lane.
const BULK_MESSAGES: usize = 10;

/// How long a write waits on its connection for a lock that another writer holds. Single writes hold their locks for a
/// few milliseconds. A write that meets a longer lock, such as that of an import, gives its connection back and tries
/// again later, so that it keeps no other write from its turn.
const LOCK_TIMEOUT: Duration = Duration::from_millis(10);

/// The same for a bulk call. The bulk calls of a client take turns through one exclusive lock. Each call holds that
/// lock while it waits for a contact, so a longer wait would keep the others from their turn. A shorter wait would
/// usually end before the transaction of another bulk call does.
const BULK_LOCK_TIMEOUT: Duration = Duration::from_millis(25);

/// The pause before the first repetition of a write that met a lock. Each further pause is twice as long, up to
/// [`LONGEST_PAUSE`]. A write waits for a random part of the pause, which is at least half of it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The largest number of a lane's writes that may wait for a lock. Further writes that meet a lock get 503 at once. A
/// waiting write holds its parsed body, which for a bulk call has up to 2 MiB.
const WAITING_WRITES: usize = 256;
const WAITING_BULK_CALLS: usize = 8;

/// How much shorter a statement's timeout is than the deadline of its request, so that PostgreSQL does not go on with a
/// statement after the caller has got its 504.
pub const STATEMENT_MARGIN: Duration = Duration::from_millis(300);

/// The lanes of a server.
pub struct Lanes {
    /// Calls that read one contact, or at most a page.
    pub reads: Lane,
    /// Calls that write a few contacts. Such a call may wait for another writer's lock, but never delays a read or a
    /// write of other contacts.
    pub writes: Lane,
    /// Calls about up to a thousand contacts.
    pub bulk: Lane,
    /// Calls that compare contacts with all of the client's. They only read.
    pub checks: Lane,
    /// How long a request waits for a permit before it is shed with 503.
    pub queue_wait: Duration,
}

impl Lanes {
    /// Creates the pools without connecting, so that a server can start while its database is away. The lanes note each
    /// write in `marks`, if given.
    pub fn new(settings: &Settings, monitor: &DatabaseMonitor, marks: Option<&Arc<WriteMarks>>) -> Self {
        let lane = |work| Lane {
            monitor: Some(monitor.clone()),
            marks: marks.cloned(),
            ..Lane::new(settings, &settings.database_url, work)
        };
        Self {
            reads: lane(LaneWork::Reads),
            writes: lane(LaneWork::Writes),
            bulk: lane(LaneWork::Bulk),
            checks: lane(LaneWork::Checks),
            queue_wait: Deadlines::new(settings.deadline_factor).queue_wait,
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
    pub fn usage(&self) -> [(&'static str, LaneUsage); 4] {
        [
            ("reads", &self.reads),
            ("writes", &self.writes),
            ("bulk", &self.bulk),
            ("checks", &self.checks),
        ]
        .map(|(name, lane)| (name, lane.usage()))
    }
}

/// How much of a lane is in use.
#[derive(Clone, Copy, Debug)]
pub struct LaneUsage {
    /// The most connections, and the number of permits.
    pub size: u32,
    /// Open connections.
    pub open: u32,
    /// Open connections that no request uses.
    pub idle: u32,
    pub free_permits: u32,
}

/// The kind of work that a lane is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LaneWork {
    Reads,
    Writes,
    Bulk,
    Checks,
}

/// A pool of connections, one permit for each of them, and a deadline for the work.
pub struct Lane {
    pool: Pool,
    permits: Arc<Semaphore>,
    deadline: Duration,
    queue_wait: Duration,
    /// Bounds the writes that wait for another writer's lock.
    waiting: Arc<Semaphore>,
    /// Limits the repetitions of such writes to half of the lane's connections at a time.
    repetitions: Arc<Semaphore>,
    /// Says whether the database is away; `None` for a replica, which is not chosen while it is away.
    monitor: Option<DatabaseMonitor>,
    /// Notes the writes; `None` without replicas.
    marks: Option<Arc<WriteMarks>>,
}

impl Lane {
    /// Creates the pool of a lane to a database, without connecting.
    pub fn new(settings: &Settings, url: &str, work: LaneWork) -> Self {
        let deadlines = Deadlines::new(settings.deadline_factor);
        let (size, deadline, lock_timeout, waiting) = match work {
            LaneWork::Reads => (settings.pool_size, deadlines.request, None, 0),
            LaneWork::Writes => (
                settings.pool_size,
                deadlines.request,
                Some(LOCK_TIMEOUT),
                WAITING_WRITES,
            ),
            LaneWork::Bulk => (
                BULK_POOL_SIZE,
                deadlines.bulk,
                Some(BULK_LOCK_TIMEOUT),
                WAITING_BULK_CALLS,
            ),
            LaneWork::Checks => (CHECK_POOL_SIZE, deadlines.bulk, None, 0),
        };
        let queue_wait = match work {
            LaneWork::Checks => deadlines.check_wait,
            _ => deadlines.queue_wait,
        };
        let limits = StatementLimits {
            statement_timeout: deadline - STATEMENT_MARGIN,
            lock_timeout,
            is_pooled: settings.is_pooled,
        };
        Self {
            pool: Pool::new(url, size, limits, deadlines.checkout),
            permits: Arc::new(Semaphore::new(size as usize)),
            deadline,
            queue_wait,
            waiting: Arc::new(Semaphore::new(waiting)),
            repetitions: Arc::new(Semaphore::new(size.div_ceil(2) as usize)),
            monitor: None,
            marks: None,
        }
    }

    /// The current usage of the lane.
    pub fn usage(&self) -> LaneUsage {
        let (open, idle) = self.pool.connections();
        LaneUsage {
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
        if self.monitor.as_ref().is_some_and(|monitor| monitor.status().is_away) {
            return Err(ApiError::NoDatabase("the last probe could not reach it".into()));
        }
        Ok(())
    }

    /// The deadline of a request that began at `start`.
    pub fn deadline(&self, start: Instant) -> Instant {
        start + self.deadline
    }

    /// Runs `work`, which may write contacts of the client, for a request that began at `start`. `work` runs on a
    /// connection, off the worker's thread.
    ///
    /// If `work` fails because another writer holds a lock, the lane repeats it until the deadline. Between two
    /// attempts the request has neither a connection nor a permit.
    ///
    /// # Errors
    /// - [`ApiError::NoDatabase`] immediately while the monitor cannot reach the database, so that one prober waits for
    ///   it instead of every request.
    /// - [`ApiError::Busy`] if no permit became free in time, if another writer kept its lock for too long, or if too
    ///   many writes of the lane wait for locks already.
    /// - [`ApiError::TooLate`] at the deadline.
    /// - Any other [`StoreError`] of `work`, converted.
    pub async fn run<T: Send + 'static>(
        &self,
        client: ClientId,
        start: Instant,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let deadline = self.deadline(start);
        let (mut waiting, mut repetition, mut pause) = (None, None, FIRST_PAUSE);
        loop {
            let marks = self.marks.clone();
            let outcome;
            (outcome, work) = self
                .block(start, move |pool| {
                    let _repetition = repetition;
                    let outcome = pool.run(&mut work);
                    // On this thread, because it also runs to its end if the request has gone away.
                    if let Some(marks) = marks {
                        marks.note(client);
                    }
                    (outcome, work)
                })
                .await?;
            if !matches!(outcome, Err(StoreError::Locked(_))) {
                return Ok(outcome?);
            }
            if waiting.is_none() {
                let place = self.waiting.clone().try_acquire_owned();
                waiting = Some(place.map_err(|_| ApiError::Busy)?);
            }
            let due = Instant::now() + pause.mul_f64(0.5 + random_fraction() / 2.0);
            // Too late for another attempt.
            if due + STATEMENT_MARGIN > deadline {
                return Err(ApiError::Busy);
            }
            sleep_until(due).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
            let turn = timeout_at(deadline, self.repetitions.clone().acquire_owned()).await;
            repetition = turn.map_err(|_| ApiError::Busy)?.ok();
        }
    }

    /// Like [`Self::run`], for `work` that only reads: retries once if the connection is lost or a standby cancels the
    /// statement.
    ///
    /// # Errors
    /// The same as [`Self::run`].
    pub async fn read<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.block(start, move |pool| pool.read(work)).await??)
    }

    /// Runs `work`, which only reads, once. Returns its result, and `work` for a repetition elsewhere.
    ///
    /// # Errors
    /// [`ApiError::Busy`] and [`ApiError::TooLate`], as for [`Self::run`].
    pub async fn read_once<T: Send + 'static, W>(
        &self,
        start: Instant,
        work: W,
    ) -> Result<(Result<T, StoreError>, W), ApiError>
    where
        W: Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    {
        self.block(start, move |pool| (pool.run(&work), work)).await
    }

    /// Takes a permit before it starts the blocking work, and moves the permit into the closure. Blocking work cannot
    /// be cancelled, so after a timeout the work keeps its permit until it ends.
    async fn block<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl FnOnce(&Pool) -> T + Send + 'static,
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
        outcome.map_err(|canceled| ApiError::Internal(Box::new(canceled)))
    }
}

/// A number between 0 and 1, so that two writes that wait for each other's locks do not repeat in step.
fn random_fraction() -> f64 {
    // Each `RandomState` has another random key.
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

async fn take_permit(permits: &Arc<Semaphore>, wait: Duration) -> Result<OwnedSemaphorePermit, ApiError> {
    timeout(wait, permits.clone().acquire_owned())
        .await
        .map_err(|_| ApiError::Busy)?
        .map_err(|closed| ApiError::Internal(Box::new(closed)))
}
