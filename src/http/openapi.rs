//! The specification (OpenAPI 3.1), built from the table of routes.
//!
//! Each endpoint file documents its summary, parameters, bodies and errors. This file derives the rest: the operation's id
//! from the handler's name, the key and its scope from [`Access`], the shape of errors from the path, and the common
//! errors from the middleware.
//!
//! We build it by hand, since `utoipa` and `apistos` know neither our table of routes nor errors whose shape depends on
//! the path.

use schemars::Schema;
use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};
use strum::VariantArray;

use super::documentation::{Answer, AnswerHeader, Body, Example, In, Parameter, Tag, of};
use super::error::{ApiError, ErrorShape, LookupError, Problem, PublicError};
use super::failures::failures;
use super::middleware::auth::Access;
use super::routes::{Endpoint, Operation};

/// The specification of these endpoints, as text.
pub fn render(endpoints: &[Endpoint]) -> String {
    format!("{:#}\n", specification(endpoints))
}

/// The specification of these endpoints.
pub fn specification(endpoints: &[Endpoint]) -> Value {
    let mut schemas = Schemas::new();
    let paths: Map<String, Value> = endpoints
        .iter()
        .map(|endpoint| (documented_path(endpoint), schemas.describe_path(endpoint)))
        .collect();
    let tags = Tag::VARIANTS
        .iter()
        .map(|tag| json!({ "name": tag.name(), "description": tag.description() }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "contact-search",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Finds a contact by phone or email",
            "description": DESCRIPTION,
            "contact": { "name": "The operator of this server" },
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/", "description": "The server that shows this specification" }],
        "tags": tags.collect::<Value>(),
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "A key of a client. It has one or more of the scopes `lookup`, `search` and `write`. \
                        `contact-search key create` makes one.",
                },
            },
            "parameters": {
                "RequestId": {
                    "name": "X-Request-Id",
                    "in": "header",
                    "description": "An id for the request: 1 to 128 visible ASCII characters. The answer and the \
                        server's log have it. Any other value is replaced.",
                    "schema": { "type": "string" },
                    "example": "order-4711",
                },
            },
            "headers": {
                "RequestId": {
                    "description": "The request's id in the log: the caller's if it sent one, else a new one.",
                    "required": true,
                    "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
                    "example": "order-4711",
                },
                "ErrorCode": {
                    "description": "The kind of the error, for programs. `/errors` lists all codes.",
                    "required": true,
                    "schema": { "type": "string" },
                    "example": "phone-missing",
                },
                "RetryAfter": {
                    "description": "Seconds to wait.",
                    "required": true,
                    "schema": { "type": "integer" },
                    "example": 1,
                },
                "RateLimit": {
                    "description": "If the key has a limit: the requests that it may make immediately (`r`), and the \
                        seconds until it may make one more (`t`).",
                    "schema": { "type": "string" },
                    "example": "\"default\";r=50;t=1",
                },
                "RateLimitPolicy": {
                    "description": "If the key has a limit: the requests (`q`) that it may make in a window of `w` seconds.",
                    "schema": { "type": "string" },
                    "example": "\"default\";q=100;w=60",
                },
            },
        },
    })
}

/// The path of the endpoint in the specification. The linters refuse a slash at its end, and the server answers both.
pub fn documented_path(endpoint: &Endpoint) -> String {
    endpoint.path.trim_end_matches('/').to_owned()
}

/// The rules of all paths.
const DESCRIPTION: &str = "Looks contacts up by phone, searches them by a piece of a phone or email, and keeps them \
    current.\n\nEvery path answers with and without a trailing slash, and every GET answers HEAD too. A path answers \
    other methods with 405, whatever the key: the header `Allow` has its methods, and the body has the shape of the \
    path's other errors. Unknown query parameters and unknown members of a body are ignored. No text may contain a NUL \
    character.\n\nEvery error has a code in the header `X-Error-Code`. Compare it rather than the text. The examples of \
    an error are named after their codes.";

