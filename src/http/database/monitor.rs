//! One look at the database a few times a second, for all requests: whether it answers, with which schema, and which
//! version its keys have. However many probes and requests want to know, they cost the database nothing.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::store::connection::{Limited, StatementLimits};
use crate::store::keys::{self, Version};
use crate::store::migrations::{self, MigrationError, SchemaState};
use crate::store::{PgConnection, StoreError};

/// The pause between two looks, and before a new connection.
const PERIOD: Duration = Duration::from_millis(400);

/// For each statement of a look.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(500);

/// For so long a look is as good as a new one.
const FRESH: Duration = Duration::from_secs(1);

/// After so long without any outcome a connection counts as stuck, and a new one takes its place. Longer than a new
/// one may take to come about.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long who asks waits for the first look of all.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// How long keys are honoured that were good when the database was last seen.
const HONOURED_WITHOUT_DATABASE: Duration = Duration::from_secs(60);

/// How long a key is believed at all: what changes keys without a change of version, such as a restore with triggers
/// disabled, is noticed then.
const BELIEVED: Duration = Duration::from_secs(300);

/// What was seen of the database lately.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sight {
    /// What the last look showed that was answered.
    pub seen: Option<Seen>,
    /// Whether the database can't be reached since then.
    pub is_away: bool,
}

/// What one look showed.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When the look began; what it showed was so then or a little later.
    pub at: Instant,
    pub schema: SchemaState,
    /// The version of the keys; `None` where the schema may lack it.
    pub version: Option<Version>,
}

impl Sight {
    /// Whether what was read of a key at `read_at`, with this version, still holds at `now`.
    pub fn vouches_for(&self, version: Version, read_at: Instant, now: Instant) -> bool {
        let Some(seen) = self.seen.filter(|seen| seen.version == Some(version)) else {
            return false;
        };
        let since_look = now.saturating_duration_since(seen.at);
        if self.is_away {
            since_look <= HONOURED_WITHOUT_DATABASE
        } else {
            since_look <= FRESH && now.saturating_duration_since(read_at) <= BELIEVED
        }
    }
}

/// Whoever looks at the database; one a server. It stops looking soon after the last clone is dropped, and nobody waits
/// for that.
#[derive(Clone)]
pub struct Watch {
    sight: watch::Receiver<Sight>,
}

impl Watch {
    /// Starts to look, with a connection of its own.
    ///
    /// # Errors
    /// Where the system has no thread for it.
    pub fn start(database_url: &str, is_pooled: bool) -> io::Result<Self> {
        let (sender, sight) = watch::channel(Sight::default());
        let url = database_url.to_owned();
        thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || keep_looking(&url, is_pooled, &sender))?;
        Ok(Self { sight })
    }

    pub fn sight(&self) -> Sight {
        *self.sight.borrow()
    }

    /// The schema of the database, where it answers.
    pub async fn schema(&self) -> Option<SchemaState> {
        let mut sight = self.sight.clone();
        let first_look = sight.wait_for(|sight| sight.seen.is_some() || sight.is_away);
        let _ = timeout(FIRST_LOOK, first_look).await;
        let Sight { seen, is_away } = self.sight();
        seen.filter(|seen| !is_away && seen.at.elapsed() <= FRESH)
            .map(|seen| seen.schema)
    }
}

type Look = Result<Seen, MigrationError>;

/// Publishes look after look, until nobody wants to see them any more.
///
/// Each connection has a thread of its own: one that is stuck, as behind a backend that was stopped, is left alone, and
/// its thread ends whenever it wakes up.
fn keep_looking(url: &str, is_pooled: bool, sight: &watch::Sender<Sight>) {
    let mut trouble = None;
    while !sight.is_closed() {
        let (sender, looks) = mpsc::channel();
        let connection_url = url.to_owned();
        let started = thread::Builder::new()
            .name("look".to_owned())
            .spawn(move || look_until_failure(&connection_url, is_pooled, &sender));
        if let Err(error) = started {
            log::warn!("no thread to look at the database with: {error}");
        }
        let mut has_answered = false;
        while let Ok(look) = looks.recv_timeout(PATIENCE) {
            if sight.is_closed() {
                return;
            }
            has_answered = look.is_ok();
            trouble = publish(look, trouble, sight);
        }
        // A connection that ends after it has answered may be the only one that does: a new one tells, at once.
        if !has_answered {
            thread::sleep(PERIOD);
        }
    }
}

