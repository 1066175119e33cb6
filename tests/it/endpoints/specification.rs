//! The OpenAPI document: the pinned text, its completeness, and the server that must conform to it.

use std::collections::BTreeSet;
use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use contact_search::http::{Access, Endpoint, Operation, endpoints, openapi};
use serde_json::Value;

use crate::support::{Contact, TestApp};

/// The file with the agreed document.
const SNAPSHOT: &str = "tests/data/openapi.json";

/// Every operation of the specification, with its method and its path.
fn for_each_operation(mut check: impl FnMut(&Endpoint, &Operation, &Value, &str)) {
    let specification = openapi::specification(&endpoints());
    for endpoint in endpoints() {
        let path = openapi::documented_path(&endpoint);
        for operation in &endpoint.operations {
            let method = operation.method.as_str().to_lowercase();
            let described = &specification["paths"][&path][&method];
            check(&endpoint, operation, described, &format!("{method} {path}"));
        }
    }
}

/// The members of an object; none if the value is no object.
fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Checks values against the schemas of the specification.
struct Validator {
    compiler: Compiler,
    schemas: Schemas,
}

impl Validator {
    const DOCUMENT: &str = "http://specification/openapi.json";

    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler
            .add_resource(Self::DOCUMENT, openapi::specification(&endpoints()))
            .unwrap();
        let schemas = Schemas::new();
        Self { compiler, schemas }
    }

    /// The schema at a JSON pointer, given as its parts.
    fn schema(&mut self, parts: &[&str]) -> SchemaIndex {
        let escape = |part: &&str| {
            part.replace('~', "~0")
                .replace('/', "~1")
                .replace('{', "%7B")
                .replace('}', "%7D")
        };
        let pointer: Vec<String> = parts.iter().map(escape).collect();
        let address = format!("{}#/{}", Self::DOCUMENT, pointer.join("/"));
        self.compiler.compile(&address, &mut self.schemas).unwrap()
    }

    /// Why the schema does not allow the value.
    fn fault(&mut self, parts: &[&str], value: &Value) -> Option<String> {
        let schema = self.schema(parts);
        let error = self.schemas.validate(value, schema).err()?;
        Some(format!("{error:#}"))
    }

    fn check(&mut self, parts: &[&str], value: &Value) {
        let fault = self.fault(parts, value);
        assert_eq!(fault, None, "{}: {value}", parts.join(" "));
    }
}

#[test]
fn the_specification_equals_the_agreed_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let now = openapi::render(&endpoints());
    let agreed = std::fs::read_to_string(root.join(SNAPSHOT)).unwrap_or_default();
    if now != agreed {
        let proposed = root.join("target/openapi.json");
        std::fs::write(&proposed, &now).unwrap();
        panic!("the specification has changed; if that is intended: cp target/openapi.json {SNAPSHOT}");
    }
}

#[test]
fn the_server_serves_its_specification_without_a_key() {
    let app = TestApp::start();
    let answer = app.server.get("/openapi.json", None);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(answer.json(), openapi::specification(&endpoints()));
}

#[test]
fn the_specification_states_the_servers_limits_and_valid_examples() {
    let specification = openapi::specification(&endpoints());
    let body = |path: &str| specification["paths"][path]["post"]["requestBody"]["description"].clone();
    assert_eq!(body("/api/v1/messages"), "JSON of at most 2 MiB.");
    assert_eq!(body("/webhooks/whatsapp/{token}"), "JSON of at most 3 MiB.");
    let recent = &specification["paths"]["/api/public/contacts"]["get"];
    assert!(recent["responses"]["200"]["headers"]["Link"].is_object());
    // The server accepts the examples of the parameters.
    let query = |parameter: &Value| {
        let example = parameter["example"].to_string().replace('"', "");
        format!("{}={example}", parameter["name"].as_str().unwrap())
    };
    let parameters: Vec<String> = recent["parameters"].as_array().unwrap().iter().map(query).collect();
    let app = TestApp::start();
    assert_eq!(
        app.get(&format!("/api/public/contacts?{}", parameters.join("&")))
            .status,
        200
    );
}

