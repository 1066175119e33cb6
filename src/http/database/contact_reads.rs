//! Chooses the database of each read of contacts: a replica if one can answer, else the primary.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::lane::{Lane, LaneWork, Lanes};
use super::monitor::DatabaseMonitor;
use super::replica::{Refusal, ReplicaStatus, ReplicaUsage, watch_primary, watch_replica};
use super::write_marks::WriteMarks;
use crate::domain::client::ClientId;
use crate::http::error::ApiError;
use crate::http::metrics::Metrics;
use crate::http::settings::Settings;
use crate::store::{PgConnection, StoreError};

/// Reads contacts. Without replicas every read goes to the primary.
pub struct ContactReads {
    lanes: Arc<Lanes>,
    replicas: Option<Replicas>,
}

struct Replicas {
    replicas: Vec<Replica>,
    /// The replica whose turn it is, modulo their number.
    turn: AtomicUsize,
    max_lag: Duration,
    marks: Arc<WriteMarks>,
    primary: DatabaseMonitor,
    metrics: Arc<Metrics>,
}

/// A replica, with lanes of its own.
struct Replica {
    reads: Lane,
    bulk: Lane,
    status: watch::Receiver<ReplicaStatus>,
}

/// Which of a database's lanes a read takes.
#[derive(Clone, Copy)]
enum Size {
    Page,
    Bulk,
}

impl ContactReads {
    /// Starts to watch the replicas, if the settings name some. `marks` has the last writes of the clients.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub fn new(
        settings: &Settings,
        lanes: Arc<Lanes>,
        primary: &DatabaseMonitor,
        marks: Option<Arc<WriteMarks>>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let Some(marks) = marks else {
            return Ok(Self { lanes, replicas: None });
        };
        let (max_lag, is_pooled) = (settings.max_replica_lag, settings.is_pooled);
        let position = watch_primary(&settings.database_url, is_pooled)?;
        let replica = |(url, number): (&String, usize)| {
            Ok(Replica {
                reads: Lane::new(settings, url, LaneWork::Reads),
                bulk: Lane::new(settings, url, LaneWork::Bulk),
                status: watch_replica(number, url, is_pooled, max_lag, position.clone())?,
            })
        };
        metrics.expect_replicas();
        let replicas = Replicas {
            replicas: settings
                .replica_urls
                .iter()
                .zip(1..)
                .map(replica)
                .collect::<io::Result<_>>()?,
            turn: AtomicUsize::new(0),
            max_lag,
            marks,
            primary: primary.clone(),
            metrics,
        };
        Ok(Self {
            lanes,
            replicas: Some(replicas),
        })
    }

    /// Reads one contact of the client, or at most a page, for a request that began at `start`.
    ///
    /// `work` runs on a replica that is current enough and has the client's last write. If the replica is lost during
    /// the statement or cancels it, `work` runs again on the primary.
    ///
    /// # Errors
    /// The same as [`Lane::read`].
    pub async fn read<T: Send + 'static>(
        &self,
        client: ClientId,
        start: Instant,
        work: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.read_from(Size::Page, client, start, work).await
    }

    /// Like [`Self::read`], for up to a thousand contacts.
    ///
    /// # Errors
    /// The same as [`Lane::read`].
    pub async fn read_bulk<T: Send + 'static>(
        &self,
        client: ClientId,
        start: Instant,
        work: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.read_from(Size::Bulk, client, start, work).await
    }

    async fn read_from<T: Send + 'static>(
        &self,
        size: Size,
        client: ClientId,
        start: Instant,
        mut work: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        if let Some(replicas) = &self.replicas
            && let Some(replica) = replicas.choose(client)
        {
            let lane = match size {
                Size::Page => &replica.reads,
                Size::Bulk => &replica.bulk,
            };
            let outcome;
            (outcome, work) = lane.read_once(start, work).await?;
            let refusal = match &outcome {
                Err(StoreError::RecoveryConflict(_)) => Refusal::Conflict,
                Err(StoreError::Unavailable(_) | StoreError::Refused(_)) => Refusal::Away,
                _ => return Ok(outcome?),
            };
            replicas.metrics.count_fallback(refusal);
        }
        let lane = match size {
            Size::Page => &self.lanes.reads,
            Size::Bulk => &self.lanes.bulk,
        };
        lane.read(start, work).await
    }

    /// Fails immediately if waiting for a connection is pointless.
    ///
    /// # Errors
    /// [`ApiError::NoDatabase`] while neither the primary nor a replica answers.
    pub fn check_database(&self) -> Result<(), ApiError> {
        let primary = self.lanes.reads.check_database();
        match &self.replicas {
            Some(replicas) if primary.is_err() && replicas.can_answer() => Ok(()),
            _ => primary,
        }
    }

    /// The state of each replica.
    pub fn usage(&self) -> Vec<ReplicaUsage> {
        let Some(replicas) = &self.replicas else {
            return Vec::new();
        };
        let usage = |(replica, number): (&Replica, usize)| ReplicaUsage {
            number,
            lag: replica.status.borrow().lag(),
            is_used: replicas.refusal(replica, None).is_none(),
            lanes: [("reads", replica.reads.usage()), ("bulk", replica.bulk.usage())],
        };
        replicas.replicas.iter().zip(1..).map(usage).collect()
    }
}

impl Replicas {
    /// The next replica that can answer a read of the client. `None` for the primary. The fallback is counted with the
    /// reason of the replica whose turn it was.
    fn choose(&self, client: ClientId) -> Option<&Replica> {
        let written = self.marks.last(client);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.replicas.len();
        let (later, first) = self.replicas.split_at(turn);
        let mut reason = None;
        for replica in first.iter().chain(later) {
            let Some(refusal) = self.refusal(replica, written) else {
                return Some(replica);
            };
            reason = reason.or(Some(refusal));
        }
        if let Some(reason) = reason {
            self.metrics.count_fallback(reason);
        }
        None
    }

    fn refusal(&self, replica: &Replica, written: Option<std::time::Instant>) -> Option<Refusal> {
        let is_primary_away = self.primary.status().is_away;
        let status = *replica.status.borrow();
        status.refusal(std::time::Instant::now(), written, self.max_lag, is_primary_away)
    }

    fn can_answer(&self) -> bool {
        self.replicas
            .iter()
            .any(|replica| self.refusal(replica, None).is_none())
    }
}
