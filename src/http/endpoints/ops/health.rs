//! `GET /healthz` and `GET /readyz`: for whoever watches the server.

use std::error::Error;

use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::error::ApiError;
use crate::http::openapi::{self, Content, Documentation};
use crate::http::state::State;
use crate::store::migrations::{MigrationError, SchemaState};

pub const PROCESS: Documentation = Documentation {
    summary: "Whether the process answers",
    parameters: &[],
    body: None,
    answer: (200, Some(Content::Json(openapi::of::<Status>))),
    failures: &[],
};

pub const READINESS: Documentation = Documentation {
    summary: "Whether the database answers, and has this program's schema",
    ..PROCESS
};

#[derive(Serialize, JsonSchema)]
struct Status {
    /// `ok` or `ready`
    status: &'static str,
}

/// The process answers; nothing is said of the database.
pub async fn check_process() -> HttpResponse {
    HttpResponse::Ok().json(Status { status: "ok" })
}

/// 200 where the database answers and has this program's schema, else 503; as the last look showed it.
pub async fn check_readiness(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let no_database = |error: Box<dyn Error + Send + Sync>| Err(ApiError::NoDatabase(error));
    match state.watch.schema().await {
        Some(SchemaState::Current) => Ok(HttpResponse::Ok().json(Status { status: "ready" })),
        Some(SchemaState::Behind(count)) => no_database(MigrationError::Behind(count).into()),
        Some(SchemaState::Newer) => no_database(MigrationError::Newer.into()),
        None => no_database("it doesn't answer".into()),
    }
}
