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
        assert!(
            exposed.contains("x-request-id") && exposed.contains("link"),
            "{exposed}"
        );
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