/// Makes known what was seen, and gives what is wrong with it. The log hears of each trouble when it begins, and of the
/// end of all.
fn publish(look: Look, last_trouble: Option<String>, sight: &watch::Sender<Sight>) -> Option<String> {
    let error = match look {
        Ok(seen) => {
            sight.send_replace(Sight {
                seen: Some(seen),
                is_away: false,
            });
            match seen.schema {
                SchemaState::Behind(count) => Some(MigrationError::Behind(count)),
                SchemaState::Current | SchemaState::Newer => None,
            }
        }
        Err(error) => {
            let is_away = matches!(
                error,
                MigrationError::Store(StoreError::Unavailable(_) | StoreError::Refused(_))
            );
            sight.send_modify(|sight| sight.is_away = is_away);
            Some(error)
        }
    };
    let trouble = error.map(|error| format!("{:#}", anyhow::Error::from(error)));
    match (&trouble, &last_trouble) {
        (None, Some(_)) => log::info!("the database answers again"),
        (Some(trouble), last) if last.as_ref() != Some(trouble) => log::warn!("{trouble}"),
        _ => {}
    }
    trouble
}

fn look_until_failure(url: &str, is_pooled: bool, looks: &mpsc::Sender<Look>) {
    let limits = StatementLimits {
        statement_timeout: STATEMENT_TIMEOUT,
        lock_timeout: None,
        is_pooled,
    };
    let mut connection = match Limited::connect(url, limits) {
        Ok(connection) => connection,
        Err(error) => {
            // Nobody hears of it where nobody wants to any more.
            let _ = looks.send(Err(error.into()));
            return;
        }
    };
    let mut has_answered = false;
    loop {
        let look = connection.run(look);
        let has_failed = look.is_err();
        let is_lost = matches!(&look, Err(MigrationError::Store(StoreError::Unavailable(_))));
        // Whether the database is away or this connection alone is the next connection's to say.
        if is_lost && has_answered || looks.send(look).is_err() || has_failed {
            return;
        }
        has_answered = true;
        thread::sleep(PERIOD);
    }
}

fn look(connection: &mut PgConnection) -> Look {
    let at = Instant::now();
    let schema = migrations::schema_state(connection)?;
    let version = match schema {
        SchemaState::Behind(_) => None,
        SchemaState::Current | SchemaState::Newer => Some(keys::read_version(connection)?),
    };
    Ok(Seen { at, schema, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_holds_while_its_version_is_seen_and_a_minute_without_the_database() {
        let version = Version::another();
        let start = Instant::now();
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let seen = Seen {
            at: start,
            schema: SchemaState::Current,
            version: Some(version),
        };
        let [there, away] = [false, true].map(|is_away| Sight {
            seen: Some(seen),
            is_away,
        });
        let holds = |sight: Sight, now| sight.vouches_for(version, start, now);
        assert!(holds(there, start) && holds(there, after(1.0)) && !holds(there, after(1.1)));
        assert!(holds(away, after(60.0)) && !holds(away, after(60.1)));
        assert!(!there.vouches_for(Version::another(), start, start));
        assert!(!away.vouches_for(Version::another(), start, start));

        for is_away in [false, true] {
            assert!(!holds(Sight { seen: None, is_away }, start), "nothing seen yet");
            let seen = Some(Seen { version: None, ..seen });
            assert!(!holds(Sight { seen, is_away }, start), "no version there");
        }
    }

    #[test]
    fn no_key_is_believed_for_longer_than_five_minutes_though_no_version_changes() {
        let version = Version::another();
        let start = Instant::now();
        let holds = |after| {
            let now = start + Duration::from_secs(after);
            let seen = Seen {
                at: now,
                schema: SchemaState::Current,
                version: Some(version),
            };
            let sight = Sight {
                seen: Some(seen),
                is_away: false,
            };
            sight.vouches_for(version, start, now)
        };
        assert!(holds(300) && !holds(301));
    }
}
