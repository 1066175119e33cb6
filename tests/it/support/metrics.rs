//! The metrics that a server shows.

use super::app::{Answer, TestApp};
use super::{PATIENCE, wait_until};

/// What the server shows at its address for metrics.
pub fn metrics(app: &TestApp) -> Answer {
    let output = app.server.output.lock().unwrap().clone();
    let (_, rest) = output
        .split_once("Metrics are at http://")
        .expect("the address is said");
    let (address, path) = rest.lines().next().unwrap().split_once('/').unwrap();
    app.server.get_at(address, &format!("/{path}"))
}

/// A server with more arguments than that it shows metrics.
pub fn start_with(arguments: &[&str]) -> TestApp {
    let app = TestApp::start_with(&[&["--metrics-listen", "0"], arguments].concat());
    wait_until(PATIENCE, "the address isn't said", || {
        app.server.output.lock().unwrap().contains("Metrics are at")
    });
    app
}

/// The value of the line that begins so.
pub fn value(text: &str, start: &str) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.strip_prefix(start).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}
