//! Coalesces concurrent lookups of one client into one statement. The fixed cost of a statement is
//! twice the cost of each additional phone number.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::contact_reads::ContactReads;
use super::lane::Lanes;
use crate::domain::client::ClientId;
use crate::domain::phone::Reading;
use crate::http::error::ApiError;
use crate::http::metrics::Metrics;
use crate::store::StoreError;
use crate::store::list_names::ListNames;
use crate::store::lookup::{self, LookupRow};

/// The most numbers in one statement.
const BATCH_MAX: usize = 32;

/// The longest duration of a shared statement, as estimated from recent statements. On a slow database each lookup runs
/// its own statement, so that no lookup waits for the numbers of others.
const STATEMENT_MAX: Duration = Duration::from_millis(5);

/// How long a leader waits for a permit. Other lookups join it during that time.
const WAIT: Duration = Duration::from_millis(2);

/// Runs lookups, and coalesces them under load.
pub struct LookupCoalescer {
    lanes: Arc<Lanes>,
    reads: Arc<ContactReads>,
    list_names: Arc<ListNames>,
    metrics: Arc<Metrics>,
    /// The followers of each client's leader. A client has an entry only while one of its lookups leads.
    joined: Mutex<HashMap<ClientId, Vec<Follower>>>,
    /// Half the connections. A lookup without a permit waits up to [`WAIT`] while others join it, then runs anyway.
    permits: Arc<Semaphore>,
    /// Moving average of the time that one number of a statement takes, in nanoseconds.
    cost_per_number: AtomicU64,
}

/// A lookup that a leader answers.
struct Follower {
    readings: Vec<Reading>,
    /// If the sender is dropped, the follower runs on its own.
    answer: oneshot::Sender<LookupResult>,
}

type LookupResult = Result<Option<LookupRow>, ApiError>;

/// How a lookup without a permit runs.
enum Role<'a> {
    /// Others may join it.
    Leader(Leader<'a>),
    /// It has joined the leader of its client.
    Follower(oneshot::Receiver<LookupResult>),
    Alone,
}

/// A leader's slot. If the leader is cancelled, its followers' channels close and they look up alone.
struct Leader<'a> {
    coalescer: &'a LookupCoalescer,
    client: ClientId,
    is_closed: bool,
}

impl LookupCoalescer {
    /// `connections` is the size of the lane for reads.
    pub fn new(
        lanes: Arc<Lanes>,
        reads: Arc<ContactReads>,
        list_names: Arc<ListNames>,
        metrics: Arc<Metrics>,
        connections: usize,
    ) -> Self {
        Self {
            lanes,
            reads,
            list_names,
            metrics,
            joined: Mutex::default(),
            permits: Arc::new(Semaphore::new(connections.div_ceil(2))),
            cost_per_number: AtomicU64::new(nanoseconds(STATEMENT_MAX)),
        }
    }

    /// Finds a contact by the readings of a phone number, for a request that began at `start`.
    ///
    /// Under little load the lookup runs immediately. Otherwise it runs within [`WAIT`], together with other lookups of
    /// its client. Without readings the answer is `None`.
    ///
    /// # Errors
    /// The same as [`Lane::read`](super::lane::Lane::read).
    pub async fn find(self: &Arc<Self>, start: Instant, client: ClientId, readings: Vec<Reading>) -> LookupResult {
        self.reads.check_database()?;
        if readings.is_empty() {
            return Ok(None);
        }
        // Held until the answer has arrived.
        let mut permit = self.permits.clone().try_acquire_owned().ok();
        if permit.is_none() {
            let answer = match self.role(start, client, &readings) {
                Role::Alone => None,
                Role::Follower(answer) => timeout_at(self.lanes.reads.deadline(start), answer)
                    .await
                    .map_err(|_| ApiError::TooLate)?
                    .ok(),
                Role::Leader(leader) => {
                    let followers;
                    (permit, followers) = leader.wait().await;
                    self.find_for_all(start, client, &readings, followers).await
                }
            };
            if let Some(answer) = answer {
                return answer;
            }
        }
        let coalescer = self.clone();
        let found = self.reads.read(client, start, move |connection| {
            let find = || lookup::find_by_phone(connection, &coalescer.list_names, client, &readings);
            coalescer.measure(1, find)
        });
        let row = found.await?;
        drop(permit);
        self.metrics.count_lookups(1);
        Ok(row)
    }

