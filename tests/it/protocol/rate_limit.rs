//! Rate limits: how many requests a key may make, and the headers that report it.

use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use contact_search::domain::rate_limit::RateLimit;
use contact_search::store::keys;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::app::{Answer, Server, add_key, program};
use crate::support::command::{run, run_on, stdout};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=123";
const SEARCH: &str = "/api/public/contacts/search?email=a";

/// The rate limit headers of an answer: the policy, and the number of remaining requests.
fn limit_headers(answer: &Answer) -> Option<(&str, u32)> {
    let (left, seconds) = answer
        .header("ratelimit")?
        .strip_prefix("\"default\";r=")
        .and_then(|text| text.split_once(";t="))
        .unwrap_or_else(|| panic!("no structured field: {answer:?}"));
    let seconds: u64 = seconds.parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{answer:?}");
    if answer.status == 429 {
        assert_eq!(answer.header("retry-after"), Some(seconds.to_string().as_str()));
    }
    Some((answer.header("ratelimit-policy")?, left.parse().expect("a number")))
}

fn id_of(app: &TestApp, key: &str) -> Uuid {
    let list = stdout(run_on(&app.database, &["key", "list"]));
    let line = list.lines().find(|line| line.contains(&key[key.len() - 4..]));
    line.expect("the key's line")[..36].parse().expect("an id")
}

#[test]
fn a_key_over_its_limit_is_429_with_the_time_to_retry_in_each_error_shape() {
    // The next request becomes available only after twenty seconds.
    let app = TestApp::start_with(&["--rate-limit", "3"]);
    let policy = "\"default\";q=3;w=60";
    assert_eq!(limit_headers(&app.get(LOOKUP)), Some((policy, 2)));
    let invalid = app.get("/api/v1/contact-lookup/");
    assert_eq!((invalid.status, limit_headers(&invalid)), (400, Some((policy, 1))));
    let head = app.server.send("HEAD", SEARCH, &[("X-API-Key", &app.key)]);
    assert_eq!((head.status, limit_headers(&head)), (200, Some((policy, 0))));

    let lookup = app.get(LOOKUP);
    assert_eq!((lookup.status, limit_headers(&lookup)), (429, Some((policy, 0))));
    let seconds = lookup.header("retry-after").expect("the answer has retry-after");
    assert_eq!(
        lookup.json(),
        json!({ "error": format!("API Key supero su limite de solicitudes. Reintente en {seconds} s") })
    );
    let message = |answer: &Answer| {
        let seconds = answer.header("retry-after").expect("the answer has retry-after");
        format!("This API key has made more requests than its limit allows. Try again in {seconds} s.")
    };
    let search = app.get(SEARCH);
    assert_eq!((search.status, limit_headers(&search)), (429, Some((policy, 0))));
    assert_eq!(
        search.json(),
        json!({ "statusCode": 429, "message": message(&search), "error": "Too Many Requests" })
    );
    let write = app.send("POST", "/api/v1/messages/", &json!([]));
    assert_eq!(write.header("content-type"), Some("application/problem+json"));
    assert_eq!(
        write.json(),
        json!({
            "type": "/errors#rate-limit-exceeded", "title": "Too Many Requests", "status": 429,
            "detail": message(&write), "code": "rate-limit-exceeded",
        })
    );
    assert_eq!(
        app.get("/api/v1/contact-lookup/").status,
        429,
        "the limit is checked before the query"
    );

    // Another key has a limit of its own.
    let other = add_key(&mut app.database.connect(), app.client, &Scope::ALL, None);
    assert_eq!(limit_headers(&app.server.get(LOOKUP, Some(&other))), Some((policy, 2)));
}

#[test]
fn key_and_scope_are_checked_before_the_limit() {
    let app = TestApp::start_with(&["--rate-limit", "1"]);
    let key = add_key(&mut app.database.connect(), app.client, &[Scope::Lookup], None);
    for (target, key, expected) in [
        (SEARCH, Some(key.as_str()), 403),
        (LOOKUP, Some(&key), 200),
        (LOOKUP, Some(&key), 429),
        (SEARCH, Some(&key), 403),
    ] {
        let answer = app.server.get(target, key);
        assert_eq!(answer.status, expected, "{answer:?}");
        assert_eq!(limit_headers(&answer).is_some(), expected != 403);
    }
    for _ in 0..5 {
        for key in [None, Some("mindo_000000000000000000000000")] {
            let answer = app.server.get(LOOKUP, key);
            assert_eq!((answer.status, limit_headers(&answer)), (401, None));
        }
        assert_eq!(app.server.get("/readyz", None).status, 200);
    }
}

#[test]
fn a_keys_own_limit_overrides_the_servers_and_a_change_soon_takes_effect() {
    let app = TestApp::start_with(&["--rate-limit", "1"]);
    assert_eq!(app.get(LOOKUP).status, 200);
    let mut connection = app.database.connect();
    let id = id_of(&app, &app.key);
    let mut expect_soon = |limit: &str, has_effect: &dyn Fn(Answer) -> bool| {
        let limit: RateLimit = limit.parse().unwrap();
        assert!(keys::limit_key(&mut connection, id, limit).unwrap());
        let start = Instant::now();
        while !has_effect(app.get(LOOKUP)) {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "the limit {limit} does not take effect"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    assert_eq!(app.get(LOOKUP).status, 429);
    expect_soon("none", &|answer| {
        answer.status == 200 && limit_headers(&answer).is_none()
    });
    expect_soon("100000", &|answer| {
        limit_headers(&answer).is_some_and(|(policy, _)| policy.contains(";q=100000;"))
    });
    expect_soon("default", &|answer| {
        limit_headers(&answer).is_some_and(|(policy, _)| policy.contains(";q=1;"))
    });
}

#[test]
fn keys_can_be_created_and_imported_with_a_limit() {
    let app = TestApp::start();
    assert_eq!(limit_headers(&app.get(LOOKUP)), None, "there is no limit by default");
    let database = &app.database;
    let created = stdout(run_on(
        database,
        &["key", "create", "--client", "Test", "--rate-limit", "7"],
    ));
    let created = created.trim_end();
    assert_eq!(
        limit_headers(&app.server.get(LOOKUP, Some(created))),
        Some(("\"default\";q=7;w=60", 6))
    );
    let imported = "live_9f8e7d6c5b4a39281706";
    let mut command = program();
    command
        .args(["key", "import", "--client", "Test", "--rate-limit", "9"])
        .env("DATABASE_URL", database.url());
    stdout(run(command, imported));
    assert_eq!(
        limit_headers(&app.server.get(LOOKUP, Some(imported))),
        Some(("\"default\";q=9;w=60", 8))
    );
    let unlimited = stdout(run_on(
        database,
        &["key", "create", "--client", "Test", "--rate-limit", "none"],
    ));

    let mut command = program();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()])
        .env("CONTACT_SEARCH_RATE_LIMIT", "5");
    let limited = Server::start(command);
    let remaining_of = |key: &str| {
        let answer = limited.get(LOOKUP, Some(key.trim_end()));
        limit_headers(&answer).map(|(_, left)| left)
    };
    assert_eq!(
        [&app.key, created, &unlimited].map(remaining_of),
        [Some(4), Some(6), None]
    );
}
