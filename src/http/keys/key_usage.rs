//! When keys were last used: noted in memory as requests come, and written for all of them now and then, so that no
//! request waits for it.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::store::connection::{Limited, StatementLimits};
use crate::store::{StoreError, keys};

/// How often what was noted is written.
const PERIOD: Duration = Duration::from_secs(10);

/// Also how long a server that stops waits at most for an operator who has the keys locked.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);

/// The last uses of keys that aren't written yet: one time for each key that was used, however often.
#[derive(Default)]
pub struct KeyUses(Mutex<HashMap<Uuid, Instant>>);

impl KeyUses {
    pub fn note(&self, key: Uuid, at: Instant) {
        note(&mut self.lock(), key, at);
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all that was noted to `write`. Where that fails it is kept for the next time, and may be later by then.
    fn flush<E>(&self, write: impl FnOnce(&[(Uuid, Duration)]) -> Result<(), E>) -> Result<(), E> {
        let uses = mem::take(&mut *self.lock());
        if uses.is_empty() {
            return Ok(());
        }
        let ages: Vec<(Uuid, Duration)> = uses.iter().map(|(key, at)| (*key, at.elapsed())).collect();
        write(&ages).inspect_err(|_| {
            let mut noted = self.lock();
            for (key, at) in uses {
                note(&mut noted, key, at);
            }
        })
    }
}

fn note(uses: &mut HashMap<Uuid, Instant>, key: Uuid, at: Instant) {
    let latest = uses.entry(key).or_insert(at);
    *latest = at.max(*latest);
}

/// Whoever writes the uses; one a server. Dropping it writes what is left, and waits for that.
pub struct KeyUseWriter {
    /// Gone tells the thread to end.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl KeyUseWriter {
    /// Starts to write, on a connection that is there only meanwhile.
    ///
    /// # Errors
    /// Where the system has no thread for it.
    pub fn start(database_url: &str, is_pooled: bool, uses: Arc<KeyUses>) -> io::Result<Self> {
        let (sender, stop) = mpsc::channel();
        let url = database_url.to_owned();
        let limits = StatementLimits {
            statement_timeout: STATEMENT_TIMEOUT,
            lock_timeout: None,
            is_pooled,
        };
        let thread = thread::Builder::new()
            .name("key uses".to_owned())
            .spawn(move || keep_writing(&url, limits, &uses, &stop))?;
        Ok(Self {
            stop: Some(sender),
            thread: Some(thread),
        })
    }
}

impl Drop for KeyUseWriter {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// The log hears of the first failure in a row.
fn keep_writing(url: &str, limits: StatementLimits, uses: &KeyUses, stop: &mpsc::Receiver<()>) {
    let mut was_failing = false;
    loop {
        let is_last = stop.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout);
        let written = uses.flush(|uses| -> Result<(), StoreError> {
            Limited::connect(url, limits)?.run(|connection| keys::record_uses(connection, uses))
        });
        if let Err(error) = &written
            && !was_failing
        {
            log::warn!("when keys were last used can't be written for now: {error}");
        }
        was_failing = written.is_err();
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_use_is_written_once_for_all_keys() {
        let (uses, now) = (KeyUses::default(), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let earlier = now
            .checked_sub(Duration::from_secs(60))
            .expect("the machine runs for a minute");
        for (key, at) in [(one, now), (one, earlier), (other, earlier)] {
            uses.note(key, at);
        }
        let mut written = HashMap::new();
        let write = |uses: &[(Uuid, Duration)]| -> Result<(), ()> {
            written.extend(uses.iter().copied());
            Ok(())
        };
        assert_eq!(uses.flush(write), Ok(()));
        assert!(written.len() == 2 && written[&one] < Duration::from_secs(60));
        assert!(written[&other] >= Duration::from_secs(60));
        let nothing = |_: &[(Uuid, Duration)]| -> Result<(), ()> { panic!("there is nothing new") };
        assert_eq!(uses.flush(nothing), Ok(()));
    }

    #[test]
    fn what_cant_be_written_is_written_later_unless_a_later_use_takes_its_place() {
        let (uses, start) = (KeyUses::default(), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let earlier = start
            .checked_sub(Duration::from_secs(60))
            .expect("the machine runs for a minute");
        uses.note(one, earlier);
        uses.note(other, earlier);
        let failing = |_: &[(Uuid, Duration)]| {
            // A request comes while it is tried.
            uses.note(other, start);
            Err("no database")
        };
        assert_eq!(uses.flush(failing), Err("no database"));
        let noted = uses.lock();
        assert_eq!((noted[&one], noted[&other]), (earlier, start));
    }
}
