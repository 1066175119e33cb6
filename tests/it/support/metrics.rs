//! The metrics of a server.

use super::app::{Answer, Server, TestApp};
use super::{PATIENCE, wait_until};

/// Reads the metrics from their own address.
pub fn metrics(app: &TestApp) -> Answer {
    metrics_of(&app.server)
}

/// Reads the metrics of a server from their own address.
pub fn metrics_of(server: &Server) -> Answer {
    read(server, &[])
}

/// Reads the metrics in a format that `accept` names.
pub fn metrics_in(app: &TestApp, accept: &str) -> Answer {
    read(&app.server, &[("Accept", accept)])
}

fn read(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let output = server.output.lock().unwrap().clone();
    let (_, rest) = output
        .split_once("Metrics are at http://")
        .expect("the address is printed");
    let (address, path) = rest.lines().next().unwrap().split_once('/').unwrap();
    server.get_at(address, &format!("/{path}"), headers)
}

/// Starts a server that serves metrics, with further arguments.
pub fn start_with(arguments: &[&str]) -> TestApp {
    let app = TestApp::start_with(&[&["--metrics-listen", "0"], arguments].concat());
    wait_for_address(&app.server);
    app
}

/// Waits until the server prints the address of its metrics.
pub fn wait_for_address(server: &Server) {
    wait_until(PATIENCE, "the address of the metrics is not printed", || {
        server.output.lock().unwrap().contains("Metrics are at")
    });
}

/// The value of the metric whose line starts with `start`.
pub fn value(text: &str, start: &str) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.strip_prefix(start).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}
