//! `GET /openapi.json`: the specification of every endpoint.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use schemars::json_schema;
use serde_json::json;

use crate::http::documentation::{Answer, Documentation, Example, Tag};

/// The specification's text. The server builds it once, from the same routes that it answers.
pub struct Specification(pub String);

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Server,
    summary: "Show this specification",
    description: "The specification of every route, in OpenAPI 3.1.",
    parameters: &[],
    body: None,
    answer: Answer::json(
        "The specification.",
        |_| json_schema!({ "type": "object" }),
        &[Example {
            name: "specification",
            summary: "The beginning of the specification",
            value: || json!({ "openapi": "3.1.0", "info": { "title": "contact-search" } }),
        }],
    ),
    failures: Vec::new,
};

/// Answers with the specification.
pub async fn show_specification(specification: web::Data<Specification>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(specification.0.clone())
}
