//! `GET /healthz` and `GET /readyz`: liveness and readiness, for load balancers and supervisors.

use actix_web::web;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::documentation::{self, Answer, Documentation};
use crate::http::error::ApiError;
use crate::http::state::State;

pub const PROCESS: Documentation = Documentation {
    summary: "Whether the process answers",
    parameters: &[],
    body: None,
    answer: Answer::json("The process answers", documentation::of::<Status>),
    failures: &[],
};

pub const READINESS: Documentation = Documentation {
    summary: "Whether the database answers, and has a schema that this program can run on",
    answer: Answer::json("The server can answer requests", documentation::of::<Status>),
    ..PROCESS
};

#[derive(Serialize, JsonSchema)]
pub struct Status {
    /// `ok` or `ready`.
    status: &'static str,
}

/// Answers 200 as long as the process runs, also without a database.
pub async fn check_process() -> web::Json<Status> {
    web::Json(Status { status: "ok" })
}

/// Answers 200 if the last probe found the database with a schema that this program can run on, else 503.
pub async fn check_readiness(state: web::Data<State>) -> Result<web::Json<Status>, ApiError> {
    let schema = state.monitor.schema().await;
    let schema = schema.ok_or_else(|| ApiError::NoDatabase("it does not answer".into()))?;
    schema.check().map_err(ApiError::SchemaUnfit)?;
    Ok(web::Json(Status { status: "ready" }))
}