    fn role(&self, start: Instant, client: ClientId, readings: &[Reading]) -> Role<'_> {
        let batch_limit = self.batch_limit();
        // A request that is already late does not join: it has no time to wait for the others.
        if batch_limit == 1 || start.elapsed() > self.lanes.queue_wait {
            return Role::Alone;
        }
        let mut joined = self.joined.lock();
        let Some(followers) = joined.get_mut(&client) else {
            joined.insert(client, Vec::new());
            return Role::Leader(Leader {
                coalescer: self,
                client,
                is_closed: false,
            });
        };
        if followers.len() + 1 >= batch_limit {
            return Role::Alone;
        }
        let (sender, answer) = oneshot::channel();
        followers.push(Follower {
            readings: readings.to_vec(),
            answer: sender,
        });
        Role::Follower(answer)
    }

    /// Runs the leader's lookup together with those of its followers, and answers the followers.
    ///
    /// Returns `None` without followers, or if the error may concern only one of the numbers. In both cases each lookup
    /// runs on its own.
    async fn find_for_all(
        self: &Arc<Self>,
        start: Instant,
        client: ClientId,
        readings: &[Reading],
        followers: Vec<Follower>,
    ) -> Option<LookupResult> {
        if followers.is_empty() {
            return None;
        }
        let mut numbers = vec![readings.to_vec()];
        let mut callers = Vec::new();
        for Follower { readings, answer } in followers {
            numbers.push(readings);
            callers.push(answer);
        }
        let coalescer = self.clone();
        let found = self.reads.read(client, start, move |connection| {
            let find = || lookup::find_all_by_phone(connection, &coalescer.list_names, client, &numbers);
            coalescer.measure(numbers.len(), find)
        });
        match found.await {
            Ok(rows) => {
                self.metrics.count_lookups(rows.len());
                let mut rows = rows.into_iter();
                let own = rows.next()?;
                for (caller, row) in callers.into_iter().zip(rows) {
                    // The send fails if the caller has gone.
                    let _ = caller.send(Ok(row));
                }
                Some(Ok(own))
            }
            Err(error) => {
                for caller in callers {
                    if let Some(error) = error.shared() {
                        let _ = caller.send(Err(error));
                    }
                }
                error.shared().map(Err)
            }
        }
    }

    /// The most numbers in the next statement: as many as fit into [`STATEMENT_MAX`] at the average cost per number.
    fn batch_limit(&self) -> usize {
        let limit = nanoseconds(STATEMENT_MAX) / self.cost_per_number.load(Ordering::Relaxed).max(1);
        usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, BATCH_MAX)
    }

    /// Runs `find` and updates the moving average (weight 1/8) of the cost per number.
    fn measure<T>(&self, numbers: usize, find: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let start = Instant::now();
        let found = find();
        let cost = nanoseconds(start.elapsed()) / numbers as u64;
        let average = self.cost_per_number.load(Ordering::Relaxed);
        // A statement that fails quickly says nothing about the cost.
        if found.is_ok() || cost > average {
            self.cost_per_number
                .store(average - average / 8 + cost / 8, Ordering::Relaxed);
        }
        found
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Leader<'_> {
    /// Waits up to [`WAIT`] for a permit, then closes the slot and returns the lookups that have joined.
    async fn wait(mut self) -> (Option<OwnedSemaphorePermit>, Vec<Follower>) {
        let permit = timeout(WAIT, self.coalescer.permits.clone().acquire_owned()).await;
        (permit.ok().and_then(Result::ok), self.close())
    }

    fn close(&mut self) -> Vec<Follower> {
        self.is_closed = true;
        self.coalescer.joined.lock().remove(&self.client).unwrap_or_default()
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if !self.is_closed {
            self.close();
        }
    }
}
