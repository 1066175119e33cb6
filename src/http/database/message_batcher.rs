//! Group commit: records single messages of one client together. A transaction costs several times as much as one more
//! message in it.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::lane::Lanes;
use crate::domain::client::ClientId;
use crate::domain::message::Message;
use crate::http::error::ApiError;
use crate::http::metrics::{Metrics, Write};
use crate::store::StoreError;
use crate::store::messages::{self, BATCH_MAX, MessageOutcome, Recorded};

/// The time between the starts of two batches of one client. Messages that arrive in between wait for the next batch.
/// The first message after a pause does not wait.
const PACE: Duration = Duration::from_millis(10);

/// The most messages of one client that wait for a batch.
const PENDING_MAX: usize = 1_000;

/// Collects the messages that wait for their client's next batch.
pub struct MessageBatcher {
    lanes: Arc<Lanes>,
    metrics: Arc<Metrics>,
    /// A client has an entry while its recorder task runs. The task starts with the client's first
    /// message and ends when [`PACE`] passes without a message.
    pending: Mutex<HashMap<ClientId, Vec<Pending>>>,
    /// Limits concurrent batches to half of the connections, so that other writes get the rest. Several batches run at
    /// once, since each may wait for the disk.
    permits: Arc<Semaphore>,
}

struct Pending {
    message: Message,
    /// Tells the caller that its batch has started, and hands it the receiver of the result. If the caller has gone,
    /// the message is not recorded.
    started: oneshot::Sender<ResultReceiver>,
}

/// The result; `None` (or a dropped sender) means "record the message on its own".
type ResultReceiver = oneshot::Receiver<Result<Option<Recorded>, ApiError>>;

impl MessageBatcher {
    /// `connections` is the size of the lane for writes.
    pub fn new(lanes: Arc<Lanes>, metrics: Arc<Metrics>, connections: usize) -> Self {
        Self {
            lanes,
            metrics,
            pending: Mutex::default(),
            permits: Arc::new(Semaphore::new(connections.div_ceil(2))),
        }
    }

    /// Records messages for a request that began at `start`, and counts those whose phone was not stored, because the
    /// contact has a better one. A single message is recorded immediately, or within [`PACE`] in a batch with others of
    /// its client. A message that cannot be recorded in a batch is recorded on its own.
    ///
    /// # Errors
    /// The same as [`Lane::run`](super::lane::Lane::run) and [`messages::record_rest`].
    pub async fn record(
        self: &Arc<Self>,
        start: Instant,
        client: ClientId,
        messages: Vec<Message>,
    ) -> Result<Vec<MessageOutcome>, ApiError> {
        let results = self.record_uncounted(start, client, messages).await?;
        let kept = results.iter().filter(|result| result.keeps_phone).count();
        self.metrics.count_kept_phones(Write::Message, kept);
        Ok(results.into_iter().map(|result| result.outcome).collect())
    }

    async fn record_uncounted(
        self: &Arc<Self>,
        start: Instant,
        client: ClientId,
        messages: Vec<Message>,
    ) -> Result<Vec<Recorded>, ApiError> {
        let lane = self.lanes.writes_for(messages.len());
        let deadline = lane.deadline(start);
        if let [message] = &*messages
            && let Some(result) = self.record_in_batch(deadline, client, message).await?
        {
            return Ok(vec![result]);
        }
        let mut results = Vec::with_capacity(messages.len());
        lane.run(client, start, move |connection| {
            messages::record_rest(connection, client, &messages, &mut results, deadline.into_std())?;
            Ok(mem::take(&mut results))
        })
        .await
    }

    /// The result of the message in a batch; `None` if it has to be recorded on its own.
    async fn record_in_batch(
        self: &Arc<Self>,
        deadline: Instant,
        client: ClientId,
        message: &Message,
    ) -> Result<Option<Recorded>, ApiError> {
        self.lanes.writes.check_database()?;
        let Some(started) = self.enqueue(client, message) else {
            return Ok(None);
        };
        let Ok(result) = timeout(self.lanes.queue_wait, started)
            .await
            .map_err(|_| ApiError::Busy)?
        else {
            return Ok(None);
        };
        let result = timeout_at(deadline, result).await.map_err(|_| ApiError::TooLate)?;
        result.unwrap_or(Ok(None))
    }

    /// Adds the message to the client's next batch. `None` if the client has no recorder task yet (this call starts
    /// it), or if [`PENDING_MAX`] messages wait already.
    fn enqueue(self: &Arc<Self>, client: ClientId, message: &Message) -> Option<oneshot::Receiver<ResultReceiver>> {
        let mut pending = self.pending.lock();
        let Some(waiting) = pending.get_mut(&client) else {
            pending.insert(client, Vec::new());
            rt::spawn(run_recorder(Recorder {
                batcher: self.clone(),
                client,
                is_done: false,
            }));
            return None;
        };
        if waiting.len() >= PENDING_MAX {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        waiting.push(Pending {
            message: message.clone(),
            started: sender,
        });
        Some(receiver)
    }

    /// Takes the messages of the client's next batch and skips those whose callers have gone. `None` if no message
    /// waits; the client's entry is removed then.
    fn take_batch(&self, client: ClientId) -> Option<Vec<Pending>> {
        let mut pending = self.pending.lock();
        let waiting = pending.get_mut(&client)?;
        waiting.retain(|pending| !pending.started.is_closed());
        if waiting.is_empty() {
            pending.remove(&client);
            return None;
        }
        let count = waiting.len().min(BATCH_MAX);
        Some(waiting.drain(..count).collect())
    }

    async fn record_batch(&self, client: ClientId, batch: Vec<Pending>, _permit: OwnedSemaphorePermit) {
        let (mut messages, mut callers) = (Vec::new(), Vec::new());
        for Pending { message, started } in batch {
            let (caller, result) = oneshot::channel();
            if started.send(result).is_ok() {
                messages.push(message);
                callers.push(caller);
            }
        }
        let work = move |connection: &mut _| match messages::record_together(connection, client, &messages) {
            // Another writer holds a lock. Each message is recorded on its own, so that only those that need the lock
            // wait for it.
            Err(StoreError::Locked(_)) => Ok(vec![None; messages.len()]),
            results => results,
        };
        let results = self.lanes.writes.run(client, Instant::now(), work).await;
        for (index, caller) in callers.into_iter().enumerate() {
            // The send fails if the caller has gone.
            let _ = caller.send(match &results {
                Ok(results) => Ok(results[index]),
                // An error that may concern one message alone must not fail the others: each is recorded on its own.
                Err(error) => error.shared().map_or(Ok(None), Err),
            });
        }
    }
}

/// The task that records one client's batches.
struct Recorder {
    batcher: Arc<MessageBatcher>,
    client: ClientId,
    is_done: bool,
}

/// When an actix worker stops, it drops its recorder tasks. The waiting callers then record their
/// messages on their own.
impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.is_done {
            self.batcher.pending.lock().remove(&self.client);
        }
    }
}

async fn run_recorder(mut recorder: Recorder) {
    let client = recorder.client;
    let mut due = Instant::now() + PACE;
    loop {
        sleep_until(due).await;
        let Ok(permit) = recorder.batcher.permits.clone().acquire_owned().await else {
            return;
        };
        due = Instant::now() + PACE;
        let Some(batch) = recorder.batcher.take_batch(client) else {
            recorder.is_done = true;
            return;
        };
        let batcher = recorder.batcher.clone();
        rt::spawn(async move { batcher.record_batch(client, batch, permit).await });
    }
}
