//! Probes a database again and again, on a connection of its own.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::store::connection::{Limited, StatementLimits};
use crate::store::migrations::MigrationError;
use crate::store::{PgConnection, StoreError};

/// Timeout of each statement of a probe.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection that delivers no probe for this long counts as stuck and is replaced. This is longer than the default
/// timeout for opening a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pause before a reconnect if the last connection did not answer.
const PAUSE: Duration = Duration::from_millis(400);

/// The result of a probe.
pub type ProbeResult<T> = Result<T, MigrationError>;

/// The database to probe.
#[derive(Clone)]
pub struct Target {
    /// A libpq URL.
    pub url: String,
    pub is_pooled: bool,
    /// The pause between two probes.
    pub period: Duration,
}

/// Probes the database, and passes each result to `publish`, until that returns `false`. `new_probe` makes the probe
/// of each new connection.
///
/// Each connection has a thread of its own. A stuck connection, for instance to a stopped backend, is abandoned. Its
/// thread ends when the connection answers or breaks.
pub fn probe_until_stopped<T, P>(
    target: &Target,
    new_probe: impl Fn() -> P,
    mut publish: impl FnMut(ProbeResult<T>) -> bool,
) where
    T: Send + 'static,
    P: FnMut(&mut PgConnection) -> ProbeResult<T> + Send + 'static,
{
    loop {
        let (sender, results) = mpsc::channel();
        let (connection_target, probe) = (target.clone(), new_probe());
        let started = thread::Builder::new()
            .name("probe".to_owned())
            .spawn(move || probe_until_failure(&connection_target, probe, &sender));
        if let Err(error) = started {
            log::warn!("no thread could be started to probe the database: {error}");
        }
        let mut has_answered = false;
        while let Ok(result) = results.recv_timeout(PATIENCE) {
            has_answered = result.is_ok();
            if !publish(result) {
                return;
            }
        }
        // A connection that answered before it broke does not show that the database is unreachable. Reconnect without
        // a pause to find out.
        if !has_answered {
            thread::sleep(PAUSE);
        }
    }
}

fn probe_until_failure<T>(
    target: &Target,
    mut probe: impl FnMut(&mut PgConnection) -> ProbeResult<T>,
    results: &mpsc::Sender<ProbeResult<T>>,
) {
    let limits = StatementLimits::background(STATEMENT_TIMEOUT, target.is_pooled);
    let mut connection = match Limited::connect(&target.url, limits) {
        Ok(connection) => connection,
        Err(error) => {
            // The send fails if the prober has stopped.
            let _ = results.send(Err(error.into()));
            return;
        }
    };
    let mut has_answered = false;
    loop {
        let result = connection.run(&mut probe);
        let has_failed = result.is_err();
        let is_lost = matches!(&result, Err(MigrationError::Store(StoreError::Unavailable(_))));
        // A connection that breaks after it has answered does not say whether the database is away. The next connection
        // finds that out.
        if is_lost && has_answered || results.send(result).is_err() || has_failed {
            return;
        }
        has_answered = true;
        thread::sleep(target.period);
    }
}
