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

use super::error::{ErrorShape, LookupError, Problem, PublicError};
use super::middleware::auth::Access;
use super::request::body;
use super::{Endpoint, Operation, endpoints};

/// What is said of an operation beside its handler.
pub struct Documentation {
    /// One line.
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    /// What a request's body is, for operations that take one.
    pub body: Option<Body>,
    /// The status of success, and what its body is; `None` where there is none.
    pub answer: (u16, Option<Content>),
    /// Statuses of failure beyond those that follow from path, method and access.
    pub failures: &'static [u16],
}

/// A JSON body that the server takes.
pub struct Body {
    /// The most bytes that it may have.
    pub max: usize,
    pub schema: SchemaOf,
}

impl Body {
    /// One of at most [`body::BODY_MAX`] bytes.
    pub const fn new(schema: SchemaOf) -> Self {
        let max = body::BODY_MAX;
        Self { max, schema }
    }
}

/// A body that the server sends.
pub enum Content {
    Json(SchemaOf),
    /// JSON, and a header `Link` to what follows.
    JsonPage(SchemaOf),
    Text,
}

/// A schema, by its name in the components where it has one.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// The pattern of a text that has to say something.
pub const NOT_BLANK: &str = r"\S";

/// The pattern of a phone number that has to say something.
pub const WITH_DIGIT: &str = r"\d";

/// The objects that have all of these members, each with what its schema asks.
pub fn having(members: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let schemas: Map<String, Value> = members
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({ "required": names, "properties": schemas })
}

/// A parameter of a request.
pub struct Parameter {
    pub place: In,
    pub name: &'static str,
    pub description: &'static str,
    /// As one of the path always is.
    pub is_required: bool,
    /// An example in it is one that the server takes.
    pub schema: fn() -> Schema,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug)]
pub enum In {
    Path,
    Query,
    Header,
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
    let method_not_allowed = json!({
        "description": "The path hasn't got the method; the body is in the shape of the path's other errors",
        "headers": {
            "Allow": {
                "description": "The methods that the path has", "required": true, "schema": { "type": "string" },
            },
            "X-Request-Id": request_id(),
        },
        "content": {
            "application/json": {
                "schema": { "anyOf": [of::<LookupError>(&mut schemas), of::<PublicError>(&mut schemas)] },
            },
            "application/problem+json": { "schema": of::<Problem>(&mut schemas) },
        },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "contact-search",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Finds a contact by phone or email",
            "description": DESCRIPTION,
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" } },
            "parameters": {
                "RequestId": {
                    "name": "X-Request-Id",
                    "in": "header",
                    "description": "What to call the request: 1 to 128 visible ASCII characters; else it gets a new id",
                    "schema": { "type": "string" },
                    "example": "order-4711",
                },
            },
            "headers": {
                "RequestId": {
                    "description": "What the request is called in the log: the caller's id where it sent one, else a new one",
                    "required": true,
                    "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
                },
                "RateLimit": {
                    "description": "Where the key has a limit: how many requests it may make at once (`r`), and after \
                        how many seconds there are more (`t`)",
                    "schema": { "type": "string" },
                    "example": "\"default\";r=50;t=1",
                },
                "RateLimit-Policy": {
                    "description": "Where the key has a limit: how many requests (`q`) it may make in so many seconds (`w`)",
                    "schema": { "type": "string" },
                    "example": "\"default\";q=100;w=60",
                },
            },
            "responses": { "MethodNotAllowed": method_not_allowed },
        },
    })
}

/// What holds for every path.
const DESCRIPTION: &str = "Every path answers with and without a slash at its end, and GET also as HEAD. To a method \
    that isn't listed, a path answers 405 as in `#/components/responses/MethodNotAllowed`, whatever the key. No text may \
    have a NUL character.";

fn describe_path(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let operations = endpoint.operations.iter().map(|operation| {
        let described = describe_operation(endpoint.path, operation, schemas);
        (operation.method.as_str().to_lowercase(), described)
    });
    let of_all = json!([{ "$ref": "#/components/parameters/RequestId" }]);
    operations.chain([("parameters".to_owned(), of_all)]).collect()
}

fn describe_operation(path: &str, operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let documentation = operation.documentation;
    let mut described = json!({ "summary": documentation.summary });
    if let Access::Key(scope) = operation.access {
        described["description"] = json!(format!("Needs a key with the scope `{scope}`."));
        described["security"] = json!([{ "key": [] }]);
    }
    if !documentation.parameters.is_empty() {
        described["parameters"] = documentation.parameters.iter().map(describe_parameter).collect();
    }
    if let Some(body) = &documentation.body {
        let schema = (body.schema)(schemas);
        described["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    described["responses"] = describe_answers(path, operation, schemas);
    described
}

fn describe_parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        In::Path => "path",
        In::Query => "query",
        In::Header => "header",
    };
    json!({
        "name": parameter.name,
        "in": place,
        "description": parameter.description,
        "required": parameter.is_required,
        "schema": (parameter.schema)(),
    })
}

/// The header that every answer has.
fn request_id() -> Value {
    json!({ "$ref": "#/components/headers/RequestId" })
}

fn describe_answers(path: &str, operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let documentation = operation.documentation;
    let (status, content) = &documentation.answer;
    let mut success = json!({ "description": "As asked", "headers": { "X-Request-Id": request_id() } });
    match content {
        Some(Content::Json(schema) | Content::JsonPage(schema)) => {
            success["content"] = json!({ "application/json": { "schema": schema(schemas) } });
        }
        Some(Content::Text) => success["content"] = json!({ "text/plain": { "schema": { "type": "string" } } }),
        None => {}
    }
    if let Some(Content::JsonPage(_)) = content {
        success["headers"]["Link"] = json!({
            "description": "Where more follows: a reference relative to the address asked, and `rel=\"next\"`",
            "schema": { "type": "string" },
        });
    }
    let mut answers = Map::from_iter([(status.to_string(), success)]);

    let (media_type, schema) = match ErrorShape::of_path(path) {
        ErrorShape::Lookup => ("application/json", of::<LookupError>(schemas)),
        ErrorShape::Public => ("application/json", of::<PublicError>(schemas)),
        ErrorShape::Problem => ("application/problem+json", of::<Problem>(schemas)),
    };
    let of_access: &[u16] = match operation.access {
        Access::Key(_) => &[401, 403, 429],
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
            "headers": { "X-Request-Id": request_id() },
            "content": { media_type: { "schema": schema } },
        });
        match (status, &documentation.body) {
            (413, Some(body)) => {
                failure["description"] = json!(format!("The body is larger than {} MiB", body.max >> 20));
            }
            (429 | 503, _) => {
                failure["headers"]["Retry-After"] = json!({
                    "description": "Seconds to wait", "required": true, "schema": { "type": "integer" },
                });
            }
            _ => {}
        }
        answers.insert(status.to_string(), failure);
    }
    if let Access::Key(_) = operation.access {
        // What is decided before the key's limit says nothing of it.
        for (_, answer) in answers
            .iter_mut()
            .filter(|(status, _)| !["401", "403", "414"].contains(&status.as_str()))
        {
            for name in ["RateLimit", "RateLimit-Policy"] {
                answer["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
            }
        }
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
        429 => "The key has made more requests than its limit allows",
        414 => "The address is longer than 8192 bytes",
        500 => "Something went wrong",
        503 => "No capacity, or no database",
        504 => "The answer took too long",
        _ => "Not as asked",
    }
}
