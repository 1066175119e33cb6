//! Answers that are read slowly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use serde_json::json;

use crate::support::{Contact, TestApp};

/// A connection whose receive buffer is small, so that the server notices how slowly its answer is read.
fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server accepts");
    setsockopt(&stream, sockopt::RcvBuf, &8_192).unwrap();
    stream
}

/// A server whose answer to the returned request has almost a megabyte.
fn start() -> (TestApp, Vec<u8>) {
    let app = TestApp::start();
    let name = "Ana".repeat(160);
    for number in 0..10 {
        app.add(Contact {
            name: Some(&name),
            phone: Some(&format!("+54911{}", 70_000_000 + number)),
            ..Contact::default()
        });
    }
    let phones: Vec<String> = (0..1_000)
        .map(|number| format!("+54911{}", 70_000_000 + number % 10))
        .collect();
    let body = json!({ "phones": phones }).to_string();
    let head = format!(
        "POST /api/v1/contact-lookup/batch HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\nContent-Length: {}\r\n\r\n",
        app.key,
        body.len()
    );
    (app, [head.as_bytes(), body.as_bytes()].concat())
}

#[test]
fn an_answer_that_is_read_slowly_but_steadily_arrives_whole() {
    const BYTES_PER_SECOND: usize = 50_000;
    let (app, request) = start();
    // The second caller asks the server to close the connection after the answer.
    let close = String::from_utf8(request.clone())
        .unwrap()
        .replacen("\r\n", "\r\nConnection: close\r\n", 1);
    thread::scope(|scope| {
        for request in [request, close.into_bytes()] {
            let address = app.server.address();
            scope.spawn(move || {
                let mut stream = connect(address);
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                stream.write_all(&request).unwrap();
                let start = Instant::now();
                let (mut answer, mut expected) = (Vec::new(), None);
                while expected.is_none_or(|expected| answer.len() < expected) {
                    let mut bytes = [0; 4_096];
                    let count = stream.read(&mut bytes).expect("the answer goes on");
                    assert_ne!(
                        count,
                        0,
                        "cut off after {} bytes and {:?}",
                        answer.len(),
                        start.elapsed()
                    );
                    answer.extend_from_slice(&bytes[..count]);
                    if expected.is_none()
                        && let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n")
                    {
                        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
                        assert!(head.starts_with("http/1.1 200"), "{head}");
                        let (_, length) = head.split_once("content-length: ").expect("a length");
                        let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                        assert!(length > 15 * BYTES_PER_SECOND, "the answer is too short: {length}");
                        expected = Some(end + 4 + length);
                    }
                    let due = Duration::from_secs_f64(answer.len() as f64 / BYTES_PER_SECOND as f64);
                    thread::sleep(due.saturating_sub(start.elapsed()));
                }
                assert!(start.elapsed() > Duration::from_secs(15));
            });
        }
    });
}

#[test]
fn a_reader_that_stops_is_cut_off_and_holds_no_memory_for_ever() {
    let (app, request) = start();
    let mut stream = connect(app.server.address());
    stream.write_all(&request).unwrap();
    stream.read_exact(&mut [0; 4_096]).unwrap();
    let start = Instant::now();
    loop {
        // The client notices without reading that the server has reset the connection.
        if let Some(error) = stream.take_error().unwrap() {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(40),
            "the connection is never closed"
        );
        thread::sleep(Duration::from_millis(100));
    }
    assert!(start.elapsed() > Duration::from_secs(15), "{:?}", start.elapsed());
}
