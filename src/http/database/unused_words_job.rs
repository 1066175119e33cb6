//! Background job: removes words that no contact has any more from the dictionary of a client's words. A word is gone
//! about half a minute after its last contact.

use std::io;
use std::time::Duration;

use super::periodic_job::{OnDrop, PeriodicJob, StopSignal};
use crate::http::error::chain;
use crate::store::StoreError;
use crate::store::connection::{Limited, StatementLimits};
use crate::store::unused_words::remove_unused_words;

const PERIOD: Duration = Duration::from_secs(10);

const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Starts the job. It opens a connection for each run and closes it afterwards. Several servers can run it on one
/// database at once.
///
/// # Errors
/// If the system cannot start another thread.
pub fn start(database_url: &str, is_pooled: bool) -> io::Result<PeriodicJob> {
    let url = database_url.to_owned();
    let limits = StatementLimits::background(STATEMENT_TIMEOUT, is_pooled);
    PeriodicJob::start(
        "unused words",
        PERIOD,
        OnDrop::Stop,
        "words that no contact has any more stay in contact_words until the next run",
        move |stop| match clean(&url, limits, stop) {
            // A failure during a shutdown is a consequence of it.
            Err(error) if !stop.is_set() => Err(chain(&error)),
            _ => Ok(()),
        },
    )
}

fn clean(url: &str, limits: StatementLimits, stop: &StopSignal) -> Result<(), StoreError> {
    let mut connection = Limited::connect(url, limits)?;
    while !stop.is_set() && connection.run(remove_unused_words)? {}
    Ok(())
}
