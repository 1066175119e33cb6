//! The access log, and the log lines about the start and the end of a server. The tests of data that must not be logged
//! are in `operation/privacy`.

use std::collections::HashMap;

use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::store::keys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::app::{Server, add_key, program, revoke};
use crate::support::webhook::WebhookApp;
use crate::support::{OwnDirectory, TestApp, TestDatabase};

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
        "key_label=\"test\"",
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
        app.server.get("/api/v1/contact-lookup/?phone=123", Some(key));
        let log = log_with(&app.server, count + 1);
        let line = log.lines().rfind(|line| line.contains("answered")).unwrap();
        assert!(line.contains("key_label=\"test\""), "{line}");
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
    assert_eq!((&found["status"], &found["key_label"]), (&200.into(), &"test".into()));
    assert!(found["ms"].is_number() && found["request_id"].is_string() && found["time"].is_string());
    assert_eq!(of("-")["status"], 404);
}

/// The values of `key`, `client` and `key_label` in the access line of the request with this id.
fn sender_of(log: &str, request_id: &str) -> Option<[String; 3]> {
    let names = ["key", "client", "key_label"];
    let line = log.lines().find(|line| line.contains(request_id))?;
    if line.starts_with('{') {
        let line: HashMap<String, Value> = serde_json::from_str(line).expect("JSON");
        return Some(names.map(|name| line[name].as_str().expect("a text").to_owned()));
    }
    Some(names.map(|name| {
        let (_, rest) = line
            .split_once(&format!(" {name}="))
            .unwrap_or_else(|| panic!("{name} in {line}"));
        rest.split(' ').next().unwrap_or_default().trim_matches('"').to_owned()
    }))
}

#[test]
fn the_access_log_distinguishes_a_missing_key_an_unknown_key_and_a_key_without_a_label() {
    for format in ["text", "json"] {
        let app = TestApp::start_with(&["--log-format", format]);
        let key = ApiKey::generate(Format::Opaque).unwrap();
        let new = NewKey::new("", Scope::ALL.to_vec(), None).unwrap();
        let id = keys::add_key(&mut app.database.connect(), app.client, &key, &new).unwrap();
        let client = app.client.to_string();
        let known = id.to_string();
        let unknown = "mindo_000000000000000000000000";
        for (request_id, target, headers, expected) in [
            ("no-key", "/api/v1/contact-lookup/?phone=123", &[][..], ["-", "-", ""]),
            (
                "empty-key",
                "/api/v1/contact-lookup/?phone=123",
                &[("X-API-Key", "")],
                ["-", "-", ""],
            ),
            (
                "unknown-key",
                "/api/public/contacts/search?email=a",
                &[("X-API-Key", unknown)],
                ["unknown", "-", ""],
            ),
            (
                "malformed-key",
                "/api/public/contacts/search?email=a",
                &[("X-API-Key", "short")],
                ["unknown", "-", ""],
            ),
            (
                "doubled-key",
                "/api/public/contacts/search?email=a",
                &[("X-API-Key", unknown), ("X-API-Key", unknown)],
                ["unknown", "-", ""],
            ),
            (
                "good-key",
                "/api/public/contacts/search?email=a",
                &[("X-API-Key", key.reveal())],
                [&known, &client, ""],
            ),
            ("no-route", "/nothing", &[("X-API-Key", key.reveal())], ["-", "-", ""]),
        ] {
            let headers = [headers, &[("X-Request-Id", request_id)]].concat();
            app.server.send("GET", target, &headers);
            let log = app.server.wait_for_log(|log| sender_of(log, request_id).is_some());
            assert_eq!(sender_of(&log, request_id).unwrap(), expected, "{format}: {request_id}");
        }
        let log = app.server.log.lock().unwrap().clone();
        assert!(!log.contains(key.reveal()) && !log.contains(unknown), "{log}");
    }
}

