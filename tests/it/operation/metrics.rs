//! Metrics: the counters, and the addresses that serve them.

use crate::support::app::TestApp;
use crate::support::metrics::{metrics, start_with, value};
use crate::support::{Contact, PATIENCE, wait_until};

fn start() -> TestApp {
    start_with(&[])
}

#[test]
fn requests_searches_keys_and_failures_are_counted() {
    let app = start();
    app.add(Contact {
        phone: Some("+5491123456789"),
        email: Some("ana@example.com"),
        ..Contact::default()
    });
    for _ in 0..3 {
        assert_eq!(app.get("/api/v1/contact-lookup/?phone=%2B5491123456789").status, 200);
    }
    assert_eq!(
        app.get("/api/public/contacts/search?email=ana&phone=5491123456789")
            .status,
        200
    );
    assert_eq!(app.get("/api/public/contacts/search").status, 400);
    assert_eq!(app.server.get("/nothing/of/anybody", None).status, 404);
    assert_eq!(app.server.send("BREW", "/api/v1/contact-lookup/", &[]).status, 405);

    let answer = metrics(&app);
    let text = &answer.body;
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    for (line, count) in [
        (
            r#"contact_search_requests_total{route="/api/v1/contact-lookup/",method="GET",status="200"}"#,
            3.0,
        ),
        (
            r#"contact_search_requests_total{route="/api/v1/contact-lookup/",method="other",status="405"}"#,
            1.0,
        ),
        (
            r#"contact_search_requests_total{route="/api/public/contacts/search",method="GET",status="400"}"#,
            1.0,
        ),
        (
            r#"contact_search_requests_total{route="none",method="GET",status="404"}"#,
            1.0,
        ),
        (
            r#"contact_search_request_duration_seconds_count{route="/api/v1/contact-lookup/"}"#,
            4.0,
        ),
        (r#"contact_search_lookups_total{statement="own"}"#, 3.0),
        (r#"contact_search_searches_total{plan="whole_walk"}"#, 1.0),
        (r#"contact_search_searches_total{plan="whole_number"}"#, 1.0),
        (r#"contact_search_database_connections{lane="reads",state="used"}"#, 0.0),
        (r#"contact_search_permits{lane="reads",state="used"}"#, 0.0),
        ("contact_search_database_up", 1.0),
    ] {
        assert_eq!(value(text, line), Some(count), "{line} in\n{text}");
    }
    let keys =
        |from: &str| value(text, &format!(r#"contact_search_key_readings_total{{from="{from}"}}"#)).unwrap_or(0.0);
    assert_eq!(keys("memory") + keys("database"), 5.0);
    assert!(text.trim_end().ends_with("# EOF"));
    for canary in ["5491123456789", "ana", &app.key] {
        assert!(!text.contains(canary), "{canary}");
    }

    app.database.set_available(false);
    wait_until(PATIENCE, "the server is still ready", || {
        app.server.get("/readyz", None).status == 503
    });
    assert_eq!(app.get("/api/v1/contact-lookup/?phone=1").status, 503);
    let text = metrics(&app).body;
    assert!(
        value(&text, r#"contact_search_failures_total{reason="no_database"}"#) >= Some(1.0),
        "{text}"
    );
    assert_eq!(value(&text, "contact_search_database_up"), Some(0.0));
}

#[test]
fn no_input_of_callers_creates_a_new_series() {
    let app = start();
    let ask = |round: usize| {
        for number in 0..20 {
            app.server.get(&format!("/nothing/{round}/{number}"), None);
            app.get(&format!("/api/public/contact/{round}{number}/info"));
            app.get(&format!("/api/v1/contact-lookup/?phone={round}{number}"));
            app.server.send(&format!("M{round}{number}"), "/healthz", &[]);
        }
    };
    ask(1);
    let series = metrics(&app).body.lines().count();
    ask(2);
    assert_eq!(metrics(&app).body.lines().count(), series);
}

#[test]
fn metrics_are_not_served_at_the_address_of_the_api() {
    let app = start();
    assert_eq!(app.get("/metrics").status, 404);
    let plain = TestApp::start();
    assert_eq!(plain.get("/metrics").status, 404);
    assert!(!plain.server.output.lock().unwrap().contains("Metrics"));
}
