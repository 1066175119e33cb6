//! Watches the read replicas: whether each one answers, and how far it has replayed the primary's WAL.
//!
//! One thread reads the primary's WAL position many times a second, and notes the time of each reading. One thread per
//! replica reads the position up to which the replica has replayed. If the replica has reached a position of the
//! primary, it has everything that was committed before the time of that reading. The replica is then *current as of*
//! that time. This one time answers two questions. The lag is the time from then to the last reading. A client reads its
//! own writes if its last write ended before then.

use std::collections::VecDeque;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use strum::{IntoStaticStr, VariantArray};
use tokio::sync::watch;

use super::lane::LaneUsage;
use super::probing::{ProbeResult, Target, probe_until_stopped};
use crate::http::error::chain;
use crate::store::migrations::{self, MigrationError, SchemaState};
use crate::store::replication::{
    DatabaseIdentity, WalPosition, current_position, database_identity, replayed_position,
};
use crate::store::{PgConnection, StoreError};

/// The pause between two probes of a replica, and between two readings of the primary's position. A client that has
/// written reads from the primary for about twice this time. A probe takes a processor of PostgreSQL 0.12 ms, so 0.6 % of its time.
const PERIOD: Duration = Duration::from_millis(20);

/// A replica that has not answered for this long is not used.
const FRESH: Duration = Duration::from_secs(1);

/// How long the schema of a replica counts as known.
const SCHEMA_PERIOD: Duration = Duration::from_millis(400);

/// The most readings of the primary's position that a replica has not reached yet: 80 s at one per [`PERIOD`].
const READINGS_MAX: usize = 4_000;

/// Why a read does not go to a replica.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// The replica does not answer, or a connection to it was lost.
    Away,
    /// It is no copy of the primary's database, or the primary has not answered since the start.
    OtherDatabase,
    /// It takes writes, as it does after a promotion.
    NoStandby,
    /// This program can't run on its schema.
    Schema,
    /// It has been behind the primary for longer than the limit.
    Lag,
    /// It has not replayed the client's last write yet.
    Written,
    /// It cancelled the statement, because of a conflict with its recovery.
    Conflict,
}

/// The state of a replica.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplicaStatus {
    answered_at: Option<Instant>,
    refusal: Option<Refusal>,
    /// It has everything that was committed on the primary before this time.
    current_as_of: Option<Instant>,
    lag: Option<Duration>,
}

impl ReplicaStatus {
    /// Why the replica can't answer a read of a client that last wrote at `written`. `None` if it can.
    ///
    /// While the primary is away, no other database can answer. Then the replica answers whatever its lag.
    pub fn refusal(
        &self,
        now: Instant,
        written: Option<Instant>,
        max_lag: Duration,
        is_primary_away: bool,
    ) -> Option<Refusal> {
        let since = |time: Instant| now.saturating_duration_since(time);
        if self.answered_at.is_none_or(|at| since(at) > FRESH) {
            return Some(Refusal::Away);
        }
        match self.refusal {
            None => {}
            Some(Refusal::Lag) if is_primary_away => {}
            refusal => return refusal,
        }
        if is_primary_away {
            return None;
        }
        match self.current_as_of {
            Some(time) if since(time) <= max_lag => written
                .is_some_and(|written| time < written)
                .then_some(Refusal::Written),
            _ => Some(Refusal::Lag),
        }
    }

    /// How long the replica had been behind at the last reading of the primary's position. `None` if that is not known.
    pub fn lag(&self) -> Option<Duration> {
        self.lag
    }
}

