//! The caller's address in the access log.

use crate::support::TestApp;

fn logged_address(app: &TestApp, forwarded: &str) -> String {
    let id = format!("id-{}", forwarded.len());
    let headers = [("X-Request-Id", &*id), ("X-Forwarded-For", forwarded)];
    assert_eq!(app.server.send("GET", "/openapi.json", &headers).status, 200);
    let line = |log: &str| {
        log.lines()
            .find(|line| line.contains(&format!("request_id={id}")))
            .map(str::to_owned)
    };
    let line = line(&app.server.wait_for_log(|log| line(log).is_some())).unwrap();
    let (_, rest) = line.split_once("from=").expect("the line has an address");
    rest.split(' ').next().unwrap().to_owned()
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let app = TestApp::start();
    assert_eq!(logged_address(&app, "203.0.113.9"), "127.0.0.1");
    let app = TestApp::start_with(&["--trusted-proxy", "10.0.0.0/8,127.0.0.1"]);
    assert_eq!(logged_address(&app, "203.0.113.9"), "203.0.113.9");
    assert_eq!(
        logged_address(&app, "198.51.100.1, 203.0.113.9, 10.1.2.3"),
        "203.0.113.9"
    );
    assert_eq!(logged_address(&app, "somebody@example.com"), "127.0.0.1");
}
