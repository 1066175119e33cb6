//! The types of an endpoint's documentation. Each endpoint's file holds its documentation, beside
//! the handler. `openapi` builds the specification from it.

use std::borrow::Cow;

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::error::ApiError;
use super::request::limits::BODY_MAX;

/// The documentation of an operation, beside its handler.
pub struct Documentation {
    pub tag: Tag,
    /// One line.
    pub summary: &'static str,
    /// The rest, as Markdown.
    pub description: &'static str,
    pub parameters: &'static [Parameter],
    /// The request body of operations that have one.
    pub body: Option<Body>,
    /// The answer of a successful call.
    pub answer: Answer,
    /// The failures of this operation alone. The module `failures` adds those of the access, the query parameters, the
    /// body and the middleware. The specification shows each as an example.
    pub failures: fn() -> Vec<ApiError>,
}

/// A group of operations. Generators of clients make one module for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Tag {
    // In the order in which the specification lists them.
    Lookup,
    Search,
    Contacts,
    Messages,
    Server,
}

impl Tag {
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What the operations have in common.
    pub fn description(self) -> &'static str {
        match self {
            Tag::Lookup => "Find the contact behind a phone number, and its WhatsApp session window.",
            Tag::Search => "Find contacts by a piece of their phone or email, or by their last message.",
            Tag::Contacts => "Show, create, update and delete contacts.",
            Tag::Messages => "Record messages, so that replies and session windows stay current.",
            Tag::Server => "The specification, the error codes, and the health of the server.",
        }
    }
}

/// A JSON body of a request.
pub struct Body {
    /// The largest size, in bytes.
    pub max: usize,
    /// Refers to an object in the components, because generators of clients name a type after it.
    pub schema: SchemaOf,
    pub examples: &'static [Example],
}

impl Body {
    /// A body of at most [`BODY_MAX`] bytes.
    pub const fn new(schema: SchemaOf, examples: &'static [Example]) -> Self {
        let max = BODY_MAX;
        Self { max, schema, examples }
    }
}

/// The answer of a successful call.
pub struct Answer {
    pub status: u16,
    /// One sentence, or a few.
    pub description: &'static str,
    /// Headers, besides those that every answer has.
    pub headers: &'static [AnswerHeader],
    /// The body; `None` for an empty one.
    pub content: Option<Content>,
}

impl Answer {
    /// 200 with a JSON body.
    pub const fn json(description: &'static str, schema: SchemaOf, examples: &'static [Example]) -> Self {
        let media_type = "application/json";
        Self {
            status: 200,
            description,
            headers: &[],
            content: Some(Content {
                media_type,
                schema,
                examples,
            }),
        }
    }

    /// 200 with a text.
    pub const fn text(description: &'static str, media_type: &'static str, examples: &'static [Example]) -> Self {
        Self {
            status: 200,
            description,
            headers: &[],
            content: Some(Content {
                media_type,
                schema: of::<String>,
                examples,
            }),
        }
    }

    /// The same answer with these headers.
    pub const fn with_headers(self, headers: &'static [AnswerHeader]) -> Self {
        Self { headers, ..self }
    }

    /// An empty answer.
    pub const fn empty(status: u16, description: &'static str) -> Self {
        Self {
            status,
            description,
            headers: &[],
            content: None,
        }
    }
}

/// The body of an answer.
pub struct Content {
    pub media_type: &'static str,
    pub schema: SchemaOf,
    pub examples: &'static [Example],
}

/// An example of a body.
pub struct Example {
    /// Unique among the examples of the body.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    pub value: fn() -> Value,
}

/// A header of an answer.
pub struct AnswerHeader {
    pub name: &'static str,
    pub description: &'static str,
    /// Whether every successful answer has it.
    pub is_always_sent: bool,
    pub schema: fn() -> Schema,
    pub example: fn() -> Value,
}

/// Returns a schema, or a reference to it in the components.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// The pattern of a text that is not blank.
pub const NOT_BLANK: &str = r"\S";

/// The schema of a body's UUID. The server takes a blank text for `null`, since forms send one.
#[derive(Default)]
pub struct OptionalUuid;

impl JsonSchema for OptionalUuid {
    fn schema_name() -> Cow<'static, str> {
        "OptionalUuid".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "format": "uuid" },
                { "type": "string", "pattern": r"^\s*$" },
                { "type": "null" },
            ],
        })
    }
}

/// A parameter of a request.
pub struct Parameter {
    pub place: In,
    pub name: &'static str,
    pub description: &'static str,
    /// Always `true` for a path parameter.
    pub is_required: bool,
    pub schema: fn() -> Schema,
    /// The server must accept it.
    pub example: fn() -> Value,
}

/// The place of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum In {
    Path,
    Query,
    Header,
}
