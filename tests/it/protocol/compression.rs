//! Compression of large answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use flate2::read::GzDecoder;

use crate::support::{Answer, PATIENCE, TestApp};

const SEARCH: &str = "/api/public/contacts/search?email=example";
const RECENT: &str = "/api/public/contacts?days=7";

/// A server with contacts for answers of every size.
fn start(arguments: &[&str]) -> TestApp {
    let app = TestApp::start_with(arguments);
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, email, phone, phone_key, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Ana Peña ' || n, n || '@example.com',
                '+5411' || 23450000 + n, '5411' || 23450000 + n, now() - n * interval '1 minute'
         FROM generate_series(1, 1000) AS n",
        app.client
    ));
    app
}

fn get(app: &TestApp, target: &str, accept_encoding: Option<&str>) -> Answer {
    let mut headers = vec![("X-API-Key", app.key.as_str())];
    headers.extend(accept_encoding.map(|codings| ("Accept-Encoding", codings)));
    app.server.send("GET", target, &headers)
}

/// The answer's body without its compression.
fn decoded(answer: &Answer) -> String {
    let mut text = String::new();
    match answer.header("content-encoding") {
        None => return answer.body.clone(),
        Some("gzip") => GzDecoder::new(&*answer.bytes).read_to_string(&mut text),
        Some("br") => brotli::Decompressor::new(&*answer.bytes, 4096).read_to_string(&mut text),
        Some(other) => panic!("{other}"),
    }
    .expect("the compression is valid");
    text
}

#[test]
fn a_large_answer_is_compressed_by_the_coding_that_the_caller_prefers() {
    let app = start(&[]);
    // The search's answer is compressed on the worker's thread. The others are compressed off it.
    for target in [SEARCH, RECENT, "/openapi.json", "/errors"] {
        let plain = get(&app, target, None);
        assert!(plain.bytes.len() > 5_000, "{target}");
        for (accepted, coding) in [
            ("gzip", Some("gzip")),
            ("br", Some("br")),
            ("GZIP", Some("gzip")),
            ("gzip, deflate, br, zstd", Some("gzip")),
            ("br;q=1.0, gzip;q=0.8", Some("br")),
            ("identity, gzip;q=0.5", None),
            ("br;q=0.1, gzip;q=1.0", Some("gzip")),
            ("gzip;q=0, br;q=0", None),
            ("deflate, zstd", None),
            ("identity", None),
            ("identity;q=0", None),
            ("*", None),
            ("", None),
            ("é;;q=x,", None),
        ] {
            let answer = get(&app, target, Some(accepted));
            assert_eq!(
                (answer.status, answer.header("content-encoding")),
                (200, coding),
                "{target} {accepted}"
            );
            assert_eq!(decoded(&answer), plain.body, "{target} {accepted}");
            let length = answer.header("content-length").map(|length| length.parse().unwrap());
            assert_eq!(length, Some(answer.bytes.len()), "{target} {accepted}");
            let is_small = answer.bytes.len() * 2 < plain.bytes.len();
            assert_eq!(
                is_small,
                coding.is_some(),
                "{target} {accepted}: {}",
                answer.bytes.len()
            );
            assert!(answer.header("x-request-id").is_some());
        }
    }
}

#[test]
fn vary_names_accept_encoding_only_in_large_answers() {
    let app = start(&["--cors-origin", "https://crm.example.com"]);
    for accepted in [None, Some("gzip"), Some("identity")] {
        let large = get(&app, SEARCH, accepted);
        let vary = large.joined_headers("vary").to_lowercase();
        assert_eq!(vary.matches("accept-encoding").count(), 1, "{vary}");
        assert!(vary.contains("origin"), "the values of CORS stay: {vary}");
        let small = get(&app, "/api/v1/contact-lookup/?phone=541123450001", accepted);
        let vary = small.joined_headers("vary").to_lowercase();
        assert!(!vary.contains("accept-encoding"), "{vary}");
    }
}

#[test]
fn an_answer_of_1024_bytes_is_not_compressed_and_one_of_1025_bytes_is() {
    let app = start(&[]);
    // Two contacts: 1 and 1000.
    let target = "/api/public/contacts/search?email=1000@example.com&phone=23450001";
    let with_name = |length: usize| {
        let name = "n".repeat(length);
        app.sql(&format!(
            "UPDATE contacts SET name = '{name}' WHERE email = '1000@example.com'"
        ));
        (get(&app, target, None).bytes.len(), get(&app, target, Some("br")))
    };
    let (size, _) = with_name(1);
    let fill = 1_024 - size + 1;
    assert!(fill <= 512, "{size}");
    let (size, answer) = with_name(fill);
    assert_eq!((size, answer.header("content-encoding")), (1_024, None));
    assert_eq!(answer.header("vary"), None);
    let (size, answer) = with_name(fill + 1);
    assert_eq!((size, answer.header("content-encoding")), (1_025, Some("br")));
}

#[test]
fn small_answers_and_errors_stay_as_they_are() {
    let app = start(&[]);
    for target in [
        "/api/v1/contact-lookup/?phone=541123450001",
        "/api/v1/contact-lookup/?phone=7",
        "/api/v1/contact-lookup/",
        "/api/public/contacts/search?email=nobody",
        "/healthz",
        "/nothing",
    ] {
        let plain = get(&app, target, None);
        let answer = get(&app, target, Some("gzip, br"));
        assert_eq!((answer.status, &answer.bytes), (plain.status, &plain.bytes), "{target}");
        for name in ["content-encoding", "vary", "transfer-encoding"] {
            assert_eq!(answer.header(name), None, "{target}");
        }
    }
}

#[test]
fn head_has_the_headers_of_get_without_a_body_and_the_connection_lives_on() {
    let app = start(&[]);
    let mut stream = BufReader::new(TcpStream::connect(app.server.address()).unwrap());
    stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head_of = |accepted: &str, target: &str| {
        let request = format!(
            "HEAD {target} HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\n{accepted}\r\n",
            app.key
        );
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).unwrap() > 0, "{head}");
        }
        head.to_lowercase()
    };
    // A byte of a body would be read as the beginning of the next answer.
    for _ in 0..2 {
        let compressed = head_of("Accept-Encoding: gzip\r\n", SEARCH);
        assert!(compressed.starts_with("http/1.1 200 ok"), "{compressed}");
        assert!(compressed.contains("content-encoding: gzip") && compressed.contains("vary: accept-encoding"));
        assert!(!compressed.contains("content-length") && !compressed.contains("transfer-encoding"));
        let plain = head_of("", SEARCH);
        let length = get(&app, SEARCH, None).bytes.len();
        assert!(plain.contains(&format!("content-length: {length}\r\n")), "{plain}");
        assert!(!plain.contains("content-encoding") && plain.contains("vary: accept-encoding"));
    }
    let small = head_of("Accept-Encoding: gzip\r\n", "/api/v1/contact-lookup/?phone=7");
    assert!(
        small.contains("content-length: ") && !small.contains("content-encoding"),
        "{small}"
    );
}

#[test]
fn the_log_has_one_line_for_a_compressed_answer() {
    let app = start(&[]);
    let answer = get(&app, RECENT, Some("br"));
    assert_eq!(answer.header("content-encoding"), Some("br"));
    let id = answer.header("x-request-id").unwrap();
    let log = app.server.wait_for_log(|log| log.contains(id));
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(id)).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(
        lines[0].contains("route=/api/public/contacts") && lines[0].contains("status=200"),
        "{log}"
    );
}
