//! Records when each key was last used, and when each webhook last accepted a delivery. The times are collected in
//! memory and written in batches every ten seconds, so that no request waits for the write.

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
use crate::store::{StoreError, keys, webhooks};

const PERIOD: Duration = Duration::from_secs(10);

/// Also limits how long a stopping server waits if another session has locked the rows of `api_keys` or `webhooks`.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);

/// The times that are not written yet.
#[derive(Default)]
pub struct KeyUsage {
    keys: LatestTimes,
    webhooks: LatestTimes,
}

impl KeyUsage {
    /// Notes that a key was used.
    pub fn note(&self, key: Uuid, at: Instant) {
        self.keys.note(key, at);
    }

    /// Notes that a webhook accepted a delivery.
    pub fn note_delivery(&self, webhook: Uuid, at: Instant) {
        self.webhooks.note(webhook, at);
    }
}

/// For each id the latest time.
#[derive(Default)]
struct LatestTimes(Mutex<HashMap<Uuid, Instant>>);

impl LatestTimes {
    fn note(&self, id: Uuid, at: Instant) {
        keep_latest(&mut self.0.lock(), id, at);
    }

    /// Passes the collected times, as their ages, to `write`. If `write` fails they are kept for the next time.
    fn flush<E>(&self, write: impl FnOnce(&[(Uuid, Duration)]) -> Result<(), E>) -> Result<(), E> {
        let times = mem::take(&mut *self.0.lock());
        if times.is_empty() {
            return Ok(());
        }
        let ages: Vec<(Uuid, Duration)> = times.iter().map(|(id, at)| (*id, at.elapsed())).collect();
        write(&ages).inspect_err(|_| {
            let mut latest = self.0.lock();
            for (id, at) in times {
                keep_latest(&mut latest, id, at);
            }
        })
    }
}

fn keep_latest(times: &mut HashMap<Uuid, Instant>, id: Uuid, at: Instant) {
    let latest = times.entry(id).or_insert(at);
    *latest = at.max(*latest);
}

/// Starts the job that writes the times, one per server. It opens a connection for each write and closes it afterwards.
/// Dropping the job writes the remaining times and waits for that.
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
        "the times when keys and webhooks were last used could not be written",
        move |_| {
            let connect = || Limited::connect(&url, limits);
            let write = || -> Result<(), StoreError> {
                usage
                    .keys
                    .flush(|uses| connect()?.run(|connection| keys::record_uses(connection, uses)))?;
                usage.webhooks.flush(|deliveries| {
                    connect()?.run(|connection| webhooks::record_deliveries(connection, deliveries))
                })
            };
            write().map_err(|error| chain(&error))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_write_records_the_latest_use_of_every_key() {
        let (times, now) = (LatestTimes::default(), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let earlier = now
            .checked_sub(Duration::from_secs(60))
            .expect("the machine has been up for a minute");
        for (key, at) in [(one, now), (one, earlier), (other, earlier)] {
            times.note(key, at);
        }
        let mut written = HashMap::new();
        let write = |uses: &[(Uuid, Duration)]| -> Result<(), ()> {
            written.extend(uses.iter().copied());
            Ok(())
        };
        assert_eq!(times.flush(write), Ok(()));
        assert!(written.len() == 2 && written[&one] < Duration::from_secs(60));
        assert!(written[&other] >= Duration::from_secs(60));
        let nothing = |_: &[(Uuid, Duration)]| -> Result<(), ()> { panic!("no key was used since") };
        assert_eq!(times.flush(nothing), Ok(()));
    }

    #[test]
    fn a_use_that_could_not_be_written_is_kept_unless_a_later_one_replaced_it() {
        let (times, start) = (LatestTimes::default(), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let earlier = start
            .checked_sub(Duration::from_secs(60))
            .expect("the machine has been up for a minute");
        times.note(one, earlier);
        times.note(other, earlier);
        let failing = |_: &[(Uuid, Duration)]| {
            // A request arrives during the write.
            times.note(other, start);
            Err("no database")
        };
        assert_eq!(times.flush(failing), Err("no database"));
        let latest = times.0.lock();
        assert_eq!((latest[&one], latest[&other]), (earlier, start));
    }
}
