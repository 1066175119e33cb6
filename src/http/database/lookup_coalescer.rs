//! Lookups that come at once are answered by one statement: its beginning and end take the processor twice as long as
//! one more number in it does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::domain::client::ClientId;
use crate::domain::phone::Reading;
use crate::http::error::ApiError;
use crate::http::state::{QUEUE_WAIT, State};
use crate::store::StoreError;
use crate::store::lookup::{self, LookupRow};

/// So many numbers are asked for by one statement at most.
const TOGETHER_MAX: usize = 32;

/// What a statement for several may take, going by the last ones: where the database is slow each lookup has one of its
/// own, so that none waits for what another one's takes.
const STATEMENT_MAX: Duration = Duration::from_millis(5);

/// How long a lookup waits for those before it, and others join it meanwhile.
const WAIT: Duration = Duration::from_millis(2);

/// The lookups that wait.
pub struct JointLookups {
    /// A client is here while one of its lookups waits, with those that have joined it.
    waiting: Mutex<HashMap<ClientId, Vec<Joined>>>,
    /// Half as many as there are connections: others join those that wait for one. What has waited for long enough goes
    /// without.
    at_once: Arc<Semaphore>,
    /// What one number took of late, in nanoseconds.
    took: AtomicU64,
}

struct Joined {
    readings: Vec<Reading>,
    /// Where nothing comes the lookup is answered by itself.
    answer: oneshot::Sender<Result<Option<LookupRow>, ApiError>>,
}

/// How a lookup goes about it.
enum Part<'a> {
    /// As one that others may join.
    Lead(Place<'a>),
    /// With the one that waits.
    Join(oneshot::Receiver<Result<Option<LookupRow>, ApiError>>),
    Alone,
}

impl JointLookups {
    /// For a server that has so many connections for reads.
    pub fn new(connections: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            at_once: Arc::new(Semaphore::new(connections.div_ceil(2))),
            took: AtomicU64::new(nanoseconds(STATEMENT_MAX)),
        }
    }

    /// How many numbers a statement may ask for, going by what the last ones took.
    fn together_max(&self) -> usize {
        let most = nanoseconds(STATEMENT_MAX) / self.took.load(Ordering::Relaxed).max(1);
        usize::try_from(most).unwrap_or(usize::MAX).clamp(1, TOGETHER_MAX)
    }

    /// Does what asks for so many numbers, and notes what it takes: an eighth of what is known goes by the last one.
    fn timed<T>(&self, numbers: usize, find: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let start = Instant::now();
        let found = find();
        let of_one = nanoseconds(start.elapsed()) / numbers as u64;
        let before = self.took.load(Ordering::Relaxed);
        // What fails at once says nothing.
        if found.is_ok() || of_one > before {
            self.took.store(before - before / 8 + of_one / 8, Ordering::Relaxed);
        }
        found
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Vec<Joined>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever began long ago has less time left than others.
    fn part(&self, start: Instant, client: ClientId, readings: &[Reading]) -> Part<'_> {
        let most = self.together_max();
        if most == 1 || start.elapsed() > QUEUE_WAIT {
            return Part::Alone;
        }
        let mut waiting = self.lock();
        let Some(joined) = waiting.get_mut(&client) else {
            waiting.insert(client, Vec::new());
            return Part::Lead(Place {
                lookups: self,
                client,
                is_taken: false,
            });
        };
        if joined.len() + 1 >= most {
            return Part::Alone;
        }
        let (answer, hearing) = oneshot::channel();
        joined.push(Joined {
            readings: readings.to_vec(),
            answer,
        });
        Part::Join(hearing)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The place that others join. Where its caller goes away they hear nothing.
struct Place<'a> {
    lookups: &'a JointLookups,
    client: ClientId,
    is_taken: bool,
}

impl Place<'_> {
    /// Waits for those before, but not for long. Gives who has joined meanwhile.
    async fn wait(mut self) -> (Option<OwnedSemaphorePermit>, Vec<Joined>) {
        let permit = timeout(WAIT, self.lookups.at_once.clone().acquire_owned()).await;
        (permit.ok().and_then(Result::ok), self.take())
    }

    /// Those that have joined; whoever comes now doesn't.
    fn take(&mut self) -> Vec<Joined> {
        self.is_taken = true;
        self.lookups.lock().remove(&self.client).unwrap_or_default()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_taken {
            self.take();
        }
    }
}

/// What a phone number's readings reach, for a request that began at `start`. It is asked for at once where few look up
/// at the same time, else within [`WAIT`], together with others of its client. What has no readings reaches nobody.
///
/// # Errors
/// As those of [`Lane::read`](crate::http::state::Lane::read).
pub async fn find(
    state: &web::Data<State>,
    start: Instant,
    client: ClientId,
    readings: Vec<Reading>,
) -> Result<Option<LookupRow>, ApiError> {
    state.reads.look_for_database()?;
    if readings.is_empty() {
        return Ok(None);
    }
    let lookups = &state.joint_lookups;
    // It is kept until the answer is there.
    let mut permit = lookups.at_once.clone().try_acquire_owned().ok();
    if permit.is_none() {
        let part = lookups.part(start, client, &readings);
        let answer = match part {
            Part::Alone => None,
            Part::Join(hearing) => timeout_at(state.reads.deadline(start), hearing)
                .await
                .map_err(|_| ApiError::TooLate)?
                .ok(),
            Part::Lead(place) => {
                let joined;
                (permit, joined) = place.wait().await;
                find_together(state, start, client, &readings, joined).await
            }
        };
        if let Some(answer) = answer {
            return answer;
        }
    }
    let data = state.clone();
    let found = state.reads.read(start, move |connection| {
        let find = || lookup::find_by_phone(connection, client, &readings);
        data.joint_lookups.timed(1, find)
    });
    let row = found.await?;
    drop(permit);
    state.metrics.count_lookups(1);
    Ok(row)
}

/// Answers those that have joined, and gives what the readings reach; `None` where nobody has joined, or what went wrong
/// may be about one of them alone: then each is answered by itself.
async fn find_together(
    state: &web::Data<State>,
    start: Instant,
    client: ClientId,
    readings: &[Reading],
    joined: Vec<Joined>,
) -> Option<Result<Option<LookupRow>, ApiError>> {
    if joined.is_empty() {
        return None;
    }
    let mut questions = vec![readings.to_vec()];
    let mut callers = Vec::new();
    for Joined { readings, answer } in joined {
        questions.push(readings);
        callers.push(answer);
    }
    let data = state.clone();
    let found = state.reads.read(start, move |connection| {
        let find = || lookup::find_all_by_phone(connection, client, &questions);
        data.joint_lookups.timed(questions.len(), find)
    });
    match found.await {
        Ok(rows) => {
            state.metrics.count_lookups(rows.len());
            let mut rows = rows.into_iter();
            let own = rows.next()?;
            for (caller, row) in callers.into_iter().zip(rows) {
                // A caller may have gone meanwhile.
                let _ = caller.send(Ok(row));
            }
            Some(Ok(own))
        }
        Err(error) => {
            for caller in callers {
                if let Some(error) = error.of_others() {
                    let _ = caller.send(Err(error));
                }
            }
            error.of_others().map(Err)
        }
    }
}
