//! The access log of a request. The tests of data that must not be logged are in `operation/privacy`.

use contact_search::domain::key::Scope;
use serde_json::Value;

use crate::support::TestApp;
use crate::support::app::{Server, add_key, revoke};

/// Waits until the log has `count` access lines, and returns the log.
fn log_with(server: &Server, count: usize) -> String {
    server.wait_for_log(|log| log.matches("answered").count() >= count)
}

#[test]
fn an_access_line_has_route_status_time_request_id_and_label() {
    let app = TestApp::start();
    app.server.send(
        "GET",
        "/api/v1/contact-lookup?phone=1",
        &[("X-API-Key", &app.key), ("X-Request-Id", "order-66")],
    );
    let log = log_with(&app.server, 1);
    let line = log.lines().find(|line| line.contains("answered")).unwrap();
    for part in [
        "method=GET",
        "route=/api/v1/contact-lookup/",
        "status=200",
        "ms=",
        "request_id=order-66",
        "key=test",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn the_line_of_a_refused_but_known_key_has_its_label() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let no_scope = add_key(&mut connection, app.client, &[Scope::Write], None);
    let revoked = add_key(&mut connection, app.client, &Scope::ALL, None);
    revoke(&mut connection, &revoked);
    for (count, key) in [&no_scope, &revoked].into_iter().enumerate() {
        app.server.get("/api/v1/contact-lookup/?phone=1", Some(key));
        let log = log_with(&app.server, count + 1);
        let line = log.lines().rfind(|line| line.contains("answered")).unwrap();
        assert!(line.contains("key=test"), "{line}");
    }
}

#[test]
fn a_json_log_has_one_object_per_line() {
    let app = TestApp::start_with(&["--log-format", "json"]);
    app.get("/api/public/contacts/search?email=a");
    app.server.get("/nothing", None);
    let log = log_with(&app.server, 2);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |route: &str| {
        lines
            .iter()
            .find(|line| line["route"] == route)
            .unwrap_or_else(|| panic!("{route}: {log}"))
    };
    let found = of("/api/public/contacts/search");
    assert_eq!((&found["status"], &found["key"]), (&200.into(), &"test".into()));
    assert!(found["ms"].is_number() && found["request_id"].is_string() && found["time"].is_string());
    assert_eq!(of("-")["status"], 404);
}
