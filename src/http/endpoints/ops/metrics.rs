//! `GET /metrics`, on a port of its own: all counters and gauges, for Prometheus.

use actix_web::{HttpResponse, web};

use crate::http::error::ApiError;
use crate::http::state::State;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers in the text format of OpenMetrics.
pub async fn show_metrics(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let is_database_up = state.monitor.schema().await.is_some();
    let text = state
        .metrics
        .render(&state.lanes.usage(), is_database_up)
        .map_err(|error| ApiError::Internal(Box::new(error)))?;
    Ok(HttpResponse::Ok().content_type(OPENMETRICS).body(text))
}
