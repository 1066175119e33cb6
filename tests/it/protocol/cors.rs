//! CORS: pages of other origins.

use crate::support::TestApp;

const SEARCH: &str = "/api/public/contacts/search?email=a";
const CRM: &str = "https://crm.example.com";

fn preflight(app: &TestApp, origin: &str) -> crate::support::Answer {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "x-api-key"),
    ];
    app.server.send("OPTIONS", SEARCH, &headers)
}

#[test]
fn by_default_no_page_of_another_origin_can_read_answers() {
    let app = TestApp::start();
    assert_eq!(preflight(&app, CRM).status, 405);
    let answer = app
        .server
        .send("GET", SEARCH, &[("X-API-Key", &app.key), ("Origin", CRM)]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn only_pages_of_the_configured_origins_can_read_answers() {
    let app = TestApp::start_with(&["--cors-origin", "https://crm.example.com,http://localhost:3000"]);
    for origin in [CRM, "http://localhost:3000"] {
        let allowed = preflight(&app, origin);
        assert_eq!(allowed.status, 200);
        assert_eq!(allowed.header("access-control-allow-origin"), Some(origin));
        let headers = allowed.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(headers.contains("x-api-key"), "{headers}");
        let answer = app
            .server
            .send("GET", SEARCH, &[("X-API-Key", &app.key), ("Origin", origin)]);
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, Some(origin))
        );
        let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for header in ["x-request-id", "link", "x-has-more", "x-contact-status"] {
            assert!(exposed.contains(header), "{header} in {exposed}");
        }
        // A page must be able to read errors, too.
        let refused = app.server.send("GET", SEARCH, &[("Origin", origin)]);
        assert_eq!(
            (refused.status, refused.header("access-control-allow-origin")),
            (401, Some(origin))
        );
    }
    for origin in ["https://evil.example.com", "https://crm.example.com.evil.org", "null"] {
        let refused = preflight(&app, origin);
        assert_eq!(refused.status, 400, "{origin}");
        assert_eq!(refused.json()["statusCode"], 400);
        assert_eq!(refused.header("access-control-allow-origin"), None);
        let answer = app
            .server
            .send("GET", SEARCH, &[("X-API-Key", &app.key), ("Origin", origin)]);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    // A key is no cookie, so the server need not allow browsers to send credentials.
    assert_eq!(preflight(&app, CRM).header("access-control-allow-credentials"), None);
    let without_origin = app.get(SEARCH);
    assert_eq!(without_origin.status, 200);
}

#[test]
fn an_origin_with_a_path_is_refused_at_startup() {
    let mut command = crate::support::app::program();
    let output = command
        .args(["serve", "--cors-origin", "https://a.example/b"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("without a path"));
}

/// A preflight request of a page of the named origin.
fn preflight_for(app: &TestApp, origin: &str, method: &str, headers: Option<&str>) -> crate::support::Answer {
    let mut sent = vec![("Origin", origin), ("Access-Control-Request-Method", method)];
    sent.extend(headers.map(|headers| ("Access-Control-Request-Headers", headers)));
    app.server.send("OPTIONS", SEARCH, &sent)
}

#[test]
fn a_page_of_an_allowed_origin_may_send_the_headers_of_tracing_libraries() {
    for origins in [CRM, "*"] {
        let app = TestApp::start_with(&["--cors-origin", origins]);
        for headers in [
            "traceparent",
            "tracestate,traceparent,x-api-key",
            "baggage,sentry-trace,x-api-key",
            "content-type,x-request-id",
        ] {
            let allowed = preflight_for(&app, CRM, "GET", Some(headers));
            assert_eq!(allowed.status, 200, "{headers}");
            let listed = allowed.header("access-control-allow-headers").unwrap().to_lowercase();
            for header in headers.split(',') {
                assert!(listed.contains(header), "{header} in {listed}");
            }
        }
    }
}

#[test]
fn a_refused_preflight_names_what_was_refused() {
    let app = TestApp::start_with(&["--cors-origin", CRM]);
    let refused = |target: &str, origin: &str, method: &str, headers: Option<&str>| {
        let mut sent = vec![("Origin", origin), ("Access-Control-Request-Method", method)];
        sent.extend(headers.map(|headers| ("Access-Control-Request-Headers", headers)));
        let answer = app.server.send("OPTIONS", target, &sent);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        answer.body
    };
    let origin = refused(SEARCH, "https://evil.example.com", "GET", Some("x-api-key"));
    assert!(
        origin.contains("Pages of this origin") && origin.contains("--cors-origin"),
        "{origin}"
    );
    let method = refused(SEARCH, CRM, "PUT", None);
    assert!(
        method.contains("method in Access-Control-Request-Method")
            && method.contains("GET, HEAD, POST, PATCH, DELETE")
            && !method.contains("origin may not"),
        "{method}"
    );
    for headers in ["x-secret-header", "x-api-key,x-secret-header", "x secret", ""] {
        let header = refused(SEARCH, CRM, "GET", Some(headers));
        assert!(
            header.contains("header in Access-Control-Request-Headers")
                && header.contains("X-API-Key")
                && header.contains("traceparent")
                && !header.contains("secret")
                && !header.contains("origin may not"),
            "{header}"
        );
    }
    let spanish = refused("/api/v1/contact-lookup/", CRM, "GET", Some("x-secret-header"));
    assert!(
        spanish.contains("header de Access-Control-Request-Headers"),
        "{spanish}"
    );
}
