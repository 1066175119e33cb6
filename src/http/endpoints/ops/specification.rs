//! `GET /openapi.json`: the specification of every endpoint.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};

use crate::http::documentation::{Answer, Documentation};

/// The specification's text. The server builds it once, from the same routes that it answers.
pub struct Specification(pub String);

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "This specification",
    parameters: &[],
    body: None,
    answer: Answer::json("The specification", |_| schemars::json_schema!({ "type": "object" })),
    failures: &[],
};

/// Answers with the specification.
pub async fn show_specification(specification: web::Data<Specification>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(specification.0.clone())
}
