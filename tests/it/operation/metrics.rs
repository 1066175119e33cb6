//! Metrics: the counters, and the addresses that serve them.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::contact_api::{UPSERT, batch};
use crate::support::messages::{post, statuses};
use crate::support::metrics::{metrics, metrics_in, start_with, value};
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
            .starts_with("text/plain; version=0.0.4")
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
    for canary in ["5491123456789", "ana", &app.key] {
        assert!(!text.contains(canary), "{canary}");
    }

    app.database.set_available(false);
    wait_until(PATIENCE, "the server is still ready", || {
        app.server.get("/readyz", None).status == 503
    });
    assert_eq!(app.get("/api/v1/contact-lookup/?phone=123").status, 503);
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

#[test]
fn counters_and_histograms_are_zero_before_the_first_event() {
    let app = start();
    let text = metrics(&app).body;
    for (name, label, values) in [
        (
            "failures",
            "reason",
            &["busy", "no_database", "read_only", "schema", "too_late", "internal"][..],
        ),
        ("searches", "plan", &["whole_walk", "walk", "grams", "whole_number"]),
        ("lookups", "statement", &["own", "joint"]),
        ("key_readings", "from", &["memory", "database"]),
        ("kept_phones", "write", &["upsert", "batch", "message"]),
    ] {
        for label_value in values {
            let line = format!(r#"contact_search_{name}_total{{{label}="{label_value}"}}"#);
            assert_eq!(value(&text, &line), Some(0.0), "{line} in\n{text}");
        }
    }
    for (route, method, status) in [
        ("/webhooks/whatsapp/{token}", "POST", 401),
        ("/api/v1/contact-lookup/", "GET", 200),
        ("/api/v1/contact-lookup/", "GET", 503),
        ("/api/public/contacts/search", "GET", 429),
    ] {
        let line = format!(r#"contact_search_requests_total{{route="{route}",method="{method}",status="{status}"}}"#);
        assert_eq!(value(&text, &line), Some(0.0), "{line} in\n{text}");
    }
    let line = r#"contact_search_request_duration_seconds_count{route="/api/v1/messages/"}"#;
    assert_eq!(value(&text, line), Some(0.0));
}

#[test]
fn a_write_whose_phone_is_not_stored_is_counted_by_its_kind() {
    let app = start();
    let upsert = |phone: &str| {
        let body = json!({"channel": "sms", "contact_phone_number": phone, "external_user_id": "7"});
        assert_eq!(app.send("POST", UPSERT, &body).status, 200);
    };
    upsert("+5491123456789");
    let kept = |write: &str| {
        let line = format!(r#"contact_search_kept_phones_total{{write="{write}"}}"#);
        value(&metrics(&app).body, &line).unwrap()
    };
    upsert("5,49112E+12");
    upsert("+5491123456789");
    assert_eq!(kept("upsert"), 1.0);
    let item = |phone: &str| json!({"platform": "sms", "phone": phone, "externalUserId": "7"});
    batch(&app, json!([item("0"), item("+5491123456789"), item("4555000")]));
    assert_eq!(kept("batch"), 2.0);
    let message = |phone: &str, create_missing: bool| {
        let mut message = item(phone);
        message["direction"] = json!("inbound");
        message["sentAt"] = json!("2025-03-28T14:22:00Z");
        message["createMissing"] = json!(create_missing);
        message
    };
    // Without `createMissing` a message never changes a phone.
    let sent = [message("0", true), message("4555000", true), message("0", false)];
    assert_eq!(statuses(&app, &sent), ["updated", "unchanged", "unchanged"]);
    assert_eq!(kept("message"), 2.0);
    // A single message that arrives while others of its client wait is recorded together with them.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| while post(&app, &app.key, &message("0", true)).status != 200 {});
        }
    });
    assert_eq!(kept("message"), 10.0);
    assert_eq!((kept("upsert"), kept("batch")), (1.0, 2.0));
}

#[test]
fn every_series_is_documented() {
    let app = start();
    let documented = include_str!("../../../docs/metrics.md");
    for line in metrics(&app).body.lines() {
        if let Some(series) = line.strip_prefix("# TYPE ") {
            let name = series.split(' ').next().unwrap();
            assert!(
                documented.contains(&format!("`{name}`")),
                "docs/metrics.md names no {name}"
            );
        }
    }
}

#[test]
fn the_program_and_its_process_have_the_standard_metrics() {
    let app = start();
    let text = metrics(&app).body;
    let build = format!(
        r#"contact_search_build_info{{version="{}"}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(value(&text, &build), Some(1.0), "{text}");
    if cfg!(target_os = "linux") {
        let read = |name: &str| value(&text, name).unwrap_or_else(|| panic!("{name} in\n{text}"));
        assert!((0.0..600.0).contains(&read("process_cpu_seconds_total")));
        let resident = read("process_resident_memory_bytes");
        assert!(resident > 1e6 && resident < read("process_virtual_memory_bytes"));
        let open = read("process_open_fds");
        assert!(open > 5.0 && open < read("process_max_fds"), "{open}");
        let age = chrono::Utc::now().timestamp() as f64 - read("process_start_time_seconds");
        assert!((-5.0..600.0).contains(&age), "{age} s");
    }
}

#[test]
fn accept_decides_between_the_text_formats() {
    let app = start();
    let prometheus = metrics(&app);
    let typed = |answer: &crate::support::Answer| answer.header("content-type").unwrap().to_owned();
    assert_eq!(typed(&prometheus), "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        prometheus
            .body
            .contains("# TYPE contact_search_failures_total counter\n")
    );
    assert!(prometheus.body.contains("# TYPE process_resident_memory_bytes gauge\n") || !cfg!(target_os = "linux"));
    assert!(!prometheus.body.contains("# EOF") && !prometheus.body.contains("# UNIT"));

    let open_metrics = metrics_in(
        &app,
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    );
    assert_eq!(
        typed(&open_metrics),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(open_metrics.body.contains("# TYPE contact_search_failures counter\n"));
    assert!(open_metrics.body.ends_with("# EOF\n"));
    assert_eq!(typed(&metrics_in(&app, "text/plain;version=0.0.4")), typed(&prometheus));
    // Both formats have the same series.
    let series = |text: &str| {
        let names = text.lines().filter(|line| !line.starts_with('#'));
        names
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(series(&prometheus.body), series(&open_metrics.body));
}
