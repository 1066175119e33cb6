//! What the server counts, for Prometheus. No label grows with traffic: routes are patterns, and what callers write
//! themselves is no label.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::error::ApiError;
use super::state::State;
use crate::store::search::Plan;

/// Counters that requests count up, and gauges that are read when somebody asks.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    searches: Family<PlanLabels, Counter>,
    lookups: Family<StatementLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    keys: Family<KeyLabels, Counter>,
    connections: Family<LaneLabels, Gauge>,
    permits: Family<LaneLabels, Gauge>,
    database_up: Gauge,
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

/// Where what is known of a request's key came from.
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

/// Up to 13 s: what is slower was answered with 504 before.
fn duration_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.0002, 2.0, 17))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("contact_search");
        let requests = Family::default();
        registry.register("requests", "Requests, by route, method and status", requests.clone());
        let durations = Family::new_with_constructor(duration_histogram as fn() -> Histogram);
        registry.register_with_unit(
            "request_duration",
            "What requests took, from their head to their answer",
            Unit::Seconds,
            durations.clone(),
        );
        let searches = Family::default();
        registry.register(
            "searches",
            "Parts of searches, by the plan that answered them",
            searches.clone(),
        );
        let lookups = Family::default();
        registry.register(
            "lookups",
            "Numbers that were looked up one a call, by whether they had a statement of their own",
            lookups.clone(),
        );
        let failures = Family::default();
        registry.register(
            "failures",
            "Answers of status 5xx: busy is what was shed, the others are the database's or ours",
            failures.clone(),
        );
        let keys = Family::default();
        registry.register(
            "key_readings",
            "Keys judged, by where what is known of them came from",
            keys.clone(),
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
            "Requests that may work on the database at once",
            permits.clone(),
        );
        let database_up = Gauge::default();
        registry.register(
            "database_up",
            "Whether the database answered lately",
            database_up.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            searches,
            lookups,
            failures,
            keys,
            connections,
            permits,
            database_up,
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Counts an answered request; `route` is the pattern that it matched, `None` where there is nothing, and `method`
    /// one of HTTP's own, or a word of ours for all others.
    pub fn count_request(&self, route: Option<String>, method: &'static str, status: StatusCode, took: Duration) {
        let route = route.unwrap_or_else(|| "none".to_owned());
        let labels = RequestLabels {
            route: route.clone(),
            method,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabels { route })
            .observe(took.as_secs_f64());
    }

    pub fn count_search(&self, plans: &[Plan]) {
        for plan in plans {
            let plan = match plan {
                Plan::WholeWalk => "whole_walk",
                Plan::Probe => "probe",
                Plan::LongWalk => "long_walk",
                Plan::Grams => "grams",
                Plan::WholeNumber => "whole_number",
            };
            self.searches.get_or_create(&PlanLabels { plan }).inc();
        }
    }

    /// Counts the numbers that a statement of lookups has asked for.
    pub fn count_lookups(&self, numbers: usize) {
        let statement = if numbers > 1 { "joint" } else { "own" };
        self.lookups
            .get_or_create(&StatementLabels { statement })
            .inc_by(numbers as u64);
    }

    /// Counts an error, where its status is 5xx.
    pub fn count_failure(&self, error: &ApiError) {
        let reason = match error {
            ApiError::Busy => "busy",
            ApiError::NoDatabase(_) => "no_database",
            ApiError::TooLate => "too_late",
            ApiError::Internal(_) => "internal",
            _ => return,
        };
        self.failures.get_or_create(&FailureLabels { reason }).inc();
    }

    pub fn count_key(&self, from: KeySource) {
        let from = match from {
            KeySource::Memory => "memory",
            KeySource::Database => "database",
        };
        self.keys.get_or_create(&KeyLabels { from }).inc();
    }
}

/// Answers in the text format of OpenMetrics, which Prometheus reads.
pub async fn show_metrics(state: web::Data<State>) -> HttpResponse {
    let metrics = &state.metrics;
    for (lane, usage) in state.usage() {
        let set = |family: &Family<LaneLabels, Gauge>, state, value: u32| {
            family.get_or_create(&LaneLabels { lane, state }).set(value.into());
        };
        set(&metrics.connections, "idle", usage.idle);
        set(&metrics.connections, "used", usage.open.saturating_sub(usage.idle));
        set(&metrics.permits, "free", usage.free_permits);
        set(&metrics.permits, "used", usage.size.saturating_sub(usage.free_permits));
    }
    let is_up = state.watch.schema().await.is_some();
    metrics.database_up.set(is_up.into());
    let mut text = String::new();
    match encode(&mut text, &metrics.registry) {
        Ok(()) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