#[test]
fn the_access_log_of_a_webhook_names_its_client() {
    let webhook = WebhookApp::start();
    webhook.deliver(b"{}");
    let log = log_with(&webhook.app.server, 1);
    let line = log.lines().rfind(|line| line.contains("answered")).unwrap();
    let client = webhook.app.client;
    assert!(line.contains(&format!("key=webhook client={client} ")), "{line}");
}

#[test]
fn a_label_cannot_forge_fields_of_the_access_log() {
    let app = TestApp::start();
    let key = ApiKey::generate(Format::Mindo).unwrap();
    let new = NewKey::new("crm\" status=500 from=\"nobody", Scope::ALL.to_vec(), None).unwrap();
    keys::add_key(&mut app.database.connect(), app.client, &key, &new).unwrap();
    app.server.get("/api/v1/contact-lookup/?phone=123", Some(key.reveal()));
    let log = log_with(&app.server, 1);
    let line = log.lines().find(|line| line.contains("answered")).unwrap();
    assert!(
        line.ends_with(r#"key_label="crm\" status=500 from=\"nobody""#),
        "the label is one quoted value: {line}"
    );
}

#[test]
fn probes_of_health_are_logged_at_debug_only() {
    let app = TestApp::start();
    for target in ["/healthz", "/readyz", "/readyz/"] {
        assert_eq!(app.server.get(target, None).status, 200);
    }
    app.get("/api/v1/contact-lookup/?phone=123");
    let log = log_with(&app.server, 1);
    assert!(!log.contains("/healthz") && !log.contains("/readyz"), "{log}");

    let mut command = program();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database-url", app.database.url()])
        .env("RUST_LOG", "access=debug");
    let server = Server::start(command);
    server.get("/healthz", None);
    let log = log_with(&server, 1);
    assert!(log.contains("DEBUG access") && log.contains("route=/healthz"), "{log}");
}

/// Stops the server gracefully, and returns its log.
fn log_until_end(mut server: Server) -> String {
    kill(Pid::from_raw(i32::try_from(server.pid()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(server.wait(), Some(0));
    server.wait_for_log(|log| log.contains("stopped"))
}

#[test]
fn the_log_says_when_the_server_starts_is_ready_stops_and_ends() {
    let database = TestDatabase::new();
    let server = |arguments: &[&str]| {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
        command.args(arguments);
        let server = Server::start(command);
        server.wait_for_log(|log| log.contains("ready"));
        server
    };
    let plain = server(&[]);
    let address = plain.address().to_owned();
    let log = log_until_end(plain);
    let lines: Vec<&str> = log.lines().collect();
    let [starting, ready, stopping, stopped] = lines[..] else {
        panic!("four lines: {log}");
    };
    let version = env!("CARGO_PKG_VERSION");
    for part in [
        "starting",
        &format!("version={version}"),
        "postgresql=1",
        &format!("listen={address}"),
        "metrics=-",
    ] {
        assert!(starting.contains(part), "{part}: {starting}");
    }
    assert!(ready.contains("ready") && ready.contains("postgresql=1"), "{ready}");
    assert!(stopping.contains("stopping"), "{stopping}");
    assert!(stopped.contains("stopped"), "{stopped}");

    let log = log_until_end(server(&["--log-format", "json", "--metrics-listen", "0"]));
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["message"], &first["version"]),
        (&"starting".into(), &version.into())
    );
    assert!(first["metrics"].as_str().unwrap().starts_with("127.0.0.1:"), "{first}");
}

#[test]
fn a_server_with_the_private_postgresql_logs_its_end_after_postgresql_has_stopped() {
    let directory = OwnDirectory::new();
    let arguments = ["serve", "--no-demo", "--listen", "127.0.0.1:0"];
    let log = log_until_end(Server::start(crate::support::command::private(&directory, &arguments)));
    assert!(log.lines().last().unwrap().contains("stopped"), "{log}");
    assert!(!crate::support::private_database::is_running(directory.path()));
}
