//! `GET /healthz` and `GET /readyz`: liveness and readiness, for load balancers and supervisors.

use actix_web::web;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::http::documentation::{self, Answer, Documentation, Example, Tag};
use crate::http::error::ApiError;
use crate::http::state::State;
use crate::store::migrations::MigrationError;

pub const PROCESS: Documentation = Documentation {
    tag: Tag::Server,
    summary: "Check that the process runs",
    description: "Answers as long as the process runs. It says nothing about the database.",
    parameters: &[],
    body: None,
    answer: Answer::json(
        "The process runs.",
        documentation::of::<Health>,
        &[Example {
            name: "ok",
            summary: "The process runs",
            value: || json!(Health::OK),
        }],
    ),
    failures: Vec::new,
};

pub const READINESS: Documentation = Documentation {
    summary: "Check that the server can answer requests",
    description: "Checks that the database answered less than a second ago, and that it has a schema on which this \
        version can run.",
    answer: Answer::json(
        "The server can answer requests.",
        documentation::of::<Health>,
        &[Example {
            name: "ready",
            summary: "The server is ready",
            value: || json!(Health::READY),
        }],
    ),
    failures: || {
        let behind = MigrationError::Behind(1);
        vec![ApiError::NoDatabase("".into()), ApiError::SchemaUnfit(behind)]
    },
    ..PROCESS
};

/// The state of the server.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

impl Health {
    const OK: Self = Self { status: "ok" };
    const READY: Self = Self { status: "ready" };
}

/// Answers 200 as long as the process runs, also without a database.
pub async fn check_process() -> web::Json<Health> {
    web::Json(Health::OK)
}

/// Answers 200 if the last probe found the database with a schema that this program can run on, else 503.
pub async fn check_readiness(state: web::Data<State>) -> Result<web::Json<Health>, ApiError> {
    let schema = state.monitor.schema().await;
    let schema = schema.ok_or_else(|| ApiError::NoDatabase("it does not answer".into()))?;
    schema.check().map_err(ApiError::SchemaUnfit)?;
    Ok(web::Json(Health::READY))
}