/// The schemas of the components. Bodies of requests and of answers differ: in a request's body a member that can be
/// `null` may also be absent.
struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let generator = |contract| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.contract = contract;
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings
                .with_transform(RecursiveTransform(unwrap_description))
                .into_generator()
        };
        Self {
            requests: generator(Contract::Deserialize),
            answers: generator(Contract::Serialize),
        }
    }

    /// All schemas, by name.
    fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.answers.take_definitions(true);
        components.append(&mut self.requests.take_definitions(true));
        components.sort_keys();
        components
    }

    fn describe_path(&mut self, endpoint: &Endpoint) -> Value {
        let of_all = json!([{ "$ref": "#/components/parameters/RequestId" }]);
        let mut path = Map::from_iter([("parameters".to_owned(), of_all)]);
        for operation in &endpoint.operations {
            let method = operation.method.as_str().to_lowercase();
            path.insert(method, self.describe_operation(endpoint.path, operation));
        }
        Value::Object(path)
    }

    fn describe_operation(&mut self, path: &str, operation: &Operation) -> Value {
        let documentation = operation.documentation;
        let mut description = documentation.description.to_owned();
        let security = match operation.access {
            Access::Key(scope) => {
                description += &format!("\n\nNeeds a key with the scope `{scope}`.");
                json!([{ "key": [] }])
            }
            Access::Webhook | Access::Public => json!([]),
        };
        let mut described = json!({
            "operationId": operation.id,
            "tags": [documentation.tag.name()],
            "summary": documentation.summary,
            "description": description,
            "security": security,
        });
        if !documentation.parameters.is_empty() {
            described["parameters"] = documentation.parameters.iter().map(describe_parameter).collect();
        }
        if let Some(body) = &documentation.body {
            described["requestBody"] = self.describe_body(body);
        }
        described["responses"] = self.describe_answers(path, operation);
        described
    }

    fn describe_body(&mut self, body: &Body) -> Value {
        let schema = (body.schema)(&mut self.requests);
        json!({
            "description": format!("JSON of at most {} MiB.", body.max >> 20),
            "required": true,
            "content": { "application/json": { "schema": schema, "examples": describe_examples(body.examples) } },
        })
    }

    fn describe_answers(&mut self, path: &str, operation: &Operation) -> Value {
        let Answer {
            status,
            description,
            headers,
            content,
        } = &operation.documentation.answer;
        let mut success = json!({ "description": description, "headers": { "X-Request-Id": header("RequestId") } });
        for header in *headers {
            success["headers"][header.name] = describe_header(header);
        }
        if let Some(content) = content {
            let schema = (content.schema)(&mut self.answers);
            let examples = describe_examples(content.examples);
            success["content"] = json!({ content.media_type: { "schema": schema, "examples": examples } });
        }
        let mut answers = Map::from_iter([(status.to_string(), success)]);
        let failures = failures(operation);
        for failures in failures.chunk_by(|one, next| one.code().text().status == next.code().text().status) {
            let status = failures[0].code().text().status.as_str().to_owned();
            answers.insert(status, self.describe_failures(ErrorShape::of_path(path), failures));
        }
        if let Access::Key(_) = operation.access {
            // Answers that are decided before the rate limit do not report it.
            for (_, answer) in answers
                .iter_mut()
                .filter(|(status, _)| !["401", "403", "414"].contains(&status.as_str()))
            {
                answer["headers"]["RateLimit"] = header("RateLimit");
                answer["headers"]["RateLimit-Policy"] = header("RateLimitPolicy");
            }
        }
        Value::Object(answers)
    }

    /// Describes the answer for failures of one status.
    fn describe_failures(&mut self, shape: ErrorShape, failures: &[ApiError]) -> Value {
        let schema = match shape {
            ErrorShape::Lookup => of::<LookupError>(&mut self.answers),
            ErrorShape::Public => of::<PublicError>(&mut self.answers),
            ErrorShape::Problem => of::<Problem>(&mut self.answers),
        };
        let mut examples: Map<String, Value> = Map::new();
        let mut lines: Vec<String> = Vec::new();
        for error in failures {
            let (code, value) = (error.code(), json!(error.body(shape)));
            let text = code.text();
            let line = format!("`{}`: {} {}", code.name(), text.meaning, text.remedy);
            if !lines.contains(&line) {
                lines.push(line);
            }
            // Errors with one code can have several texts.
            if examples.values().all(|example| example["value"] != value) {
                let of_code = |name: &&String| name.starts_with(code.name());
                let name = match examples.keys().filter(of_code).count() {
                    0 => code.name().to_owned(),
                    count => format!("{}-{}", code.name(), count + 1),
                };
                examples.insert(name, json!({ "summary": text.meaning, "value": value }));
            }
        }
        let description = match &lines[..] {
            [line] => line.clone(),
            lines => lines.iter().map(|line| format!("- {line}\n")).collect(),
        };
        let mut failure = json!({
            "description": description.trim_end(),
            "headers": { "X-Request-Id": header("RequestId"), "X-Error-Code": header("ErrorCode") },
            "content": { shape.media_type(): { "schema": schema, "examples": examples } },
        });
        if failures[0].retry_after().is_some() {
            failure["headers"]["Retry-After"] = header("RetryAfter");
        }
        failure
    }
}

/// Joins the lines of each paragraph. A comment in the code has short lines.
fn unwrap_description(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let is_item = |line: &str| line.is_empty() || line.starts_with("- ");
        let lines: Vec<&str> = text.lines().collect();
        let mut unwrapped = String::new();
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                let joins = !is_item(line) && !lines[index - 1].is_empty();
                unwrapped.push(if joins { ' ' } else { '\n' });
            }
            unwrapped += line;
        }
        *text = unwrapped;
    }
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
        "example": (parameter.example)(),
    })
}

fn describe_header(header: &AnswerHeader) -> Value {
    json!({
        "description": header.description,
        "required": header.is_always_sent,
        "schema": (header.schema)(),
        "example": (header.example)(),
    })
}

fn describe_examples(examples: &[Example]) -> Value {
    let describe = |example: &Example| {
        let described = json!({ "summary": example.summary, "value": (example.value)() });
        (example.name.to_owned(), described)
    };
    examples.iter().map(describe).collect()
}

/// A header of the components.
fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}
