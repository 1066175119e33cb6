//! Messages that come one by one are recorded together: a transaction costs several times what one more message in it
//! does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::{rt, web};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::domain::client::ClientId;
use crate::domain::message::Message;
use crate::http::error::ApiError;
use crate::http::state::{QUEUE_WAIT, State};
use crate::store::messages::{self, MessageOutcome, TOGETHER_MAX};

/// From the begin of one recording of a client's messages to the next. What comes meanwhile waits for that; the first
/// message after a pause doesn't wait.
const PACE: Duration = Duration::from_millis(10);

/// So many of a client wait at most for a recording.
const WAITING_MAX: usize = 1_000;

/// The messages that wait.
pub struct Gathering {
    /// A client is here from its first message on until none came for as long as [`PACE`], and somebody records what
    /// waits for as long as it is.
    clients: Mutex<HashMap<ClientId, Vec<Waiting>>>,
    /// Recordings may overlap, since each may have to wait for the disk, but leave half of the connections to other
    /// writes.
    at_once: Arc<Semaphore>,
}

struct Waiting {
    message: Message,
    /// Tells the caller that its message is being recorded, and where to hear what becomes of it. Where the caller has
    /// gone the message isn't recorded.
    turn: oneshot::Sender<Hearing>,
}

/// What becomes of a message; `None`, or nothing, where it is to be recorded by itself.
type Hearing = oneshot::Receiver<Result<Option<MessageOutcome>, ApiError>>;

impl Gathering {
    /// For a server that has so many connections for single writes.
    pub fn new(connections: usize) -> Self {
        Self {
            clients: Mutex::default(),
            at_once: Arc::new(Semaphore::new(connections.div_ceil(2))),
        }
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Vec<Waiting>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next messages to record, without those whose callers have gone; `None` where nobody waits, and the client is
    /// not here any more.
    fn take(&self, client: ClientId) -> Option<Vec<Waiting>> {
        let mut clients = self.lock();
        let waiting = clients.get_mut(&client)?;
        waiting.retain(|waiting| !waiting.turn.is_closed());
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
/// As those of [`Lane::run`](crate::http::state::Lane::run) and [`messages::record_messages`].
pub async fn record(
    state: &web::Data<State>,
    start: Instant,
    client: ClientId,
    messages: Vec<Message>,
) -> Result<Vec<MessageOutcome>, ApiError> {
    let lane = state.writes_of(messages.len());
    let deadline = lane.deadline(start);
    if let [message] = &*messages
        && let Some(outcome) = record_together(state, deadline, client, message).await?
    {
        return Ok(vec![outcome]);
    }
    lane.run(start, move |connection| {
        messages::record_messages(connection, client, &messages, deadline.into_std())
    })
    .await
}

/// What becomes of the message together with others; `None` where it is to be recorded by itself.
async fn record_together(
    state: &web::Data<State>,
    deadline: Instant,
    client: ClientId,
    message: &Message,
) -> Result<Option<MessageOutcome>, ApiError> {
    state.writes.look_for_database()?;
    let Some(turn) = join(state, client, message) else {
        return Ok(None);
    };
    let Ok(hearing) = timeout(QUEUE_WAIT, turn).await.map_err(|_| ApiError::Busy)? else {
        return Ok(None);
    };
    let heard = timeout_at(deadline, hearing).await.map_err(|_| ApiError::TooLate)?;
    heard.unwrap_or(Ok(None))
}

/// Adds the message to those that wait. `None` where the client had none for a while, or has too many.
fn join(state: &web::Data<State>, client: ClientId, message: &Message) -> Option<oneshot::Receiver<Hearing>> {
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
        turn: sender,
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

async fn keep_recording(mut recorder: Recorder) {
    let client = recorder.client;
    let mut due = Instant::now() + PACE;
    loop {
        sleep_until(due).await;
        let Ok(permit) = recorder.state.gathering.at_once.clone().acquire_owned().await else {
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
    let (mut messages, mut callers) = (Vec::new(), Vec::new());
    for Waiting { message, turn } in waiting {
        let (caller, hearing) = oneshot::channel();
        if turn.send(hearing).is_ok() {
            messages.push(message);
            callers.push(caller);
        }
    }
    let work = move |connection: &mut _| messages::record_together(connection, client, &messages);
    let outcomes = state.writes.run(Instant::now(), work).await;
    for (at, caller) in callers.into_iter().enumerate() {
        // A caller may have gone meanwhile.
        let _ = caller.send(match &outcomes {
            Ok(outcomes) => Ok(outcomes[at]),
            // What may be about a single message is none of the others': each is recorded by itself.
            Err(error) => error.of_others().map_or(Ok(None), Err),
        });
    }
}
