//! The specification: what it says is pinned, and what the server answers is within it.

use std::path::Path;

use contact_search::http::{endpoints, openapi};
use serde_json::Value;

use crate::support::TestApp;

/// The specification as it was last agreed on.
const SNAPSHOT: &str = "tests/data/openapi.json";

#[test]
fn the_specification_is_the_agreed_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let now = serde_json::to_string_pretty(&openapi::specification()).unwrap() + "\n";
    let agreed = std::fs::read_to_string(root.join(SNAPSHOT)).unwrap_or_default();
    if now != agreed {
        let proposed = root.join("target/openapi.json");
        std::fs::write(&proposed, &now).unwrap();
        panic!("the specification has changed; where that is meant: cp target/openapi.json {SNAPSHOT}");
    }
}

#[test]
fn the_server_shows_its_specification_to_everybody() {
    let app = TestApp::start();
    let answer = app.server.get("/openapi.json", None);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(answer.json(), openapi::specification());
}

#[test]
fn the_specified_limits_are_those_of_the_server() {
    let specification = openapi::specification();
    let too_large = |path: &str| specification["paths"][path]["post"]["responses"]["413"]["description"].clone();
    assert_eq!(too_large("/api/v1/messages/"), "The body is larger than 2 MiB");
    assert_eq!(too_large("/webhooks/whatsapp/{token}"), "The body is larger than 3 MiB");
    let recent = &specification["paths"]["/api/public/contacts"]["get"];
    assert!(recent["responses"]["200"]["headers"]["Link"].is_object());
    // An example is one that the server takes.
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
fn every_route_is_specified_with_its_key_and_the_statuses_that_follow_from_it() {
    let specification = openapi::specification();
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
            let of_key: &[&str] = if asks_key { &["401", "403", "429"] } else { &[] };
            for status in [of_key, &["414", "500", "503", "504"]].concat() {
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
                let is_there = |parameter: &Value| parameter["name"] == name && parameter["in"] == "path";
                assert!(parameters.iter().any(is_there), "{place} has the parameter {name}");
            }
        }
    }
}
