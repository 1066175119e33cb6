//! Background jobs that keep the tables of the search in order. Each opens a connection for each run and closes it
//! afterwards. Several servers can run them on one database at once.

use std::io;
use std::time::Duration;

use super::periodic_job::{OnDrop, PeriodicJob, StopSignal};
use crate::http::error::chain;
use crate::store::StoreError;
use crate::store::connection::{Limited, StatementLimits};
use crate::store::newest_contacts::{KEPT, delete_old, raise_border};
use crate::store::period_border::BorderRaise;
use crate::store::search_index::insert_pending_grams;
use crate::store::unused_words::remove_unused_words;

const PERIOD: Duration = Duration::from_secs(10);

/// While many contacts are written, their writers empty the list of pending grams. Otherwise the job does, so often
/// that the list stays short.
const PENDING_PERIOD: Duration = Duration::from_secs(2);

/// Long enough to read the millions of rows that a large import leaves in `contacts_newest`.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A load of the first contacts locks the index of grams until it ends. The list of pending grams is empty until then.
const HASTY_LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The work of one run. Ends early if the server stops.
type Run = fn(&mut Limited, &StopSignal) -> Result<(), StoreError>;

/// Starts the jobs.
///
/// # Errors
/// If the system cannot start another thread.
pub fn start(database_url: &str, is_pooled: bool) -> io::Result<Vec<PeriodicJob>> {
    let patient = StatementLimits::background(STATEMENT_TIMEOUT, is_pooled);
    let hasty = StatementLimits {
        lock_timeout: Some(HASTY_LOCK_TIMEOUT),
        ..patient
    };
    let start = |name, period, failure, limits, run: Run| {
        let url = database_url.to_owned();
        PeriodicJob::start(name, period, OnDrop::Stop, failure, move |stop| {
            match Limited::connect(&url, limits).and_then(|mut connection| run(&mut connection, stop)) {
                // A failure during a shutdown is a consequence of it.
                Err(error) if !stop.is_set() => Err(chain(&error)),
                _ => Ok(()),
            }
        })
    };
    Ok(vec![
        start(
            "newest contacts",
            PERIOD,
            "contacts_newest could not be trimmed and takes more room until the next run",
            patient,
            trim_newest_contacts,
        )?,
        start(
            "unused words",
            PERIOD,
            "words that no contact has any more stay in contact_words until the next run",
            patient,
            clean_dictionary,
        )?,
        start(
            "period border",
            PERIOD,
            "the border of contact_period_border could not rise, and searches ask for more periods until the next run",
            patient,
            raise_period_border,
        )?,
        start(
            "pending grams",
            PENDING_PERIOD,
            "the list of pending grams could not be emptied, and searches read it until the next run",
            hasty,
            empty_pending_grams,
        )?,
    ])
}

/// Raises the border of `contacts_newest` if necessary, and deletes the rows that are older than the border.
fn trim_newest_contacts(connection: &mut Limited, stop: &StopSignal) -> Result<(), StoreError> {
    connection.run(|connection| raise_border(connection, KEPT))?;
    while !stop.is_set() && connection.run(delete_old)? {}
    Ok(())
}

/// Removes words that no contact has any more. A word is gone about half a minute after its last contact.
fn clean_dictionary(connection: &mut Limited, stop: &StopSignal) -> Result<(), StoreError> {
    while !stop.is_set() && connection.run(remove_unused_words)? {}
    Ok(())
}

/// Raises the border of the periods if it is due, which it is once in 24 days.
fn raise_period_border(connection: &mut Limited, stop: &StopSignal) -> Result<(), StoreError> {
    let mut raise = BorderRaise::default();
    while !stop.is_set() && connection.run(|connection| raise.step(connection))? {}
    Ok(())
}

/// Empties the list of pending grams, unless somebody else holds the index. Tries twice: while the first attempt waits,
/// a load of the first contacts may replace the index.
fn empty_pending_grams(connection: &mut Limited, _: &StopSignal) -> Result<(), StoreError> {
    let mut insert = || connection.run(insert_pending_grams);
    match insert().or_else(|_| insert()) {
        Err(StoreError::Locked(_)) => Ok(()),
        result => result,
    }
}
