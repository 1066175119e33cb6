//! The key of the demo: only the page of the demo's own server gets it, on the same machine.

use crate::support::app::{Answer, Server};
use crate::support::command::private;
use crate::support::{OwnDirectory, TestApp};

fn demo(directory: &OwnDirectory, arguments: &[&str]) -> Server {
    let all = [&["serve"], arguments].concat();
    Server::start(private(directory, &all))
}

fn key_of(directory: &OwnDirectory) -> String {
    let key = std::fs::read_to_string(directory.path().join("demo-key")).expect("the demo has a key");
    key.trim().to_owned()
}

/// Sends the request of the page with these headers, exactly as given.
fn ask(server: &Server, headers: &[(&str, &str)]) -> Answer {
    ask_with(server, "POST /page/demo-key HTTP/1.1", headers)
}

fn ask_with(server: &Server, line: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    server.send_raw(format!("{line}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
}

#[test]
fn only_the_page_of_the_demo_on_this_machine_gets_the_key() {
    let directory = OwnDirectory::with_database();
    let server = demo(&directory, &["--listen", "127.0.0.1:0", "--cors-origin", "*"]);
    let key = key_of(&directory);
    let port = server.address().rsplit(':').next().unwrap();
    let at = |host: &str| (format!("{host}:{port}"), format!("http://{host}:{port}"));
    assert!(
        server
            .get("/", None)
            .body
            .contains("<meta name=\"demo\" content=\"yes\">")
    );

    for host in ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.9", "[::1]"] {
        let (host, origin) = at(host);
        for site in [Some("same-origin"), None] {
            let mut headers = vec![("Host", host.as_str()), ("Origin", origin.as_str())];
            headers.extend(site.map(|site| ("Sec-Fetch-Site", site)));
            let answer = ask(&server, &headers);
            assert_eq!(
                (answer.status, answer.json()["key"].as_str()),
                (200, Some(key.as_str())),
                "{host}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let found = server.get("/api/public/contacts/search?email=john", answer.json()["key"].as_str());
            assert_eq!(found.status, 200);
        }
    }

    let (host, origin) = at("127.0.0.1");
    let own = [("Host", host.as_str()), ("Origin", origin.as_str())];
    let with = |more: &[(&'static str, &'static str)]| {
        let headers: Vec<(&str, &str)> = own.iter().copied().chain(more.iter().copied()).collect();
        ask(&server, &headers)
    };
    let renamed = |name: &str| {
        let (host, origin) = at(name);
        ask(&server, &[("Host", &host), ("Origin", &origin)])
    };
    let refusals = [
        ("a name that resolves to this machine", renamed("evil.example")),
        ("a name that begins like an address", renamed("127.0.0.1.evil.example")),
        ("a name below localhost", renamed("evil.localhost")),
        ("an address of the network", renamed("192.168.0.10")),
        ("the address of all interfaces", renamed("0.0.0.0")),
        ("no host", ask(&server, &own[1..])),
        ("an empty host", ask(&server, &[("Host", ""), own[1]])),
        ("two hosts", ask(&server, &[own[0], own[0], own[1]])),
        ("no origin", ask(&server, &own[..1])),
        ("an opaque origin", ask(&server, &[own[0], ("Origin", "null")])),
        (
            "an origin of another name",
            ask(&server, &[own[0], ("Origin", "http://evil.example")]),
        ),
        (
            "an origin of another port",
            ask(&server, &[own[0], ("Origin", "http://127.0.0.1:1")]),
        ),
        (
            "an origin of another scheme",
            ask(&server, &[own[0], ("Origin", &origin.replace("http", "https"))]),
        ),
        (
            "an origin of the other name of this machine",
            ask(&server, &[own[0], ("Origin", &at("localhost").1)]),
        ),
        ("two origins", ask(&server, &[own[0], own[1], own[1]])),
        ("another site", with(&[("Sec-Fetch-Site", "cross-site")])),
        ("another port of this site", with(&[("Sec-Fetch-Site", "same-site")])),
        ("an address that a user typed", with(&[("Sec-Fetch-Site", "none")])),
        ("X-Forwarded-For", with(&[("X-Forwarded-For", "127.0.0.1")])),
        ("an empty X-Forwarded-For", with(&[("X-Forwarded-For", "")])),
        ("X-Forwarded-Host", with(&[("X-Forwarded-Host", "localhost")])),
        ("X-Forwarded-Proto", with(&[("X-Forwarded-Proto", "https")])),
        ("Forwarded", with(&[("Forwarded", "for=127.0.0.1")])),
        ("Via", with(&[("Via", "1.1 proxy")])),
        ("X-Real-IP", with(&[("X-Real-IP", "127.0.0.1")])),
        ("HTTP/1.0", ask_with(&server, "POST /page/demo-key HTTP/1.0", &own)),
        (
            "a target with a host",
            ask_with(&server, "POST http://evil.example/page/demo-key HTTP/1.1", &own),
        ),
        ("GET", ask_with(&server, "GET /page/demo-key HTTP/1.1", &own)),
        (
            "a preflight request",
            ask_with(&server, "OPTIONS /page/demo-key HTTP/1.1", &own),
        ),
    ];
    for (reason, answer) in refusals {
        assert!(matches!(answer.status, 400..=405), "{reason}: {answer:?}");
        assert!(!answer.body.contains(&key), "{reason}");
    }
    assert_eq!(
        ask(&server, &own).status,
        200,
        "the same request without a fault succeeds"
    );
    assert!(!server.log.lock().unwrap().contains(&key));
}

#[test]
fn a_server_that_other_machines_can_reach_gives_its_demo_key_to_no_page() {
    let directory = OwnDirectory::with_database();
    let server = demo(&directory, &["--listen", "0.0.0.0:0"]);
    let port = server.address().rsplit(':').next().unwrap();
    let reached = format!("127.0.0.1:{port}");
    let headers = [("Host", reached.as_str()), ("Origin", &format!("http://{reached}"))];
    assert_eq!(ask(&server, &headers).status, 404);
    assert!(
        server
            .get("/", None)
            .body
            .contains("<meta name=\"demo\" content=\"no\">")
    );
}

#[test]
fn a_server_without_a_demo_has_no_key_to_give() {
    let app = TestApp::start();
    let host = app.server.address();
    let headers = [("Host", host), ("Origin", &format!("http://{host}"))];
    let answer = ask(&app.server, &headers);
    assert_eq!(
        (answer.status, answer.header("x-error-code")),
        (404, Some("path-unknown"))
    );
    assert!(
        app.server
            .get("/", None)
            .body
            .contains("<meta name=\"demo\" content=\"no\">")
    );

    let directory = OwnDirectory::with_database();
    let server = demo(&directory, &["--listen", "127.0.0.1:0", "--no-page"]);
    let host = server.address();
    let headers = [("Host", host), ("Origin", &format!("http://{host}"))];
    assert_eq!(ask(&server, &headers).status, 404);
}
