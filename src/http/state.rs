//! What all requests share, and the one bridge from a request to the database.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::ApiError;
use crate::store::pool::Pool;
use crate::store::{PgConnection, StoreError};

/// How long a request may take from its first moment; then the answer is 504.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(2);

/// PostgreSQL's limit for one statement of a request: below the deadline, so that the database stops working
/// on what nobody waits for any more.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(1_700);

/// How long a request waits for its turn, and then for a connection, before it is told to come back later.
const QUEUE_WAIT: Duration = Duration::from_millis(200);
const CHECKOUT_TIMEOUT: Duration = Duration::from_millis(250);

/// Shared by all workers; made once.
pub struct State {
    pool: Pool,
    permits: Arc<Semaphore>,
}

impl State {
    /// Makes the pool without connecting: a server starts while its database is away.
    pub fn new(database_url: &str, pool_size: u32) -> Self {
        let pool = Pool::new(database_url, pool_size, STATEMENT_TIMEOUT, CHECKOUT_TIMEOUT);
        let permits = Arc::new(Semaphore::new(pool.size() as usize));
        Self { pool, permits }
    }

    /// Runs `work` on a connection, away from the worker's thread.
    ///
    /// A permit, of which there are as many as connections, comes before the blocking thread and goes along
    /// into it: work whose caller went away can't be stopped, so it has to count until it ends.
    ///
    /// # Errors
    /// [`ApiError::Busy`] where no permit became free in time, [`ApiError::TooLate`] at the deadline, else what
    /// the store's error means.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = timeout(QUEUE_WAIT, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| ApiError::Busy)?
            .map_err(|closed| ApiError::Internal(Box::new(closed)))?;
        let pool = self.pool.clone();
        let blocking = web::block(move || {
            let _permit = permit;
            pool.run(work)
        });
        let outcome = timeout_at(deadline, blocking).await.map_err(|_| ApiError::TooLate)?;
        Ok(outcome.map_err(|canceled| ApiError::Internal(Box::new(canceled)))??)
    }
}
