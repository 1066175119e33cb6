//! Counters, gauges and histograms for Prometheus.
//!
//! The number of series does not grow with traffic: routes are patterns, and no label holds a text of a caller.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use strum::VariantArray;

use super::database::lane::LaneUsage;
use super::database::replica::{Refusal, ReplicaUsage};
use super::error::ApiError;
use super::metrics_format::{TextFormat, to_prometheus};
use crate::store::search::Plan;

/// Requests increment the counters. The gauges are set when Prometheus scrapes them.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    searches: Family<PlanLabels, Counter>,
    lookups: Family<StatementLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    keys: Family<KeyLabels, Counter>,
    kept_phones: Family<WriteLabels, Counter>,
    connections: Family<LaneLabels, Gauge>,
    permits: Family<LaneLabels, Gauge>,
    database_up: Gauge,
    replica_lag: Family<ReplicaLabels, Gauge<f64, AtomicU64>>,
    replica_used: Family<ReplicaLabels, Gauge>,
    replica_connections: Family<ReplicaLaneLabels, Gauge>,
    replica_permits: Family<ReplicaLaneLabels, Gauge>,
    replica_fallbacks: Family<FallbackLabels, Counter>,
}

/// The plans of searches.
const PLANS: [&str; 4] = ["whole_walk", "walk", "grams", "whole_number"];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct PlanLabels {
    plan: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct StatementLabels {
    statement: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct FailureLabels {
    reason: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct KeyLabels {
    from: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct WriteLabels {
    write: &'static str,
}

/// A way to write contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write {
    Upsert,
    /// An item of a batch of contacts.
    BatchItem,
    Message,
}

/// Where the verdict on a request's key came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeySource {
    Memory,
    Database,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct LaneLabels {
    lane: &'static str,
    state: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ReplicaLabels {
    replica: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ReplicaLaneLabels {
    replica: u64,
    lane: &'static str,
    state: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct FallbackLabels {
    reason: &'static str,
}

/// Buckets up to 13 s. By default the longest deadline is 10 s, and a slower request gets 504.
fn duration_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.0002, 2.0, 17))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Registry::default();
        #[cfg(target_os = "linux")]
        super::process_metrics::register(&mut all);
        let registry = all.sub_registry_with_prefix("contact_search");
        let build = Family::<BuildLabels, Gauge>::default();
        registry.register("build_info", "The program's version; the value is 1", build.clone());
        let version = env!("CARGO_PKG_VERSION");
        build.get_or_create(&BuildLabels { version }).set(1);
        let requests = Family::default();
        registry.register("requests", "Requests, by route, method and status", requests.clone());
        let durations = Family::new_with_constructor(duration_histogram as fn() -> Histogram);
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        let searches = Family::default();
        registry.register("searches", "Parts of searches, by their plan", searches.clone());
        let lookups = Family::default();
        registry.register(
            "lookups",
            "Phone numbers of single lookups, by whether their statement was shared",
            lookups.clone(),
        );
        let failures = Family::default();
        registry.register(
            "failures",
            "Answers with status 5xx, by reason; busy counts shed requests",
            failures.clone(),
        );
        let keys = Family::default();
        registry.register(
            "key_readings",
            "Keys checked, by where the verdict came from",
            keys.clone(),
        );
        let kept_phones = Family::default();
        registry.register(
            "kept_phones",
            "Writes whose phone was not stored, because the contact has a better one",
            kept_phones.clone(),
        );
        let connections = Family::default();
        registry.register(
            "database_connections",
            "Connections to the database",
            connections.clone(),
        );
        let permits = Family::default();
        registry.register(
            "permits",
            "Permits for concurrent work on the database",
            permits.clone(),
        );
        let database_up = Gauge::default();
        registry.register(
            "database_up",
            "Whether the last probe reached the database",
            database_up.clone(),
        );
        let replica_lag = Family::default();
        registry.register_with_unit(
            "replica_lag",
            "How long the replica has been behind the primary",
            Unit::Seconds,
            replica_lag.clone(),
        );
        let replica_used = Family::default();
        registry.register("replica_used", "Whether reads go to the replica", replica_used.clone());
        let replica_connections = Family::default();
        registry.register(
            "replica_connections",
            "Connections to the replica",
            replica_connections.clone(),
        );
        let replica_permits = Family::default();
        registry.register(
            "replica_permits",
            "Permits for concurrent work on the replica",
            replica_permits.clone(),
        );
        let replica_fallbacks = Family::default();
        registry.register(
            "replica_fallbacks",
            "Reads that went to the primary because no replica could answer, by reason",
            replica_fallbacks.clone(),
        );
        let metrics = Self {
            registry: all,
            requests,
            durations,
            searches,
            lookups,
            failures,
            keys,
            kept_phones,
            connections,
            permits,
            database_up,
            replica_lag,
            replica_used,
            replica_connections,
            replica_permits,
            replica_fallbacks,
        };
        metrics.start_at_zero();
        metrics
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Creates the series of all label values that are known in advance. Without them, Prometheus would take a first
    /// failure for the start of a series, and an alert on its increase would miss it.
    fn start_at_zero(&self) {
        for plan in PLANS {
            drop(self.searches.get_or_create(&PlanLabels { plan }));
        }
        for statement in ["own", "joint"] {
            drop(self.lookups.get_or_create(&StatementLabels { statement }));
        }
        for reason in ["busy", "no_database", "read_only", "schema", "too_late", "internal"] {
            drop(self.failures.get_or_create(&FailureLabels { reason }));
        }
        for from in ["memory", "database"] {
            drop(self.keys.get_or_create(&KeyLabels { from }));
        }
        for write in [Write::Upsert, Write::BatchItem, Write::Message] {
            self.count_kept_phones(write, 0);
        }
    }

    /// Creates the series of the reads that go to the primary in place of a replica.
    pub fn expect_replicas(&self) {
        for refusal in Refusal::VARIANTS {
            let reason = refusal.into();
            drop(self.replica_fallbacks.get_or_create(&FallbackLabels { reason }));
        }
    }

    /// Counts a read that goes to the primary in place of a replica.
    pub fn count_fallback(&self, refusal: Refusal) {
        let reason = refusal.into();
        self.replica_fallbacks.get_or_create(&FallbackLabels { reason }).inc();
    }

    /// Creates the series of a documented answer.
    pub fn expect_request(&self, route: &str, method: &'static str, status: u16) {
        let route = route.to_owned();
        drop(self.durations.get_or_create(&RouteLabels { route: route.clone() }));
        drop(self.requests.get_or_create(&RequestLabels { route, method, status }));
    }

    /// Counts an answered request. `route` is the pattern that it matched, if any. `method` is a standard method or
    /// `other`.
    pub fn count_request(&self, route: Option<String>, method: &'static str, status: StatusCode, duration: Duration) {
        let route = route.unwrap_or_else(|| "none".to_owned());
        let labels = RequestLabels {
            route: route.clone(),
            method,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabels { route })
            .observe(duration.as_secs_f64());
    }

    /// Counts the parts of a search by their plans.
    pub fn count_search(&self, plans: &[Plan]) {
        for plan in plans {
            let plan = match plan {
                Plan::WholeWalk => "whole_walk",
                Plan::Walk => "walk",
                Plan::Grams => "grams",
                Plan::WholeNumber => "whole_number",
            };
            self.searches.get_or_create(&PlanLabels { plan }).inc();
        }
    }

    /// Counts the phone numbers that one statement has looked up.
    pub fn count_lookups(&self, numbers: usize) {
        let statement = if numbers > 1 { "joint" } else { "own" };
        self.lookups
            .get_or_create(&StatementLabels { statement })
            .inc_by(numbers as u64);
    }

    /// Counts an error if its status is 5xx.
    pub fn count_failure(&self, error: &ApiError) {
        let reason = match error {
            ApiError::Busy => "busy",
            ApiError::NoDatabase(_) => "no_database",
            ApiError::ReadOnly(_) => "read_only",
            ApiError::SchemaUnfit(_) => "schema",
            ApiError::TooLate | ApiError::CheckTooLate => "too_late",
            ApiError::Internal(_) => "internal",
            _ => return,
        };
        self.failures.get_or_create(&FailureLabels { reason }).inc();
    }

    /// Counts a checked key by the source of its verdict.
    pub fn count_key(&self, from: KeySource) {
        let from = match from {
            KeySource::Memory => "memory",
            KeySource::Database => "database",
        };
        self.keys.get_or_create(&KeyLabels { from }).inc();
    }

    /// Counts writes that did not replace the phone of their contact, because it is better than the given one.
    pub fn count_kept_phones(&self, write: Write, count: usize) {
        let write = match write {
            Write::Upsert => "upsert",
            Write::BatchItem => "batch",
            Write::Message => "message",
        };
        self.kept_phones
            .get_or_create(&WriteLabels { write })
            .inc_by(count as u64);
    }

    /// All series in a text format, with the gauges set to the given values.
    ///
    /// # Errors
    /// If a value cannot be formatted.
    pub fn render(
        &self,
        format: TextFormat,
        lanes: &[(&'static str, LaneUsage)],
        replicas: &[ReplicaUsage],
        is_database_up: bool,
    ) -> Result<String, fmt::Error> {
        for (lane, usage) in lanes {
            let set = |family: &Family<LaneLabels, Gauge>, state, value: u32| {
                family.get_or_create(&LaneLabels { lane, state }).set(value.into());
            };
            set(&self.connections, "idle", usage.idle);
            set(&self.connections, "used", usage.open.saturating_sub(usage.idle));
            set(&self.permits, "free", usage.free_permits);
            set(&self.permits, "used", usage.size.saturating_sub(usage.free_permits));
        }
        self.database_up.set(is_database_up.into());
        for usage in replicas {
            self.set_replica(usage);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(match format {
            TextFormat::OpenMetrics => text,
            TextFormat::Prometheus => to_prometheus(&text),
        })
    }
    fn set_replica(&self, usage: &ReplicaUsage) {
        let replica = usage.number as u64;
        let labels = ReplicaLabels { replica };
        let lag = usage.lag.map_or(f64::NAN, |lag| lag.as_secs_f64());
        self.replica_lag.get_or_create(&labels).set(lag);
        self.replica_used.get_or_create(&labels).set(usage.is_used.into());
        for (lane, usage) in usage.lanes {
            let set = |family: &Family<ReplicaLaneLabels, Gauge>, state, value: u32| {
                let labels = ReplicaLaneLabels { replica, lane, state };
                family.get_or_create(&labels).set(value.into());
            };
            set(&self.replica_connections, "idle", usage.idle);
            set(&self.replica_connections, "used", usage.open.saturating_sub(usage.idle));
            set(&self.replica_permits, "free", usage.free_permits);
            set(
                &self.replica_permits,
                "used",
                usage.size.saturating_sub(usage.free_permits),
            );
        }
    }
}
