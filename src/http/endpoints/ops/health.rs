//! `GET /healthz` and `GET /readyz`: liveness and readiness, for load balancers and supervisors.

use std::error::Error;

use actix_web::web;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::documentation::{self, Answer, Documentation};
use crate::http::error::ApiError;
use crate::http::state::State;
use crate::store::migrations::{MigrationError, SchemaState};

pub const PROCESS: Documentation = Documentation {
    summary: "Whether the process answers",
    parameters: &[],
    body: None,
    answer: Answer::json("The process answers", documentation::of::<Status>),
    failures: &[],
};

pub const READINESS: Documentation = Documentation {
    summary: "Whether the database answers, and has this program's schema",
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

/// Answers 200 if the last probe found the database with this program's schema, else 503.
pub async fn check_readiness(state: web::Data<State>) -> Result<web::Json<Status>, ApiError> {
    let no_database = |error: Box<dyn Error + Send + Sync>| Err(ApiError::NoDatabase(error));
    match state.monitor.schema().await {
        Some(SchemaState::Current) => Ok(web::Json(Status { status: "ready" })),
        Some(SchemaState::Behind(count)) => no_database(MigrationError::Behind(count).into()),
        Some(SchemaState::Newer) => no_database(MigrationError::Newer.into()),
        None => no_database("it does not answer".into()),
    }
}
