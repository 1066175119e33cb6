//! Database health monitor: probes the database a few times a second, on behalf of all requests.
//!
//! A probe reads whether the database answers, which schema it has, and the version of its keys. The version changes
//! whenever a key's credential changes. Health checks and requests read the last result, so they cost the database
//! nothing.

use std::io;
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::probing::{ProbeResult, Target, probe_until_stopped};
use crate::http::error::chain;
use crate::store::keys::{self, Version};
use crate::store::migrations::{self, MigrationError, SchemaState};
use crate::store::server_version::{ServerVersion, server_version};
use crate::store::{PgConnection, StoreError};

/// The pause between two probes.
const PERIOD: Duration = Duration::from_millis(400);

/// For how long the result of a probe counts as current.
const FRESH: Duration = Duration::from_secs(1);

/// How long `/readyz` waits for the first probe after start.
const FIRST_PROBE: Duration = Duration::from_secs(2);

/// During an outage, cached keys stay valid for this long after the last successful probe.
const VALID_WITHOUT_DATABASE: Duration = Duration::from_secs(60);

/// The longest time that a cached key stays valid while the database answers. It bounds the effect of changes that
/// leave the version as it was, such as a restore with triggers disabled. An outage suspends this limit.
const VALID_MAX: Duration = Duration::from_secs(300);

/// The state of the database at the last probe.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatabaseStatus {
    /// The last successful probe.
    pub probe: Option<Probe>,
    /// Whether the database has been unreachable since then.
    pub is_away: bool,
}

/// The result of a successful probe.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// When the probe began. It read the database at this time or slightly later.
    pub at: Instant,
    pub schema: SchemaState,
    pub postgresql: ServerVersion,
    /// The version of the keys; `None` if this program can't run on the schema, since the schema may lack that version.
    pub version: Option<Version>,
}

impl DatabaseStatus {
    /// Whether a key that was read at `read_at` with this version is still valid at `now`.
    pub fn still_valid(&self, version: Version, read_at: Instant, now: Instant) -> bool {
        let Some(probe) = self.probe.filter(|probe| probe.version == Some(version)) else {
            return false;
        };
        let since_probe = now.saturating_duration_since(probe.at);
        if self.is_away {
            since_probe <= VALID_WITHOUT_DATABASE
        } else {
            since_probe <= FRESH && now.saturating_duration_since(read_at) <= VALID_MAX
        }
    }
}

/// Handle of the monitor, one per server. The monitor stops soon after the last clone is dropped; nobody waits for it.
#[derive(Clone)]
pub struct DatabaseMonitor {
    status: watch::Receiver<DatabaseStatus>,
}

impl DatabaseMonitor {
    /// Starts probing, on a connection of its own.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub fn start(database_url: &str, is_pooled: bool) -> io::Result<Self> {
        let (sender, status) = watch::channel(DatabaseStatus::default());
        let target = Target {
            url: database_url.to_owned(),
            is_pooled,
            period: PERIOD,
        };
        thread::Builder::new()
            .name("monitor".to_owned())
            .spawn(move || monitor(&target, &sender))?;
        Ok(Self { status })
    }

    pub fn status(&self) -> DatabaseStatus {
        *self.status.borrow()
    }

    /// The schema of the database; `None` if the database does not answer.
    pub async fn schema(&self) -> Option<SchemaState> {
        let mut status = self.status.clone();
        let first_probe = status.wait_for(|status| status.probe.is_some() || status.is_away);
        let _ = timeout(FIRST_PROBE, first_probe).await;
        let DatabaseStatus { probe, is_away } = self.status();
        probe
            .filter(|probe| !is_away && probe.at.elapsed() <= FRESH)
            .map(|probe| probe.schema)
    }
}

/// Publishes the result of every probe until the last [`DatabaseMonitor`] is dropped.
fn monitor(target: &Target, status: &watch::Sender<DatabaseStatus>) {
    let mut logged = Logged::default();
    let new_probe = || {
        // Read once per connection, because it cannot change while the connection lasts. Reading it in each probe would
        // cost a round trip.
        let mut postgresql = None;
        move |connection: &mut PgConnection| probe(connection, &mut postgresql)
    };
    probe_until_stopped(target, new_probe, |result| {
        if status.is_closed() {
            return false;
        }
        logged = publish(result, mem::take(&mut logged), status);
        true
    });
}

