//! The types of an endpoint's documentation. Each endpoint's file holds its documentation, beside
//! the handler. `openapi` builds the specification from it.

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::request::limits::BODY_MAX;

/// The documentation of an operation, beside its handler.
pub struct Documentation {
    /// One line.
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    /// The request body of operations that have one.
    pub body: Option<Body>,
    /// The answer of a successful call.
    pub answer: Answer,
    /// Failure statuses, besides those that `openapi` derives from the access, the body and the middleware.
    pub failures: &'static [u16],
}

/// A JSON body of a request.
pub struct Body {
    /// The largest size, in bytes.
    pub max: usize,
    pub schema: SchemaOf,
}

impl Body {
    /// A body of at most [`BODY_MAX`] bytes.
    pub const fn new(schema: SchemaOf) -> Self {
        let max = BODY_MAX;
        Self { max, schema }
    }
}

/// The answer of a successful call.
pub struct Answer {
    pub status: u16,
    /// One line.
    pub description: &'static str,
    /// Headers beside those that `openapi` derives from the access.
    pub headers: &'static [AnswerHeader],
    /// The body; `None` for an empty one.
    pub content: Option<Content>,
}

/// A header of an answer.
pub struct AnswerHeader {
    pub name: &'static str,
    pub description: &'static str,
    /// Whether every successful answer has it.
    pub is_always_sent: bool,
    pub schema: fn() -> Schema,
}

impl Answer {
    /// 200 with a JSON body.
    pub const fn json(description: &'static str, schema: SchemaOf) -> Self {
        Self {
            status: 200,
            description,
            headers: &[],
            content: Some(Content::Json(schema)),
        }
    }

    /// The same answer with these headers.
    pub const fn with_headers(self, headers: &'static [AnswerHeader]) -> Self {
        Self { headers, ..self }
    }
}

/// The body of an answer.
pub enum Content {
    Json(SchemaOf),
    Text,
    Html,
}

/// Returns a schema, or a reference to it in the components.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// The pattern of a text that is not blank.
pub const NOT_BLANK: &str = r"\S";

/// The pattern of a text with a digit.
pub const WITH_DIGIT: &str = r"\d";

/// A schema that requires all `members`. Each pair has a member's name and the schema of its value.
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
    /// Always `true` for a path parameter.
    pub is_required: bool,
    /// The server must accept the schema's example, if there is one.
    pub schema: fn() -> Schema,
}

/// The place of a parameter.
#[derive(Clone, Copy, Debug)]
pub enum In {
    Path,
    Query,
    Header,
}