/// What the metrics show of a replica.
#[derive(Clone, Debug)]
pub struct ReplicaUsage {
    /// Its place in the list of replicas, starting at 1.
    pub number: usize,
    /// `None` if it is not known.
    pub lag: Option<Duration>,
    /// Whether reads go to it.
    pub is_used: bool,
    /// The current usage of its lanes, by their names.
    pub lanes: [(&'static str, LaneUsage); 2],
}

/// A position of the primary.
#[derive(Clone, Copy, Debug)]
pub struct PrimaryPosition {
    /// When the reading began. Everything that was committed before has a smaller position, or the same one.
    at: Instant,
    position: WalPosition,
    identity: DatabaseIdentity,
}

/// Starts to read the primary's position, until all receivers are dropped. `None` until the first reading.
///
/// # Errors
/// If the system cannot start another thread.
pub fn watch_primary(url: &str, is_pooled: bool) -> io::Result<watch::Receiver<Option<PrimaryPosition>>> {
    let (sender, receiver) = watch::channel(None);
    let target = Target {
        url: url.to_owned(),
        is_pooled,
        period: PERIOD,
    };
    let new_probe = || {
        let mut known = None;
        move |connection: &mut PgConnection| {
            let identity = match known {
                Some(identity) => identity,
                None => *known.insert(database_identity(connection)?),
            };
            let at = Instant::now();
            let position = current_position(connection)?;
            Ok(PrimaryPosition { at, position, identity })
        }
    };
    let mut logged = None;
    let publish = move |result: ProbeResult<_>| {
        match result {
            Ok(position) => {
                logged = None;
                sender.send_replace(Some(position));
            }
            // The monitor logs that the primary does not answer.
            Err(MigrationError::Store(StoreError::Unavailable(_))) => {}
            Err(error) => {
                let reason = chain(&error);
                if logged.as_ref() != Some(&reason) {
                    log::warn!("no replica is used, because the primary's position can't be read: {reason}");
                    logged = Some(reason);
                }
            }
        }
        !sender.is_closed()
    };
    thread::Builder::new()
        .name("primary".to_owned())
        .spawn(move || probe_until_stopped(&target, new_probe, publish))?;
    Ok(receiver)
}

/// The result of a successful probe of a replica.
struct ReplicaProbe {
    at: Instant,
    identity: DatabaseIdentity,
    schema: SchemaState,
    /// `None` if it is no standby.
    replayed: Option<WalPosition>,
}

/// Starts to probe a replica, until all receivers are dropped. `number` names it in the log.
///
/// # Errors
/// If the system cannot start another thread.
pub fn watch_replica(
    number: usize,
    url: &str,
    is_pooled: bool,
    max_lag: Duration,
    primary: watch::Receiver<Option<PrimaryPosition>>,
) -> io::Result<watch::Receiver<ReplicaStatus>> {
    let (sender, receiver) = watch::channel(ReplicaStatus::default());
    let target = Target {
        url: url.to_owned(),
        is_pooled,
        period: PERIOD,
    };
    let mut follower = Follower::new(max_lag);
    let mut logged = None;
    let publish = move |result: ProbeResult<ReplicaProbe>| {
        let primary = *primary.borrow();
        let error = result.as_ref().err().map(|error| chain(error));
        let status = follower.update(result.ok(), primary);
        sender.send_replace(status);
        // Without a position of the primary nobody knows whether the replica is behind.
        if primary.is_some() || error.is_some() {
            log_change(number, &mut logged, status, error);
        }
        !sender.is_closed()
    };
    thread::Builder::new()
        .name(format!("replica {number}"))
        .spawn(move || probe_until_stopped(&target, new_replica_probe, publish))?;
    Ok(receiver)
}

fn new_replica_probe() -> impl FnMut(&mut PgConnection) -> ProbeResult<ReplicaProbe> + Send + 'static {
    let (mut known_identity, mut known_schema) = (None, None);
    move |connection: &mut PgConnection| {
        let at = Instant::now();
        let identity = match known_identity {
            Some(identity) => identity,
            None => *known_identity.insert(database_identity(connection)?),
        };
        let schema = match known_schema {
            Some((read_at, schema)) if at.saturating_duration_since(read_at) < SCHEMA_PERIOD => schema,
            _ => known_schema.insert((at, migrations::schema_state(connection)?)).1,
        };
        Ok(ReplicaProbe {
            at,
            identity,
            schema,
            replayed: replayed_position(connection)?,
        })
    }
}

/// Logs that the replica is used, or is not used any more and why. Logs nothing if the reason is that of the last line.
fn log_change(number: usize, logged: &mut Option<Option<Refusal>>, status: ReplicaStatus, error: Option<String>) {
    if *logged == Some(status.refusal) {
        return;
    }
    *logged = Some(status.refusal);
    let Some(refusal) = status.refusal else {
        log::info!("replica {number} is used");
        return;
    };
    let reason = error.unwrap_or_else(|| match refusal {
        Refusal::OtherDatabase => "it is no copy of the primary's database".to_owned(),
        Refusal::NoStandby => "it is no standby".to_owned(),
        Refusal::Schema => "its schema is not one that this program can run on".to_owned(),
        Refusal::Lag => "it lags too far behind the primary".to_owned(),
        Refusal::Away | Refusal::Written | Refusal::Conflict => "it does not answer".to_owned(),
    });
    log::warn!("replica {number} is not used, and its reads go to the primary: {reason}");
}

/// Compares what a replica has replayed with the primary's positions.
struct Follower {
    max_lag: Duration,
    /// The readings that the replica has not reached yet, the oldest first.
    readings: VecDeque<(Instant, WalPosition)>,
    /// The lag counts from here until the replica reaches a reading.
    first_reading: Option<Instant>,
    /// What the last probe found, and when its answer was there.
    replayed: Option<(Instant, WalPosition)>,
    status: ReplicaStatus,
}

impl Follower {
    fn new(max_lag: Duration) -> Self {
        Self {
            max_lag,
            readings: VecDeque::new(),
            first_reading: None,
            replayed: None,
            status: ReplicaStatus::default(),
        }
    }