#[test]
fn every_route_is_specified_with_its_key_its_statuses_and_its_parameters() {
    for_each_operation(|endpoint, operation, described, place| {
        let asks_key = matches!(operation.access, Access::Key(_));
        let has_key = described["security"]
            .as_array()
            .is_some_and(|schemes| !schemes.is_empty());
        assert!(described["security"].is_array(), "{place} says whether it needs a key");
        assert_eq!(has_key, asks_key, "{place}");
        let key_statuses: &[&str] = if asks_key { &["401", "403", "429"] } else { &[] };
        let database_statuses: &[&str] = if operation.access == Access::Public {
            &[]
        } else {
            &["503", "504"]
        };
        for status in [key_statuses, database_statuses, &["414", "500"]].concat() {
            assert!(described["responses"].get(status).is_some(), "{place} {status}");
        }
        for (status, answer) in members(&described["responses"]) {
            assert!(answer["headers"]["X-Request-Id"].is_object(), "{place} {status}");
        }
        for name in endpoint
            .path
            .split('{')
            .skip(1)
            .filter_map(|part| part.split('}').next())
        {
            let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
            let matches_name = |parameter: &Value| parameter["name"] == name && parameter["in"] == "path";
            assert!(
                parameters.iter().any(matches_name),
                "{place} must have the parameter {name}"
            );
        }
    });
}

