//! The API reference in a real browser. The tests are in `tests/pages/reference.test.mjs`, because they drive Chromium
//! with playwright. This file starts the server that they use.

use std::path::Path;
use std::process::Command;

use crate::support::TestApp;

/// The fewest tests that a run must have passed.
const TESTS_MIN: usize = 10;

#[test]
fn the_api_reference_works_in_a_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    assert!(
        folder.join("node_modules").exists(),
        "the packages of tests/pages are missing: script/test installs them"
    );
    let app = TestApp::start();
    let output = Command::new("node")
        .args(["--test-reporter=tap", "reference.test.mjs"])
        .current_dir(folder)
        .env("SERVER", format!("http://{}", app.server.address()))
        .env("KEY", &app.key)
        .output()
        .expect("node can be started: script/test installs it");
    let report = String::from_utf8_lossy(&output.stdout);
    let faults = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}{faults}");
    let passed = report.lines().find_map(|line| line.strip_prefix("# pass "));
    let passed: usize = passed.expect("a report").parse().expect("a number");
    assert!(passed >= TESTS_MIN, "{report}{faults}");
}
