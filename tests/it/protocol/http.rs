//! Rules for every path: the order of decisions, error shapes, hostile requests, outages.

use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use serde_json::json;

use crate::support::app::{REAL_DEADLINES, add_key};
use crate::support::{TestApp, metrics};

const DOCUMENTED: [&str; 2] = [
    "/api/v1/contact-lookup/?phone=123",
    "/api/public/contacts/search?email=a",
];

#[test]
fn path_method_key_scope_and_query_are_checked_in_this_order() {
    let app = TestApp::start();
    let no_scope = add_key(&mut app.database.connect(), app.client, &[Scope::Write], None);
    for path in ["/api/v1/contact-lookup/", "/api/public/contacts/search"] {
        let unknown = app.server.send("POST", &format!("{path}/nothing"), &[]);
        assert_eq!(unknown.status, 404, "the path comes before the method");
        let method = app.server.send("POST", path, &[]);
        assert_eq!(method.status, 405, "the method comes before the key");
        let key = app.server.send("GET", &format!("{path}?phone=%zz"), &[]);
        assert_eq!(key.status, 401, "the key comes before the query");
        let scope = app.server.get(&format!("{path}?phone=%zz"), Some(&no_scope));
        assert_eq!(scope.status, 403, "the scope comes before the query");
        assert_eq!(app.get(&format!("{path}?phone=%zz")).status, 400);
    }
}

#[test]
fn a_wrong_method_is_405_with_the_allowed_methods() {
    let app = TestApp::start();
    for target in DOCUMENTED.iter().chain(&["/healthz", "/readyz"]) {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let answer = app.server.send(method, target, &[("X-API-Key", &app.key)]);
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some("GET, HEAD")),
                "{method} {target}"
            );
        }
    }
    let answer = app.server.send("PUT", "/api/v1/contact-lookup/", &[]);
    assert_eq!(answer.json(), json!({"error": "Esta ruta solo acepta GET, HEAD"}));
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let app = TestApp::start();
    for target in DOCUMENTED {
        let get = app.get(target);
        let head = app.server.send("HEAD", target, &[("X-API-Key", &app.key)]);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{target}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{target}");
        assert_eq!(app.server.send("HEAD", target, &[]).status, 401, "{target}");
    }
}

#[test]
fn an_error_has_the_shape_of_its_path() {
    let app = TestApp::start();
    let lookup = app.get("/api/v1/contact-lookup/nothing");
    assert_eq!(
        (lookup.status, lookup.header("content-type")),
        (404, Some("application/json"))
    );
    assert_eq!(
        lookup.json(),
        json!({"error": "No hay nada en esta ruta. Revise la direccion"})
    );

    let search = app.get("/api/public/nothing");
    assert_eq!(
        (search.status, search.header("content-type")),
        (404, Some("application/json"))
    );
    let expected = json!({
        "statusCode": 404, "message": "There is nothing at this path. Check the address.", "error": "Not Found",
    });
    assert_eq!(search.json(), expected);

    for target in ["/nothing", "/page", "/api/v1/nothing", "/api/publicity"] {
        let other = app.get(target);
        assert_eq!(
            (other.status, other.header("content-type")),
            (404, Some("application/problem+json")),
            "{target}"
        );
        let expected = json!({
            "type": "/errors#path-unknown", "title": "Not Found", "status": 404,
            "detail": "There is nothing at this path. Check the address.", "code": "path-unknown",
        });
        assert_eq!(other.json(), expected, "{target}");
    }
}

#[test]
fn a_percent_encoded_letter_changes_neither_the_route_nor_the_error_shape() {
    let app = TestApp::start();
    let answer = app.get("/api/v1/contact%2Dlookup/?phone=%zz");
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (400, Some("application/json"))
    );
    assert!(
        answer.body.starts_with(r#"{"error":"El parametro 'phone'"#),
        "{}",
        answer.body
    );
    let answer = app.server.get("/api/%70ublic/contacts/search?email=a", None);
    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("Unauthorized")));
}

#[test]
fn invalid_http_is_refused_without_a_body_and_the_server_keeps_running() {
    let app = TestApp::start();
    let head = "GET /healthz HTTP/1.1\r\nHost: test\r\n";
    let cases: [(&str, Vec<u8>, u16); 5] = [
        ("no HTTP", b"nonsense\r\n\r\n".to_vec(), 400),
        (
            "bytes beyond ASCII in the target",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: test\r\n\r\n".to_vec(),
            400,
        ),
        (
            "both lengths",
            format!("{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").into(),
            400,
        ),
        (
            "a very long target",
            format!("GET /?{} HTTP/1.1\r\nHost: test\r\n\r\n", "x".repeat(70_000)).into(),
            400,
        ),
        (
            "a very long head",
            format!("{head}X-API-Key: {}\r\n\r\n", "x".repeat(200_000)).into(),
            431,
        ),
    ];
    for (case, bytes, status) in cases {
        let answer = app.server.send_raw(&bytes);
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{case}");
        assert_eq!(app.server.get("/healthz", None).status, 200, "after {case}");
    }
    let log = app.server.log.lock().unwrap().clone();
    assert!(!log.contains("ERROR"), "invalid requests must not log errors: {log}");
}