#[test]
fn every_operation_has_its_own_id_a_tag_and_descriptions() {
    let specification = openapi::specification(&endpoints());
    let tags = specification["tags"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for_each_operation(|_, operation, described, place| {
        let id = described["operationId"].as_str().unwrap_or_default();
        let is_name = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(!id.is_empty() && is_name, "{place}: {id}");
        assert!(
            ids.insert(id.to_owned()),
            "{place}: {id} is the id of another operation"
        );
        let tag = &described["tags"][0];
        assert!(tags.iter().any(|known| known["name"] == *tag), "{place}: {tag}");
        let documentation = operation.documentation;
        for text in [documentation.summary, documentation.description] {
            assert!(!text.is_empty(), "{place} has no summary or no description");
        }
        for (status, answer) in members(&described["responses"]) {
            assert!(is_text(&answer["description"]), "{place} {status} has no description");
        }
        for parameter in described["parameters"].as_array().into_iter().flatten() {
            assert!(is_text(&parameter["description"]), "{place}: {parameter}");
        }
    });
    assert!(
        ids.contains("look_up_contact"),
        "an id is the name of the handler: {ids:?}"
    );
}

#[test]
fn every_schema_and_every_property_has_a_description() {
    fn walk(value: &Value, place: &str, count: &mut usize) {
        for (name, property) in members(&value["properties"]) {
            *count += 1;
            assert!(is_text(&property["description"]), "{place}: {name} has no description");
        }
        match value {
            Value::Object(children) => children.values().for_each(|child| walk(child, place, count)),
            Value::Array(children) => children.iter().for_each(|child| walk(child, place, count)),
            _ => {}
        }
    }
    let specification = openapi::specification(&endpoints());
    for (name, schema) in members(&specification["components"]["schemas"]) {
        assert!(is_text(&schema["description"]), "{name} has no description");
    }
    let mut count = 0;
    walk(&specification, "the specification", &mut count);
    assert!(count > 80, "the properties are found: {count}");
}

/// Generators of clients give such a body one type with a name. They give each alternative of an `anyOf` a type of its
/// own, and then no type has all members.
#[test]
fn every_body_is_a_named_object_without_alternatives() {
    let specification = openapi::specification(&endpoints());
    let mut count = 0;
    for_each_operation(|_, _, described, place| {
        for (_, content) in members(&described["requestBody"]["content"]) {
            count += 1;
            let schema = &content["schema"];
            // One message, or an array of them.
            let schema = schema.pointer("/oneOf/0").unwrap_or(schema);
            let name = schema["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
            let named = &specification["components"]["schemas"][name];
            assert_eq!(named["type"], "object", "{place}: {schema}");
            for keyword in ["anyOf", "oneOf", "allOf"] {
                assert!(named.get(keyword).is_none(), "{place}: {name} has {keyword}");
            }
        }
    });
    assert!(count > 5, "the bodies are found: {count}");
}

#[test]
fn every_body_answer_parameter_and_header_has_an_example_that_its_schema_allows() {
    let mut validator = Validator::new();
    let mut count = 0;
    let mut check_content = |place: &[&str], content: &Value| {
        for (media_type, described) in members(content) {
            let examples: Vec<_> = members(&described["examples"]).collect();
            assert!(!examples.is_empty(), "{} has no example", place.join(" "));
            for (_, example) in examples {
                count += 1;
                assert!(is_text(&example["summary"]), "{example}");
                validator.check(&[place, &["content", media_type, "schema"]].concat(), &example["value"]);
            }
        }
    };
    for_each_operation(|endpoint, operation, described, _| {
        let method = operation.method.as_str().to_lowercase();
        let path = openapi::documented_path(endpoint);
        let place = ["paths", &path, &method];
        check_content(
            &[&place[..], &["requestBody"]].concat(),
            &described["requestBody"]["content"],
        );
        for (status, answer) in members(&described["responses"]) {
            check_content(&[&place[..], &["responses", status]].concat(), &answer["content"]);
        }
    });
    assert!(count > 150, "the examples are found: {count}");
    for_each_operation(|endpoint, operation, described, _| {
        let method = operation.method.as_str().to_lowercase();
        let path = openapi::documented_path(endpoint);
        let place = ["paths", &path, &method];
        for (index, parameter) in described["parameters"].as_array().into_iter().flatten().enumerate() {
            let schema = ["parameters", &index.to_string(), "schema"];
            validator.check(&[&place[..], &schema].concat(), &parameter["example"]);
        }
        for (status, answer) in members(&described["responses"]) {
            // The headers of the components are strings and numbers, and the linters check them.
            for (name, header) in members(&answer["headers"]).filter(|(_, header)| header["$ref"].is_null()) {
                let schema = ["responses", status, "headers", name, "schema"];
                validator.check(&[&place[..], &schema].concat(), &header["example"]);
            }
        }
    });
}

#[test]
fn the_answers_to_the_vendors_requests_are_as_specified() {
    let app = TestApp::start();
    let hour_ago = "now() - interval '1 hour'";
    app.add(Contact {
        name: Some("Juan Perez"),
        phone: Some("+5492235961983"),
        email: Some("juan@ejemplo.com"),
        last_message_at: hour_ago,
        last_inbound_at: hour_ago,
        ..Contact::default()
    });
    let mut validator = Validator::new();
    let lookup = ["paths", "/api/v1/contact-lookup", "get", "responses"];
    let search = ["paths", "/api/public/contacts/search", "get", "responses"];
    let requests = [
        (lookup, "/api/v1/contact-lookup/?phone=%2B5492235961983", 200),
        (lookup, "/api/v1/contact-lookup/?phone=5491100000000", 200),
        (lookup, "/api/v1/contact-lookup/", 400),
        (search, "/api/public/contacts/search?email=juan", 200),
        (search, "/api/public/contacts/search?phone=000000001", 200),
        (search, "/api/public/contacts/search", 400),
    ];
    for (operation, target, status) in requests {
        let answer = app.get(target);
        assert_eq!(answer.status, status, "{target}");
        let schema = [&status.to_string(), "content", "application/json", "schema"];
        validator.check(&[&operation[..], &schema].concat(), &answer.json());
        let without_key = app.server.get(target, None);
        assert_eq!(without_key.status, 401, "{target}");
        let schema = ["401", "content", "application/json", "schema"];
        validator.check(&[&operation[..], &schema].concat(), &without_key.json());
    }
    let mut changed = app.get("/api/v1/contact-lookup/?phone=%2B5492235961983").json();
    changed["lastReplyAt"] = "yesterday".into();
    let schema = [&lookup[..], &["200", "content", "application/json", "schema"]].concat();
    assert!(validator.fault(&schema, &changed).is_some(), "a time has a format");
}
