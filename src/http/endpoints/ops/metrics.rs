//! `GET /metrics`, on a port of its own: all counters and gauges, for Prometheus.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::error::ApiError;
use crate::http::metrics_format::TextFormat;
use crate::http::state::State;

/// Answers in the text format that the request accepts.
pub async fn show_metrics(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let format = TextFormat::of_request(&request);
    let is_database_up = state.monitor.schema().await.is_some();
    let text = state
        .metrics
        .render(format, &state.lanes.usage(), &state.reads.usage(), is_database_up)
        .map_err(|error| ApiError::Internal(Box::new(error)))?;
    Ok(HttpResponse::Ok().content_type(format.content_type()).body(text))
}
