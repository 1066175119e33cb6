//! The OpenAPI document: the pinned text, and the server that must conform to it.

use std::path::Path;

use contact_search::http::{endpoints, openapi};
use serde_json::Value;

use crate::support::TestApp;

/// The file with the agreed document.
const SNAPSHOT: &str = "tests/data/openapi.json";

#[test]
fn the_specification_equals_the_agreed_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let now = serde_json::to_string_pretty(&openapi::specification(&endpoints())).unwrap() + "\n";
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
    let too_large = |path: &str| specification["paths"][path]["post"]["responses"]["413"]["description"].clone();
    assert_eq!(too_large("/api/v1/messages/"), "The body is larger than 2 MiB");
    assert_eq!(too_large("/webhooks/whatsapp/{token}"), "The body is larger than 3 MiB");
    let recent = &specification["paths"]["/api/public/contacts"]["get"];
    assert!(recent["responses"]["200"]["headers"]["Link"].is_object());
    // The server accepts the examples of the parameters.
    let query = |parameter: &Value| {
        let example = parameter["schema"]["example"].to_string().replace('"', "");
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
    let specification = openapi::specification(&endpoints());
    for endpoint in endpoints() {
        for operation in &endpoint.operations {
            let method = operation.method.as_str().to_lowercase();
            let described = &specification["paths"][endpoint.path][method.as_str()];
            let place = format!("{method} {}", endpoint.path);
            assert!(
                described["summary"].as_str().is_some_and(|text| !text.is_empty()),
                "{place}"
            );
            let has_key = described.get("security").is_some();
            let asks_key = matches!(operation.access, contact_search::http::Access::Key(_));
            assert_eq!(has_key, asks_key, "{place}");
            let key_statuses: &[&str] = if asks_key { &["401", "403", "429"] } else { &[] };
            for status in [key_statuses, &["414", "500", "503", "504"]].concat() {
                assert!(described["responses"].get(status).is_some(), "{place} {status}");
            }
            for (status, answer) in described["responses"].as_object().expect("answers") {
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
        }
    }
}
