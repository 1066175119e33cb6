//! The specification (OpenAPI 3.1), built from the table of routes.
//!
//! Each endpoint file documents its summary, parameters and bodies. This file derives the rest: the key and its scope from
//! [`Access`], the shape of errors from the path, and the common statuses from the middleware.
//!
//! We build it by hand, since `utoipa` and `apistos` know neither our table of routes nor errors whose shape depends on
//! the path.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::documentation::{Answer, Content, In, Parameter, of};
use super::error::{ErrorShape, LookupError, Problem, PublicError};
use super::middleware::auth::Access;
use super::request::limits::TARGET_MAX;
use super::routes::{Endpoint, Operation};

/// The specification of these endpoints, as text.
pub fn render(endpoints: &[Endpoint]) -> String {
    format!("{:#}\n", specification(endpoints))
}

/// The specification of these endpoints.
pub fn specification(endpoints: &[Endpoint]) -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut schemas = settings.into_generator();
    let paths: Map<String, Value> = endpoints
        .iter()
        .map(|endpoint| (endpoint.path.to_owned(), describe_path(endpoint, &mut schemas)))
        .collect();
    let method_not_allowed = json!({
        "description": "The path does not have the method. The body has the shape of the path's other errors",
        "headers": {
            "Allow": {
                "description": "The methods of the path", "required": true, "schema": { "type": "string" },
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
                    "description": "An id for the request: 1 to 128 visible ASCII characters. Any other value is replaced",
                    "schema": { "type": "string" },
                    "example": "order-4711",
                },
            },
            "headers": {
                "RequestId": {
                    "description": "The request's id in the log: the caller's if it sent one, else a new one",
                    "required": true,
                    "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
                },
                "RateLimit": {
                    "description": "If the key has a limit: the requests that it may make immediately (`r`), and the \
                        seconds until it may make one more (`t`)",
                    "schema": { "type": "string" },
                    "example": "\"default\";r=50;t=1",
                },
                "RateLimit-Policy": {
                    "description": "If the key has a limit: the requests (`q`) that it may make in a window of `w` seconds",
                    "schema": { "type": "string" },
                    "example": "\"default\";q=100;w=60",
                },
            },
            "responses": { "MethodNotAllowed": method_not_allowed },
        },
    })
}

/// The rules of all paths.
const DESCRIPTION: &str = "Every path answers with and without a trailing slash, and every GET answers HEAD too. A \
    path answers other methods with 405, as in `#/components/responses/MethodNotAllowed`, whatever the key. No text may \
    contain a NUL character.";

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
    let Answer {
        status,
        description,
        content,
    } = &documentation.answer;
    let mut success = json!({ "description": description, "headers": { "X-Request-Id": request_id() } });
    match content {
        Some(Content::Json(schema) | Content::JsonPage(schema)) => {
            success["content"] = json!({ "application/json": { "schema": schema(schemas) } });
        }
        Some(Content::Text) => success["content"] = json!({ "text/plain": { "schema": { "type": "string" } } }),
        None => {}
    }
    if let Some(Content::JsonPage(_)) = content {
        success["headers"]["Link"] = json!({
            "description": "The next page, if one follows: an address relative to this one, and `rel=\"next\"`",
            "schema": { "type": "string" },
        });
    }
    let mut answers = Map::from_iter([(status.to_string(), success)]);

    let (media_type, schema) = match ErrorShape::of_path(path) {
        ErrorShape::Lookup => ("application/json", of::<LookupError>(schemas)),
        ErrorShape::Public => ("application/json", of::<PublicError>(schemas)),
        ErrorShape::Problem => ("application/problem+json", of::<Problem>(schemas)),
    };
    for status in failures(operation) {
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
        // Answers that are decided before the rate limit do not report it.
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

/// The statuses of an operation's failures.
pub fn failures(operation: &Operation) -> Vec<u16> {
    let of_access: &[u16] = match operation.access {
        Access::Key(_) => &[401, 403, 429],
        // The token in the path is the key.
        Access::Webhook => &[404],
        Access::Public => &[],
    };
    let has_body = operation.documentation.body.is_some();
    let of_body: &[u16] = if has_body { &[400, 413] } else { &[] };
    // The statuses of the outermost middleware and of the lanes.
    let of_all: &[u16] = &[414, 500, 503, 504];
    [of_access, of_body, of_all, operation.documentation.failures].concat()
}

fn describe_status(status: u16) -> String {
    let text = match status {
        400 => "A parameter or the body is missing or invalid. The text says which",
        401 => "The key is missing, unknown, sent twice, expired or revoked; or the signature is wrong",
        403 => "The key lacks the scope, or the verify token is wrong",
        404 => "No such path, contact or webhook",
        409 => "Another contact has the new identity",
        429 => "The key has made more requests than its limit allows",
        414 => return format!("The address is longer than {TARGET_MAX} bytes"),
        500 => "Something went wrong",
        503 => "No capacity, no database, or, for a write, a read-only database",
        504 => "The answer took too long",
        _ => "The request failed",
    };
    text.to_owned()
}