#[test]
fn malformed_parameters_are_400_and_unusual_ones_are_searched() {
    let app = TestApp::start();
    let (fits, long) = ("1".repeat(256), "1".repeat(257));
    for (path, name) in [
        ("/api/v1/contact-lookup/", "phone"),
        ("/api/public/contacts/search", "phone"),
        ("/api/public/contacts/search", "email"),
    ] {
        let status = |query: &str| app.get(&format!("{path}?{query}")).status;
        for value in [
            "%00",
            "1%00",
            "%FF",
            "%C3%28",
            "%ED%A0%80",
            "%zz",
            "%",
            "1%",
            "%2",
            long.as_str(),
        ] {
            assert_eq!(status(&format!("{name}={value}")), 400, "{path} {name}={value}");
        }
        for query in [
            format!("{name}=1&{name}=1"),
            format!("{name}=1&{name}="),
            format!("%{:x}{}=1&{name}=2", name.as_bytes()[0], &name[1..]),
        ] {
            assert_eq!(status(&query), 400, "{path} {query}");
        }
        for value in [
            "1%25",
            "1_",
            "1%5C",
            "%27%20OR%201%3D1--",
            "1%0A",
            "1%F0%9F%98%80",
            "1;",
            "1?",
            fits.as_str(),
        ] {
            assert_eq!(status(&format!("{name}={value}")), 200, "{path} {name}={value}");
        }
        assert_eq!(
            status(&format!("{name}=1&other=%zz&%zz=1&other=%00&=&&")),
            200,
            "{path}: unknown parameters are ignored"
        );
    }
}

#[test]
fn an_sql_injection_is_only_a_text_without_matches() {
    let app = TestApp::start();
    let answer = app.get("/api/public/contacts/search?email=%27%20OR%201%3D1--");
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
}

#[test]
fn a_target_over_8_kib_is_414_in_the_error_shape_of_its_path() {
    let app = TestApp::start();
    for target in DOCUMENTED.iter().chain(&["/nothing?a=1"]) {
        let fits = format!("{target}&x={}", "y".repeat(8_192 - target.len() - 3));
        assert_ne!(app.get(&fits).status, 414, "{target}");
        assert_eq!(app.get(&format!("{fits}y")).status, 414, "{target}");
    }
    let absolute = format!("http://{}/healthz", "h".repeat(9_000));
    let answer = app.get(&absolute);
    assert_eq!(answer.status, 414, "the authority of an absolute target counts, too");
    assert!(answer.header("x-request-id").is_some());
    let answer = app.get(&format!("/api/v1/contact-lookup/?phone={}", "1".repeat(9_000)));
    assert_eq!(answer.json(), json!({"error": "La direccion supera los 8192 bytes"}));
}

#[test]
fn every_answer_has_a_request_id_which_is_the_callers_if_that_is_valid() {
    let app = TestApp::start();
    let longest = "x".repeat(128);
    for id in ["a", "order-66/b", longest.as_str()] {
        let answer = app.server.send("GET", "/healthz", &[("X-Request-Id", id)]);
        assert_eq!(answer.header("x-request-id"), Some(id));
    }
    let too_long = "x".repeat(129);
    for id in ["", "two words", "ñ", too_long.as_str()] {
        let answer = app.server.send("GET", "/nothing", &[("X-Request-Id", id)]);
        let given = answer.header("x-request-id").expect("an id");
        assert!(given != id && given.parse::<uuid::Uuid>().is_ok(), "{given}");
    }
    for target in DOCUMENTED {
        for answer in [
            app.get(target),
            app.server.get(target, None),
            app.server.send("PUT", target, &[]),
        ] {
            assert!(answer.header("x-request-id").is_some(), "{answer:?}");
        }
    }
}

#[test]
fn caches_must_not_store_answers() {
    let app = TestApp::start();
    assert_eq!(app.get(DOCUMENTED[0]).header("cache-control"), Some("no-store"));
}

#[test]
fn every_answer_forbids_to_guess_its_content_type() {
    let app = metrics::start_with(&["--cors-origin", "https://crm.example.com", "--rate-limit", "10"]);
    let preflight = [
        ("Origin", "https://crm.example.com"),
        ("Access-Control-Request-Method", "GET"),
    ];
    let foreign = [("Origin", "https://elsewhere.example.com"), preflight[1]];
    let too_long = format!("{}&x={}", DOCUMENTED[0], "y".repeat(9_000));
    let mut answers = vec![
        app.get(DOCUMENTED[0]),
        app.get(DOCUMENTED[1]),
        app.get("/api/v1/contact-lookup/"),
        app.get("/nothing"),
        app.get(&too_long),
        app.send("POST", "/api/v1/messages/", &json!([])),
        app.send("POST", "/api/v1/messages/", &json!(7)),
        app.server.get(DOCUMENTED[0], None),
        app.server.get("/healthz", None),
        app.server.get("/openapi.json", None),
        app.server.send("TRACE", DOCUMENTED[0], &[]),
        app.server.send("HEAD", "/healthz", &[]),
        app.server.send("OPTIONS", DOCUMENTED[0], &preflight),
        app.server.send("OPTIONS", DOCUMENTED[0], &foreign),
        metrics::metrics(&app),
    ];
    answers.extend((0..10).map(|_| app.get(DOCUMENTED[0])));
    assert!(answers.iter().any(|answer| answer.status == 429));
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
    }
}