    /// Takes the result of a probe, or `None` if it failed, and the last reading of the primary's position.
    fn update(&mut self, probe: Option<ReplicaProbe>, primary: Option<PrimaryPosition>) -> ReplicaStatus {
        if let Some(primary) = primary {
            self.add_reading(primary.at, primary.position);
        }
        // No copy of the primary has replayed more than a position that is read later. A standby of another installation
        // can, and one that was ahead of the standby which was promoted.
        let is_ahead = primary
            .zip(self.replayed)
            .is_some_and(|(primary, (answered_at, replayed))| primary.at > answered_at && replayed > primary.position);
        let was_lagging = self.status.refusal == Some(Refusal::Lag);
        self.status.refusal = match &probe {
            None => Some(Refusal::Away),
            Some(probe) if is_ahead || primary.is_some_and(|primary| primary.identity != probe.identity) => {
                Some(Refusal::OtherDatabase)
            }
            Some(probe) if probe.replayed.is_none() => Some(Refusal::NoStandby),
            Some(probe) if probe.schema.check().is_err() => Some(Refusal::Schema),
            Some(_) if primary.is_none() => Some(Refusal::OtherDatabase),
            Some(_) => None,
        };
        if let Some(probe) = probe {
            self.status.answered_at = Some(probe.at);
            if let Some(replayed) = probe.replayed {
                self.reach(replayed);
            }
        }
        // Between two readings, not until now: while the primary is away, its standby does not fall behind.
        let current_as_of = self.status.current_as_of.or(self.first_reading);
        let lag = |(primary, time): (PrimaryPosition, Instant)| primary.at.saturating_duration_since(time);
        self.status.lag = primary.zip(current_as_of).map(lag);
        // A replica that lags is used again at half of the limit, so that it does not alternate at the limit.
        let limit = if was_lagging { self.max_lag / 2 } else { self.max_lag };
        if self.status.refusal.is_none() && self.status.lag.is_some_and(|lag| lag > limit) {
            self.status.refusal = Some(Refusal::Lag);
        }
        self.status
    }

