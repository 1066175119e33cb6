//! Background job: keeps the table `contacts_newest` small. Every ten seconds it raises the border (a time in
//! `contacts_newest_border`) if necessary, and deletes the rows that are older than the border.

use std::io;
use std::time::Duration;

use super::periodic_job::{OnDrop, PeriodicJob, StopSignal};
use crate::http::error::chain;
use crate::store::StoreError;
use crate::store::connection::{Limited, StatementLimits};
use crate::store::newest_contacts::{KEPT, delete_old, raise_border};

const PERIOD: Duration = Duration::from_secs(10);

/// Long enough to read the millions of rows that a large import leaves.
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
        "newest contacts",
        PERIOD,
        OnDrop::Stop,
        "contacts_newest could not be trimmed and takes more room until the next run",
        move |stop| match trim(&url, limits, stop) {
            // A failure during a shutdown is a consequence of it.
            Err(error) if !stop.is_set() => Err(chain(&error)),
            _ => Ok(()),
        },
    )
}

fn trim(url: &str, limits: StatementLimits, stop: &StopSignal) -> Result<(), StoreError> {
    let mut connection = Limited::connect(url, limits)?;
    connection.run(|connection| raise_border(connection, KEPT))?;
    while !stop.is_set() && connection.run(delete_old)? {}
    Ok(())
}