#[test]
fn healthz_reports_the_process_and_readyz_the_database() {
    let app = TestApp::start();
    for path in ["/healthz", "/healthz/", "/readyz"] {
        assert_eq!(app.server.get(path, None).status, 200, "{path}");
    }
    for (sql, reason) in [
        ("DELETE FROM __diesel_schema_migrations", "run `contact-search migrate`"),
        (
            "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())",
            "newer schema",
        ),
    ] {
        app.sql(sql);
        let status = || app.server.get("/readyz", None).status;
        app.server.wait_for_log(|log| status() == 503 && log.contains(reason));
    }
}

/// Waits until `/readyz` answers with `status`. The result of `/readyz` may be up to a second old.
fn wait_until_ready_is(app: &TestApp, status: u16) {
    let start = Instant::now();
    while app.server.get("/readyz", None).status != status {
        assert!(start.elapsed() < Duration::from_secs(5), "readiness does not change");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_outage_is_503_in_each_error_shape_and_recovery_is_automatic() {
    let app = TestApp::start();
    for target in DOCUMENTED {
        assert_eq!(app.get(target).status, 200);
    }
    app.database.set_available(false);
    let texts = [
        json!({"error": "El servidor no alcanza su base de datos. Reintente en un segundo"}),
        json!({
            "statusCode": 503, "message": "The server can't reach its database. Try again in a second.",
            "error": "Service Unavailable",
        }),
    ];
    for (target, text) in DOCUMENTED.into_iter().zip(texts) {
        let answer = app.get(target);
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("1")),
            "{target}"
        );
        assert_eq!(answer.json(), text);
    }
    wait_until_ready_is(&app, 503);
    assert_eq!(app.server.get("/healthz", None).status, 200);
    assert_eq!(
        app.get("/nothing").status,
        404,
        "a path without a route needs no database"
    );
    assert_eq!(app.server.get(DOCUMENTED[0], None).status, 401);

    app.database.set_available(true);
    wait_until_ready_is(&app, 200);
    let available_at = Instant::now();
    while app.get(DOCUMENTED[0]).status != 200 {
        assert!(
            available_at.elapsed() < Duration::from_secs(20),
            "the server does not recover"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_slow_answer_is_504_and_a_request_without_a_free_connection_is_503() {
    let app = TestApp::start_with(&[&["--pool-size", "1"], &REAL_DEADLINES[..]].concat());
    let mut blocker = app.database.connect();
    let late_and_busy = [
        (
            [DOCUMENTED[1], DOCUMENTED[0]],
            json!({
                "statusCode": 504, "error": "Gateway Timeout",
                "message": "The answer took too long. Try again, or ask for something more specific.",
            }),
            json!({"error": "El servidor no tiene capacidad. Reintente en un segundo"}),
        ),
        (
            [DOCUMENTED[0], DOCUMENTED[1]],
            json!({"error": "La respuesta demoro demasiado. Reintente"}),
            json!({
                "statusCode": 503, "error": "Service Unavailable",
                "message": "The server has no capacity left. Try again in a second.",
            }),
        ),
    ];
    for ([slow, other], too_late, no_capacity) in late_and_busy {
        diesel::connection::SimpleConnection::batch_execute(&mut blocker, "BEGIN; LOCK TABLE contacts").unwrap();
        std::thread::scope(|scope| {
            let late = scope.spawn(|| app.get(slow));
            app.database.wait_for_blocked_statement();
            let busy = app.get(other);
            assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
            assert_eq!(busy.json(), no_capacity);
            let late = late.join().unwrap();
            assert_eq!((late.status, late.json()), (504, too_late));
            assert!(late.header("x-request-id").is_some() && busy.header("x-request-id").is_some());
        });
        diesel::connection::SimpleConnection::batch_execute(&mut blocker, "ROLLBACK").unwrap();
        assert_eq!(app.get(slow).status, 200, "the server must work again afterwards");
    }
}

#[test]
fn a_terminated_server_finishes_the_request_in_flight() {
    let mut app = TestApp::start();
    let mut blocker = app.database.connect();
    diesel::connection::SimpleConnection::batch_execute(&mut blocker, "BEGIN; LOCK TABLE contacts").unwrap();
    let answer = std::thread::scope(|scope| {
        let app = &app;
        let in_flight = scope.spawn(|| app.get(DOCUMENTED[1]));
        app.database.wait_for_blocked_statement();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(app.server.pid()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        diesel::connection::SimpleConnection::batch_execute(&mut blocker, "ROLLBACK").unwrap();
        in_flight.join().unwrap()
    });
    assert_eq!(answer.status, 200);
    assert_eq!(app.server.wait(), Some(0));
}