    fn add_reading(&mut self, at: Instant, position: WalPosition) {
        self.first_reading.get_or_insert(at);
        if self.status.current_as_of.is_some_and(|time| at <= time) {
            return;
        }
        // After a failover the new primary may lack the end of the former one's WAL.
        while self.readings.back().is_some_and(|(_, last)| *last > position) {
            self.readings.pop_back();
        }
        let is_full = self.readings.len() >= READINGS_MAX;
        match self.readings.back_mut() {
            // The position is unchanged: one entry stays, with the newer time.
            Some(last) if is_full || last.1 == position => *last = (at, position),
            _ => self.readings.push_back((at, position)),
        }
    }

    fn reach(&mut self, replayed: WalPosition) {
        // A standby that has crashed replays the WAL since its last checkpoint again, and may answer reads while it does.
        let before = self.replayed.replace((Instant::now(), replayed));
        if before.is_some_and(|(_, before)| replayed < before) {
            self.status.current_as_of = None;
            self.first_reading = None;
        }
        while let Some((at, _)) = self.readings.front().filter(|(_, position)| *position <= replayed) {
            self.status.current_as_of = Some(*at);
            self.readings.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_LAG: Duration = Duration::from_secs(1);
    const SYSTEM: i64 = 7;

    fn primary(at: Instant, position: i64) -> Option<PrimaryPosition> {
        Some(PrimaryPosition {
            at,
            position: WalPosition::at(position),
            identity: DatabaseIdentity::of_system(SYSTEM),
        })
    }

    fn probe(replayed: i64) -> Option<ReplicaProbe> {
        Some(ReplicaProbe {
            at: Instant::now(),
            identity: DatabaseIdentity::of_system(SYSTEM),
            schema: SchemaState::Current,
            replayed: Some(WalPosition::at(replayed)),
        })
    }

    fn ago(milliseconds: u64) -> Instant {
        Instant::now()
            .checked_sub(Duration::from_millis(milliseconds))
            .expect("the machine has been up for some seconds")
    }

    fn refusal(status: ReplicaStatus, written: Option<Instant>) -> Option<Refusal> {
        status.refusal(Instant::now(), written, MAX_LAG, false)
    }

    #[test]
    fn a_replica_is_current_as_of_the_last_reading_that_it_has_reached() {
        let mut follower = Follower::new(MAX_LAG);
        let times = [400, 300, 200].map(ago);
        assert_eq!(
            refusal(follower.update(probe(9), primary(times[0], 10)), None),
            Some(Refusal::Lag)
        );
        assert_eq!(refusal(follower.update(probe(10), primary(times[1], 20)), None), None);
        let status = follower.update(probe(10), primary(times[1], 20));
        assert_eq!(status.current_as_of, Some(times[0]));
        assert_eq!(refusal(status, Some(times[0])), None);
        assert_eq!(refusal(status, Some(times[1])), Some(Refusal::Written));
        // Nothing is written between the second reading and the third.
        let status = follower.update(probe(25), primary(times[2], 20));
        assert_eq!(
            (status.current_as_of, refusal(status, Some(times[2]))),
            (Some(times[2]), None)
        );
        assert_eq!(refusal(status, Some(ago(100))), Some(Refusal::Written));
    }

    #[test]
    fn a_replica_that_lags_is_used_again_below_half_of_the_limit_or_while_the_primary_is_away() {
        let mut follower = Follower::new(MAX_LAG);
        let times = [3_000, 900, 100].map(ago);
        follower.update(probe(5), primary(times[0], 10));
        let status = follower.update(probe(10), primary(times[1], 20));
        assert_eq!(status.refusal, Some(Refusal::Lag));
        // It lags 0.8 s now.
        let status = follower.update(probe(20), primary(times[2], 30));
        assert_eq!(refusal(status, None), Some(Refusal::Lag));
        assert_eq!(status.refusal(Instant::now(), Some(ago(0)), MAX_LAG, true), None);
        assert_eq!(refusal(follower.update(probe(30), primary(times[2], 30)), None), None);
    }

    #[test]
    fn while_the_primary_is_away_the_lag_stands_still_and_the_replica_is_used_once_the_monitor_reports_it() {
        let mut follower = Follower::new(MAX_LAG);
        let status = follower.update(probe(10), primary(ago(2_000), 10));
        assert_eq!((status.refusal, status.lag), (None, Some(Duration::ZERO)));
        assert_eq!(refusal(status, None), Some(Refusal::Lag));
        assert_eq!(status.refusal(Instant::now(), None, MAX_LAG, true), None);
    }

    #[test]
    fn a_replica_that_is_no_standby_or_of_another_database_or_behind_in_schema_or_silent_is_refused() {
        let now = ago(0);
        let of = |change: &dyn Fn(&mut ReplicaProbe)| {
            let mut probe = probe(10);
            probe.iter_mut().for_each(change);
            let status = Follower::new(MAX_LAG).update(probe, primary(now, 10));
            assert_eq!(
                status.refusal(Instant::now(), None, MAX_LAG, true),
                refusal(status, None),
                "it is refused even while the primary is away"
            );
            refusal(status, None)
        };
        assert_eq!(of(&|_| ()), None);
        assert_eq!(of(&|probe| probe.replayed = None), Some(Refusal::NoStandby));
        assert_eq!(
            of(&|probe| probe.schema = SchemaState::Behind(1)),
            Some(Refusal::Schema)
        );
        assert_eq!(of(&|probe| probe.schema = SchemaState::Newer), None);
        let other = DatabaseIdentity::of_system(SYSTEM + 1);
        assert_eq!(of(&|probe| probe.identity = other), Some(Refusal::OtherDatabase));
        assert_eq!(of(&|probe| probe.at = ago(1_500)), Some(Refusal::Away));
        let unknown = Follower::new(MAX_LAG).update(probe(10), None);
        assert_eq!(refusal(unknown, None), Some(Refusal::OtherDatabase));
        let silent = Follower::new(MAX_LAG).update(None, primary(now, 10));
        assert_eq!(refusal(silent, None), Some(Refusal::Away));
    }

    #[test]
    fn a_replica_that_replays_again_is_refused_until_it_reaches_a_new_reading() {
        let mut follower = Follower::new(MAX_LAG);
        let times = [300, 200].map(ago);
        let status = follower.update(probe(20), primary(times[0], 20));
        assert_eq!(status.current_as_of, Some(times[0]));
        let status = follower.update(probe(15), primary(times[0], 20));
        assert_eq!((refusal(status, None), status.lag), (Some(Refusal::Lag), None));
        let status = follower.update(probe(20), primary(times[1], 20));
        assert_eq!(status.current_as_of, Some(times[1]));
    }

    #[test]
    fn positions_that_the_primary_lost_in_a_failover_are_forgotten() {
        let mut follower = Follower::new(MAX_LAG);
        follower.update(probe(10), primary(ago(300), 30));
        let new = ago(100);
        assert_eq!(follower.update(probe(20), primary(new, 20)).current_as_of, Some(new));
    }

    #[test]
    fn a_replica_that_is_ahead_of_the_primary_is_no_copy_of_it() {
        let mut follower = Follower::new(MAX_LAG);
        assert_eq!(follower.update(probe(20), primary(ago(100), 20)).refusal, None);
        std::thread::sleep(Duration::from_millis(1));
        let status = follower.update(probe(20), primary(Instant::now(), 15));
        assert_eq!(status.refusal, Some(Refusal::OtherDatabase));
        // A reading from before the answer can have a smaller position.
        let mut follower = Follower::new(MAX_LAG);
        follower.update(probe(20), primary(ago(100), 10));
        assert_eq!(follower.update(probe(20), primary(ago(90), 15)).refusal, None);
    }

    #[test]
    fn the_readings_of_a_replica_that_stands_still_are_bounded() {
        let mut follower = Follower::new(MAX_LAG);
        let start = ago(1_000);
        for position in 1..2 * READINGS_MAX as i64 {
            follower.add_reading(
                start + Duration::from_micros(position.unsigned_abs()),
                WalPosition::at(position),
            );
        }
        assert_eq!(follower.readings.len(), READINGS_MAX);
        follower.reach(WalPosition::at(2 * READINGS_MAX as i64));
        assert!(follower.readings.is_empty());
    }
}
