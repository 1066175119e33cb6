//! `GET /healthz` and `GET /readyz`: for whoever watches the server.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use super::context::RequestContext;
use super::error::ApiError;
use super::openapi::{self, Content, Documentation};
use super::state::State;
use crate::store::migrations::{self, MigrationError, SchemaState};

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

/// 200 where the database answers and has this program's schema, else 503.
pub async fn check_readiness(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let start = RequestContext::of(&request).start;
    let schema = state
        .reads
        .run(start, |connection| match migrations::schema_state(connection) {
            Err(MigrationError::Store(error)) => Err(error),
            other => Ok(other),
        })
        .await?
        .map_err(|error| ApiError::NoDatabase(Box::new(error)))?;
    match schema {
        SchemaState::Current => Ok(HttpResponse::Ok().json(Status { status: "ready" })),
        SchemaState::Behind(_) | SchemaState::Newer => Err(ApiError::NoDatabase(
            "the database's schema is not this program's".into(),
        )),
    }
}
