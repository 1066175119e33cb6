//! Messages that come one by one are recorded together: a transaction costs several times what one more message in it
//! does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::{rt, web};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::error::ApiError;
use super::state::State;
use crate::domain::client::ClientId;
use crate::domain::message::Message;
use crate::store::messages::{self, Outcome};

/// From the begin of one recording of a client's messages to the next. What comes meanwhile waits for that; the first
/// message after a pause doesn't wait.
const PACE: Duration = Duration::from_millis(10);

/// So many are recorded together at most, and wait at most for a recording.
const TOGETHER_MAX: usize = 100;
const WAITING_MAX: usize = 1_000;

/// The messages that wait, by client. A client is here from its first message on until none came for as long as
/// [`PACE`], and somebody records what waits for as long as it is.
#[derive(Default)]
pub struct Gathering(Mutex<HashMap<ClientId, Vec<Waiting>>>);

struct Waiting {
    message: Message,
    /// Takes what became of it; dropped, or told `None`, where it is to be recorded alone.
    outcome: oneshot::Sender<Option<Outcome>>,
}

impl Gathering {
    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next messages to record, without those whose callers have gone; `None` where nobody waits, and the client is
    /// not here any more.
    fn take(&self, client: ClientId) -> Option<Vec<Waiting>> {
        let mut clients = self.lock();
        let waiting = clients.get_mut(&client)?;
        waiting.retain(|waiting| !waiting.outcome.is_closed());
        if waiting.is_empty() {
            clients.remove(&client);
            return None;
        }
        let count = waiting.len().min(TOGETHER_MAX);
        Some(waiting.drain(..count).collect())
    }
}

/// Records messages for a request that began at `start`. One that comes alone is recorded at once, or within [`PACE`]
/// together with others of its client; what can't be recorded so is recorded by itself.
///
/// # Errors
/// As those of [`Lane::run`](super::state::Lane::run) and [`messages::record_messages`].
pub async fn record(
    state: &web::Data<State>,
    start: Instant,
    client: ClientId,
    messages: Vec<Message>,
) -> Result<Vec<Outcome>, ApiError> {
    let lane = state.writes_of(messages.len());
    let deadline = lane.deadline(start);
    if let [message] = &*messages
        && let Some(outcome) = join(state, client, message)
        && let Ok(Some(outcome)) = timeout_at(deadline, outcome).await.map_err(|_| ApiError::TooLate)?
    {
        return Ok(vec![outcome]);
    }
    lane.run(start, move |connection| {
        messages::record_messages(connection, client, &messages, deadline.into_std())
    })
    .await
}

/// Adds the message to those that wait. `None` where the client had none for a while, or has too many.
fn join(state: &web::Data<State>, client: ClientId, message: &Message) -> Option<oneshot::Receiver<Option<Outcome>>> {
    let mut clients = state.gathering.lock();
    let Some(waiting) = clients.get_mut(&client) else {
        clients.insert(client, Vec::new());
        rt::spawn(keep_recording(Recorder {
            state: state.clone(),
            client,
            is_done: false,
        }));
        return None;
    };
    if waiting.len() >= WAITING_MAX {
        return None;
    }
    let (sender, receiver) = oneshot::channel();
    waiting.push(Waiting {
        message: message.clone(),
        outcome: sender,
    });
    Some(receiver)
}

/// Who records what waits for a client.
struct Recorder {
    state: web::Data<State>,
    client: ClientId,
    is_done: bool,
}

/// Where a worker ends, and this with it, the callers go on by themselves.
impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.is_done {
            self.state.gathering.lock().remove(&self.client);
        }
    }
}

/// Recordings may overlap, since each may have to wait for the disk, but leave half of the connections to other writes.
async fn keep_recording(mut recorder: Recorder) {
    let client = recorder.client;
    let at_once = Arc::new(Semaphore::new(recorder.state.writes.size().div_ceil(2)));
    let mut due = Instant::now() + PACE;
    loop {
        sleep_until(due).await;
        let Ok(permit) = at_once.clone().acquire_owned().await else {
            return;
        };
        due = Instant::now() + PACE;
        let Some(waiting) = recorder.state.gathering.take(client) else {
            recorder.is_done = true;
            return;
        };
        let state = recorder.state.clone();
        rt::spawn(async move {
            record_waiting(&state, client, waiting).await;
            drop(permit);
        });
    }
}

async fn record_waiting(state: &State, client: ClientId, waiting: Vec<Waiting>) {
    let (messages, callers): (Vec<_>, Vec<_>) = waiting
        .into_iter()
        .map(|waiting| (waiting.message, waiting.outcome))
        .unzip();
    let work = move |connection: &mut _| messages::record_together(connection, client, &messages);
    let outcomes = state.writes.run(Instant::now(), work).await;
    // An error is told by each caller's own attempt.
    for (caller, outcome) in callers.into_iter().zip(outcomes.into_iter().flatten()) {
        // A caller may have gone meanwhile.
        let _ = caller.send(outcome);
    }
}
