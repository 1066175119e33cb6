//! What the log says of a request, and what it never says.

use contact_search::domain::key::Scope;
use serde_json::Value;

use crate::support::app::{Server, add_key, encode, revoke};
use crate::support::{Contact, TestApp};

/// The log once it holds `count` access lines.
fn log_with(server: &Server, count: usize) -> String {
    server.log_when(|log| log.matches("answered").count() >= count)
}

#[test]
fn a_line_says_route_status_time_request_id_and_label() {
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
fn a_refused_key_is_named_by_its_label_where_it_has_one() {
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
fn a_json_log_is_one_object_a_line() {
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

#[test]
fn no_phone_email_name_or_key_is_ever_in_the_log() {
    let app = TestApp::start();
    let (phone, email, name) = ("+5492235961983", "canary@example.com", "Canary Canari");
    app.add(Contact {
        phone: Some(phone),
        email: Some(email),
        name: Some(name),
        ..Contact::default()
    });
    let wrong_key = "mindo_canarycanarycanarycana";
    let queries = [
        format!("phone={}", encode(phone)),
        "phone=5492235961983".to_owned(),
        format!("email={email}"),
        format!("phone=5492235961983&email={email}&x={}", encode(name)),
        format!("email={email}%00"),
        format!("email={email}&email={email}"),
        format!("phone=5492235961983%zz&email={}", "canary".repeat(2_000)),
    ];
    let mut count = 0;
    let mut ask_everything = || {
        for path in [
            "/api/v1/contact-lookup/",
            "/api/public/contacts/search",
            "/healthz",
            "/readyz",
            "/canary",
            "/",
        ] {
            for query in &queries {
                for key in [None, Some(app.key.as_str()), Some(wrong_key)] {
                    app.server.get(&format!("{path}?{query}"), key);
                    count += 1;
                }
                app.server
                    .send("POST", &format!("{path}?{query}"), &[("Referer", email)]);
                count += 1;
            }
        }
    };
    ask_everything();
    // Failures of the database have their own words, which name values at times.
    app.sql("ALTER TABLE contacts RENAME COLUMN phone_key TO gone");
    ask_everything();
    app.database.set_available(false);
    app.get(&format!("/api/public/contacts/search?{}", queries[3]));
    let log = log_with(&app.server, count + 1);
    app.database.set_available(true);
    assert!(
        log.contains("status=500") && log.contains("status=503"),
        "failures are in the log"
    );
    for secret in ["5492235961983", "canary", "Canari", &app.key, &app.key[6..]] {
        let line = log
            .lines()
            .find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
        assert_eq!(line, None, "{secret}");
    }
}
