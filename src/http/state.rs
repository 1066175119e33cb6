//! What all requests share, and the one bridge from a request to the database.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::Settings;
use super::database::lookup_coalescer::JointLookups;
use super::database::message_batcher::Gathering;
use super::database::monitor::Watch;
use super::error::ApiError;
use super::keys::credential_cache::Credentials;
use super::keys::key_usage::KeyUses;
use super::keys::rate_limit::RateLimits;
use super::log_throttle::Complaints;
use super::metrics::Metrics;
use crate::store::connection::StatementLimits;
use crate::store::pool::Pool;
use crate::store::search::ClientSizes;
use crate::store::{PgConnection, StoreError};

/// How long a request waits for its turn, and then for a connection, before it is told to come back later.
pub const QUEUE_WAIT: Duration = Duration::from_millis(150);
const CHECKOUT_TIMEOUT: Duration = Duration::from_millis(250);

/// What a bulk call's answer may take; it has connections of its own, so that it never keeps a lookup waiting.
const BULK_DEADLINE: Duration = Duration::from_secs(10);
const BULK_POOL_SIZE: u32 = 2;

/// From so many contacts on a call is a bulk call.
const BULK_ITEMS: usize = 10;

/// How long a write waits for another one that has the same contact locked, before its caller is told to come back
/// later. Only a large import holds contacts for longer.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
const BULK_LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// What any other answer may take.
const REQUEST_DEADLINE: Duration = Duration::from_secs(2);

/// How much earlier than the deadline PostgreSQL gives a statement up, so that the database stops working on what
/// nobody waits for any more.
const STATEMENT_MARGIN: Duration = Duration::from_millis(300);

/// Shared by all workers; made once.
pub struct State {
    /// For calls that read one contact, or at most a page.
    pub reads: Lane,
    /// For calls that write a few contacts. Such a call may have to wait for another writer, and no read ever waits for
    /// it.
    pub writes: Lane,
    /// For calls about up to a thousand.
    pub bulk: Lane,
    pub gathering: Gathering,
    pub joint_lookups: JointLookups,
    pub client_sizes: ClientSizes,
    pub credentials: Credentials,
    /// How many of the `reads` may be about keys that nobody is known to have, so that whoever makes keys up leaves
    /// capacity to those who have one: half of them.
    pub strangers: Arc<Semaphore>,
    pub rate_limits: RateLimits,
    pub key_uses: Arc<KeyUses>,
    pub watch: Watch,
    pub complaints: Complaints,
    pub metrics: Metrics,
    pub trusted_proxies: Vec<IpNet>,
}

impl State {
    /// Makes the pools without connecting: a server starts while its database is away.
    ///
    /// # Errors
    /// Where the system has no thread for the watch.
    pub fn new(settings: &Settings) -> io::Result<Self> {
        let Settings {
            database_url,
            pool_size,
            trusted_proxies,
            is_pooled,
            ..
        } = settings;
        let watch = Watch::start(database_url, *is_pooled)?;
        let lane = |size, deadline: Duration, lock_timeout| {
            let limits = StatementLimits {
                statement_timeout: deadline - STATEMENT_MARGIN,
                lock_timeout,
                is_pooled: *is_pooled,
            };
            let pool = Pool::new(database_url, size, limits, CHECKOUT_TIMEOUT);
            Lane::new(pool, deadline, watch.clone())
        };
        Ok(Self {
            reads: lane(*pool_size, REQUEST_DEADLINE, None),
            writes: lane(*pool_size, REQUEST_DEADLINE, Some(LOCK_TIMEOUT)),
            bulk: lane(BULK_POOL_SIZE, BULK_DEADLINE, Some(BULK_LOCK_TIMEOUT)),
            gathering: Gathering::new(*pool_size as usize),
            joint_lookups: JointLookups::new(*pool_size as usize),
            client_sizes: ClientSizes::default(),
            credentials: Credentials::default(),
            strangers: Arc::new(Semaphore::new((*pool_size as usize / 2).max(1))),
            rate_limits: RateLimits::new(settings.rate_limit),
            key_uses: Arc::default(),
            watch,
            complaints: Complaints::default(),
            metrics: Metrics::default(),
            trusted_proxies: trusted_proxies.clone(),
        })
    }

    /// The state that all requests share.
    pub fn of(request: &HttpRequest) -> &Self {
        request
            .app_data::<web::Data<Self>>()
            .expect("the state is part of the app")
    }

    /// How much of each lane is in use.
    pub fn usage(&self) -> [(&'static str, Usage); 3] {
        [("reads", &self.reads), ("writes", &self.writes), ("bulk", &self.bulk)]
            .map(|(name, lane)| (name, lane.usage()))
    }

    /// The lane for a call that writes so many contacts.
    pub fn writes_of(&self, items: usize) -> &Lane {
        if items < BULK_ITEMS { &self.writes } else { &self.bulk }
    }
}

/// How much of a lane is in use at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Connections that there may be, and permits that there are.
    pub size: u32,
    /// Connections that there are.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    pub free_permits: u32,
}

/// Connections, as many permits, and the time that work on them may take.
pub struct Lane {
    pool: Pool,
    permits: Arc<Semaphore>,
    deadline: Duration,
    watch: Watch,
}

impl Lane {
    fn new(pool: Pool, deadline: Duration, watch: Watch) -> Self {
        let permits = Arc::new(Semaphore::new(pool.size() as usize));
        Self {
            pool,
            permits,
            deadline,
            watch,
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

    /// Tells at once where there is no use in waiting for a connection.
    ///
    /// # Errors
    /// [`ApiError::NoDatabase`] while the watch doesn't find the database.
    pub fn look_for_database(&self) -> Result<(), ApiError> {
        if self.watch.sight().is_away {
            return Err(ApiError::NoDatabase("it was away when it was last looked for".into()));
        }
        Ok(())
    }

    /// When the answer to a request that began at `start` has to be there.
    pub fn deadline(&self, start: Instant) -> Instant {
        start + self.deadline
    }

    /// Runs `work` on a connection, away from the worker's thread, for a request that began at `start`.
    ///
    /// # Errors
    /// [`ApiError::NoDatabase`] at once while the watch doesn't find the database, so that one prober waits for it and
    /// not every request; [`ApiError::Busy`] where no permit became free in time, [`ApiError::TooLate`] at the
    /// deadline, else what the store's error means.
    pub async fn run<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.block(start, move |pool| pool.run(work)).await
    }

    /// Runs `work`, which only reads, as [`Self::run`] does; once more where it loses its connection.
    ///
    /// # Errors
    /// As those of [`Self::run`].
    pub async fn read<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.block(start, move |pool| pool.read(work)).await
    }

    /// A permit, of which there are as many as connections, comes before the blocking thread and goes along
    /// into it: work whose caller went away can't be stopped, so it has to count until it ends.
    async fn block<T: Send + 'static>(
        &self,
        start: Instant,
        work: impl FnOnce(&Pool) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.look_for_database()?;
        let permit = take_permit(&self.permits).await?;
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

/// Waits for a permit, but not for long.
///
/// # Errors
/// [`ApiError::Busy`] where none became free in time.
pub async fn take_permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    timeout(QUEUE_WAIT, permits.clone().acquire_owned())
        .await
        .map_err(|_| ApiError::Busy)?
        .map_err(|closed| ApiError::Internal(Box::new(closed)))
}
