//! The search page in a real browser. The tests are in `tests/pages/`, in JavaScript, because they drive Chromium with
//! playwright. This file starts the servers that they use.

use std::path::Path;
use std::process::Command;

use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::domain::rate_limit::RateLimit;
use contact_search::store::keys;
use serde_json::json;

use crate::support::app::{Server, add_key};
use crate::support::command::private;
use crate::support::{OwnDirectory, TestApp};

/// The fewest tests that a run must have passed.
const TESTS_MIN: usize = 80;

/// A key that may make one request per minute.
fn add_limited_key(app: &TestApp) -> String {
    let key = ApiKey::generate(Format::Mindo).expect("random numbers");
    let new = NewKey {
        label: "limited".to_owned(),
        scopes: vec![Scope::Search],
        lifetime: None,
        rate_limit: "1".parse().expect("a limit"),
    };
    assert!(matches!(new.rate_limit, RateLimit::PerMinute(_)));
    keys::add_key(&mut app.database.connect(), app.client, &key, &new).expect("a key can be created");
    key.reveal().to_owned()
}

#[test]
fn the_search_page_works_in_a_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    assert!(
        folder.join("node_modules").exists(),
        "the packages of tests/pages are missing: script/test installs them"
    );
    let app = TestApp::start();
    let add = |scopes: &[Scope]| add_key(&mut app.database.connect(), app.client, scopes, None);
    let broken = TestApp::start();
    broken.database.set_available(false);
    let directory = OwnDirectory::with_database();
    let demo = Server::start(private(&directory, &["serve", "--listen", "127.0.0.1:0"]));
    let demo_key = std::fs::read_to_string(directory.path().join("demo-key")).expect("the demo has a key");
    let address = |server: &Server| format!("http://{}/", server.address());
    let servers = json!({
        "main": address(&app.server),
        "broken": address(&broken.server),
        "demo": address(&demo),
        "key": app.key,
        "lookupKey": add(&[Scope::Lookup]),
        "searchKey": add(&[Scope::Search]),
        "limitedKey": add_limited_key(&app),
        "demoKey": demo_key.trim(),
    });
    let output = Command::new("node")
        .args(["--test-reporter=tap", "main.mjs"])
        .current_dir(folder)
        .env("SERVERS", servers.to_string())
        .output()
        .expect("node can be started: script/test installs it");
    let report = String::from_utf8_lossy(&output.stdout);
    let faults = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}{faults}");
    let passed = report.lines().find_map(|line| line.strip_prefix("# pass "));
    let passed: usize = passed.expect("a report").parse().expect("a number");
    assert!(passed >= TESTS_MIN, "{report}{faults}");
}
