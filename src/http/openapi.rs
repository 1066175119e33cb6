//! `GET /openapi.json`: the specification (OpenAPI 3.1), made from the list of routes that the server answers by.
//!
//! Beside each handler stands what only its author knows: a summary, parameters, bodies. Everything else follows:
//! the key and its scope from [`Access`], the shape of errors from the path, the statuses that every operation can
//! answer with from the frame around it.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::auth::Access;
use super::error::{ErrorShape, LookupError, Problem, PublicError};
use super::{Endpoint, Operation, endpoints};

/// What is said of an operation beside its handler.
pub struct Documentation {
    /// One line.
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    /// What a request's body is, for operations that take one.
    pub body: Option<SchemaOf>,
    /// The status of success, and what its body is; `None` where there is none.
    pub answer: (u16, Option<Content>),
    /// Statuses of failure beyond those that follow from path, method and access.
    pub failures: &'static [u16],
}

/// A body that the server sends.
pub enum Content {
    Json(SchemaOf),
    Text,
}

/// A schema, by its name in the components where it has one.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// A parameter of the query or, where the path has its name in braces, of the path.
pub struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub is_required: bool,
    pub example: &'static str,
}

/// The specification, once a process.
static SPECIFICATION: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&specification()).unwrap_or_default();
    text.push('\n');
    text
});

/// Answers with the specification.
pub async fn show_specification() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(SPECIFICATION.as_str())
}

pub const DOCUMENTATION: Documentation = Documentation {
    summary: "This specification",
    parameters: &[],
    body: None,
    answer: (
        200,
        Some(Content::Json(|_| schemars::json_schema!({ "type": "object" }))),
    ),
    failures: &[],
};

/// The specification of all [`endpoints`].
pub fn specification() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut schemas = settings.into_generator();
    let paths: Map<String, Value> = endpoints()
        .iter()
        .map(|endpoint| (endpoint.path.to_owned(), describe_path(endpoint, &mut schemas)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "contact-search",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Finds a contact by phone or email",
            "description": "Every path answers with and without a slash at its end, and GET also as HEAD.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" } },
        },
    })
}

fn describe_path(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let operations: Map<String, Value> = endpoint
        .operations
        .iter()
        .map(|operation| {
            let described = describe_operation(endpoint.path, operation, schemas);
            (operation.method.as_str().to_lowercase(), described)
        })
        .collect();
    Value::Object(operations)
}

fn describe_operation(path: &str, operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let documentation = operation.documentation;
    let mut described = json!({ "summary": documentation.summary });
    if let Access::Key(scope) = operation.access {
        described["description"] = json!(format!("Needs a key with the scope `{scope}`."));
        described["security"] = json!([{ "key": [] }]);
    }
    if !documentation.parameters.is_empty() {
        let parameters = documentation
            .parameters
            .iter()
            .map(|parameter| describe_parameter(path, parameter));
        described["parameters"] = parameters.collect();
    }
    if let Some(body) = documentation.body {
        let schema = body(schemas);
        described["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    described["responses"] = describe_answers(path, operation, schemas);
    described
}

fn describe_parameter(path: &str, parameter: &Parameter) -> Value {
    let is_in_path = path.contains(&format!("{{{}}}", parameter.name));
    json!({
        "name": parameter.name,
        "in": if is_in_path { "path" } else { "query" },
        "description": parameter.description,
        "required": is_in_path || parameter.is_required,
        "schema": { "type": "string" },
        "example": parameter.example,
    })
}

fn describe_answers(path: &str, operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let documentation = operation.documentation;
    let (status, content) = &documentation.answer;
    let mut success = json!({ "description": "As asked" });
    match content {
        Some(Content::Json(schema)) => {
            success["content"] = json!({ "application/json": { "schema": schema(schemas) } });
        }
        Some(Content::Text) => success["content"] = json!({ "text/plain": { "schema": { "type": "string" } } }),
        None => {}
    }
    let mut answers = Map::from_iter([(status.to_string(), success)]);

    let (media_type, schema) = match ErrorShape::of_path(path) {
        ErrorShape::Lookup => ("application/json", of::<LookupError>(schemas)),
        ErrorShape::Public => ("application/json", of::<PublicError>(schemas)),
        ErrorShape::Problem => ("application/problem+json", of::<Problem>(schemas)),
    };
    let of_access: &[u16] = match operation.access {
        Access::Key(_) => &[401, 403],
        // The token in the path is the key.
        Access::Webhook => &[404],
        Access::Public => &[],
    };
    let of_body: &[u16] = if documentation.body.is_some() { &[400, 413] } else { &[] };
    // Those of the frame around every request, and of the bridge to the database.
    let of_all: &[u16] = &[414, 500, 503, 504];
    for status in [of_access, of_body, of_all, documentation.failures].concat() {
        let mut failure = json!({
            "description": describe_status(status),
            "content": { media_type: { "schema": schema } },
        });
        if status == 503 {
            failure["headers"] = json!({
                "Retry-After": { "description": "Seconds to wait", "schema": { "type": "integer" } },
            });
        }
        answers.insert(status.to_string(), failure);
    }
    Value::Object(answers)
}

fn describe_status(status: u16) -> &'static str {
    match status {
        400 => "A parameter or the body is missing or can't be understood; the text says which",
        401 => "No key, an unknown one, two of them, an expired or revoked one; or a wrong signature",
        403 => "The key lacks the scope, or the token is another",
        404 => "There is nothing like that",
        409 => "Another contact has that identity",
        413 => "The body is larger than 2 MiB",
        414 => "The address is longer than 8192 bytes",
        500 => "Something went wrong",
        503 => "No capacity, or no database",
        504 => "The answer took too long",
        _ => "Not as asked",
    }
}