/// The facts about the database that are in the log already.
#[derive(Debug, Default)]
struct Logged {
    has_been_ready: bool,
    is_newer: bool,
    /// The problem that the last probe found.
    problem: Option<String>,
}

/// Publishes the result of a probe. Logs each new problem once, the first readiness, the recovery, and a newer schema.
fn publish(result: ProbeResult<Probe>, last: Logged, status: &watch::Sender<DatabaseStatus>) -> Logged {
    let found = result.as_ref().ok().copied();
    let error = match result {
        Ok(probe) => {
            status.send_replace(DatabaseStatus {
                probe: Some(probe),
                is_away: false,
            });
            probe.schema.check().err()
        }
        Err(error) => {
            let is_away = matches!(
                error,
                MigrationError::Store(StoreError::Unavailable(_) | StoreError::Refused(_))
            );
            status.send_modify(|status| status.is_away = is_away);
            Some(error)
        }
    };
    let problem = error.map(|error| chain(&error));
    match (&problem, &last.problem, found) {
        (None, _, Some(probe)) if !last.has_been_ready => {
            log::info!(postgresql = probe.postgresql.to_string(); "ready");
        }
        (None, Some(_), _) => log::info!("the database is ready again"),
        (Some(problem), last, _) if last.as_ref() != Some(problem) => log::warn!("{problem}"),
        _ => {}
    }
    let is_newer = found.map_or(last.is_newer, |probe| probe.schema == SchemaState::Newer);
    if is_newer && !last.is_newer {
        log::info!("a newer contact-search has migrated the database; this one can run on its schema");
    }
    Logged {
        has_been_ready: last.has_been_ready || problem.is_none(),
        is_newer,
        problem,
    }
}

fn probe(connection: &mut PgConnection, known: &mut Option<ServerVersion>) -> ProbeResult<Probe> {
    let at = Instant::now();
    let postgresql = match *known {
        Some(version) => version,
        None => *known.insert(server_version(connection)?),
    };
    let schema = migrations::schema_state(connection)?;
    let version = match schema.check() {
        Ok(()) => Some(keys::read_version(connection)?),
        Err(_) => None,
    };
    Ok(Probe {
        at,
        schema,
        postgresql,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_valid_while_its_version_is_current_and_for_a_minute_of_an_outage() {
        let version = Version::another();
        let start = Instant::now();
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let probe = Probe {
            at: start,
            schema: SchemaState::Current,
            postgresql: ServerVersion::from_number(150_000),
            version: Some(version),
        };
        let [there, away] = [false, true].map(|is_away| DatabaseStatus {
            probe: Some(probe),
            is_away,
        });
        let holds = |status: DatabaseStatus, now| status.still_valid(version, start, now);
        assert!(holds(there, start) && holds(there, after(1.0)) && !holds(there, after(1.1)));
        assert!(holds(away, after(60.0)) && !holds(away, after(60.1)));
        assert!(!there.still_valid(Version::another(), start, start));
        assert!(!away.still_valid(Version::another(), start, start));

        for is_away in [false, true] {
            assert!(
                !holds(DatabaseStatus { probe: None, is_away }, start),
                "no probe has succeeded yet"
            );
            let probe = Some(Probe { version: None, ..probe });
            assert!(
                !holds(DatabaseStatus { probe, is_away }, start),
                "the schema has no version"
            );
        }
    }

    #[test]
    fn while_the_database_answers_no_key_stays_valid_for_longer_than_five_minutes() {
        let version = Version::another();
        let start = Instant::now();
        let holds = |after| {
            let now = start + Duration::from_secs(after);
            let probe = Probe {
                at: now,
                schema: SchemaState::Current,
                postgresql: ServerVersion::from_number(150_000),
                version: Some(version),
            };
            let status = DatabaseStatus {
                probe: Some(probe),
                is_away: false,
            };
            status.still_valid(version, start, now)
        };
        assert!(holds(300) && !holds(301));
    }
}
