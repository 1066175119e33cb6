//! Records when each key was last used. The times are collected in memory and written in one batch every ten seconds,
//! so that no request waits for the write.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::http::database::periodic_job::{OnDrop, PeriodicJob};
use crate::http::error::chain;
use crate::store::connection::{Limited, StatementLimits};
use crate::store::{StoreError, keys};

const PERIOD: Duration = Duration::from_secs(10);

/// Also limits how long a stopping server waits if another session has locked the rows of `api_keys`.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);

/// The uses that are not written yet: for each key the latest time.
#[derive(Default)]
pub struct KeyUsage(Mutex<HashMap<Uuid, Instant>>);

impl KeyUsage {
    pub fn note(&self, key: Uuid, at: Instant) {
        keep_latest(&mut self.0.lock(), key, at);
    }

    /// Passes the collected uses, as their ages, to `write`. If `write` fails they are kept for the next time.
    fn flush<E>(&self, write: impl FnOnce(&[(Uuid, Duration)]) -> Result<(), E>) -> Result<(), E> {
        let uses = mem::take(&mut *self.0.lock());
        if uses.is_empty() {
            return Ok(());
        }
        let ages: Vec<(Uuid, Duration)> = uses.iter().map(|(key, at)| (*key, at.elapsed())).collect();
        write(&ages).inspect_err(|_| {
            let mut latest = self.0.lock();
            for (key, at) in uses {
                keep_latest(&mut latest, key, at);
            }
        })
    }
}

fn keep_latest(uses: &mut HashMap<Uuid, Instant>, key: Uuid, at: Instant) {
    let latest = uses.entry(key).or_insert(at);
    *latest = at.max(*latest);
}

/// Starts the job that writes the uses, one per server. It opens a connection for each write and closes it afterwards.
/// Dropping the job writes the remaining uses and waits for that.
///
/// # Errors
/// If the system cannot start another thread.
pub fn start_writer(database_url: &str, is_pooled: bool, usage: Arc<KeyUsage>) -> io::Result<PeriodicJob> {
    let url = database_url.to_owned();
    let limits = StatementLimits::background(STATEMENT_TIMEOUT, is_pooled);
    PeriodicJob::start(
        "key usage",
        PERIOD,
        OnDrop::RunOnceMore,
        "the times when keys were last used could not be written",
        move |_| {
            let written = usage.flush(|uses| -> Result<(), StoreError> {
                Limited::connect(&url, limits)?.run(|connection| keys::record_uses(connection, uses))
            });
            written.map_err(|error| chain(&error))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_write_records_the_latest_use_of_every_key() {
        let (usage, now) = (KeyUsage::default(), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let earlier = now
            .checked_sub(Duration::from_secs(60))
            .expect("the machine has been up for a minute");
        for (key, at) in [(one, now), (one, earlier), (other, earlier)] {
            usage.note(key, at);
        }
        let mut written = HashMap::new();
        let write = |uses: &[(Uuid, Duration)]| -> Result<(), ()> {
            written.extend(uses.iter().copied());
            Ok(())
        };
        assert_eq!(usage.flush(write), Ok(()));
        assert!(written.len() == 2 && written[&one] < Duration::from_secs(60));
        assert!(written[&other] >= Duration::from_secs(60));
        let nothing = |_: &[(Uuid, Duration)]| -> Result<(), ()> { panic!("no key was used since") };
        assert_eq!(usage.flush(nothing), Ok(()));
    }

    #[test]
    fn a_use_that_could_not_be_written_is_kept_unless_a_later_one_replaced_it() {
        let (usage, start) = (KeyUsage::default(), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let earlier = start
            .checked_sub(Duration::from_secs(60))
            .expect("the machine has been up for a minute");
        usage.note(one, earlier);
        usage.note(other, earlier);
        let failing = |_: &[(Uuid, Duration)]| {
            // A request arrives during the write.
            usage.note(other, start);
            Err("no database")
        };
        assert_eq!(usage.flush(failing), Err("no database"));
        let latest = usage.0.lock();
        assert_eq!((latest[&one], latest[&other]), (earlier, start));
    }
}
