//! Slow, idle, and many connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::app::REAL_DEADLINES;
use crate::support::{PATIENCE, TestApp};

fn connect(app: &TestApp) -> TcpStream {
    let stream = TcpStream::connect(app.server.address()).expect("the server accepts");
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends one byte of `bytes` every 100 ms until the server closes the connection. The bytes never complete a request.
/// Returns the server's answer and the time until the close.
fn dribble(mut stream: TcpStream, bytes: &[u8]) -> (String, Duration) {
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let start = Instant::now();
    let mut answer = Vec::new();
    for byte in bytes.iter().cycle() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the connection is never closed"
        );
        let mut received = [0; 4096];
        match stream.write_all(&[*byte]).and_then(|()| stream.read(&mut received)) {
            Ok(count @ 1..) => answer.extend_from_slice(&received[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => break,
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), start.elapsed())
}

#[test]
fn a_connection_with_a_slow_request_head_is_closed() {
    let app = TestApp::start();
    let mut stream = connect(&app);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").unwrap();
    let (answer, took) = dribble(stream, b"a");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(took < Duration::from_secs(7), "{took:?}");
}

#[test]
fn a_kept_connection_with_a_slow_second_head_is_closed() {
    let app = TestApp::start();
    let mut stream = connect(&app);
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    let mut received = [0; 4096];
    let count = stream.read(&mut received).unwrap();
    assert!(received[..count].starts_with(b"HTTP/1.1 200"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").unwrap();
    let (answer, took) = dribble(stream, b"a");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // A connection has 8 s between requests. The server closes it at most a second later. It must not close the
    // connection at once, because a client may take a moment for its next request.
    assert!((5..12).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn a_connection_with_a_slow_request_body_is_closed() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let mut stream = connect(&app);
    let head = format!(
        "POST /api/v1/messages/ HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n",
        app.key
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (answer, took) = dribble(stream, b" ");
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn two_thousand_idle_connections_do_not_block_other_requests() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most.min(65_536), most).unwrap();
    let app = TestApp::start();
    let is_open = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let peeked = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    // On a busy machine the server closes the first connections while the last are being opened.
    let mut idle: Vec<TcpStream> = Vec::new();
    let start = Instant::now();
    while idle.len() < 2_000 {
        assert!(
            start.elapsed() < PATIENCE,
            "at most {} connections were open at once",
            idle.len()
        );
        let missing = 2_000 - idle.len();
        std::thread::scope(|scope| {
            let open = || (0..missing.div_ceil(4)).map(|_| connect(&app)).collect::<Vec<_>>();
            let threads = [(); 4].map(|()| scope.spawn(open));
            idle.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
        });
        idle.retain(is_open);
    }
    for _ in 0..5 {
        assert_eq!(app.get("/api/public/contacts/search?email=a").status, 200);
    }
    assert!(
        idle.iter().any(is_open),
        "all idle connections were closed before the requests"
    );
    // Finally each is closed, after a 408 or without an answer.
    for mut stream in idle {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"));
    }
}

#[test]
fn requests_that_arrive_while_the_server_is_busy_get_neither_408_nor_a_reset() {
    let app = TestApp::start();
    let ask = |stream: &mut TcpStream, target: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\n\r\n", app.key);
        stream.write_all(head.as_bytes()).expect("the connection is open");
    };
    let read = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = [0; 4096];
        let count = stream.read(&mut answer).expect("the connection is not reset");
        String::from_utf8_lossy(&answer[..count]).into_owned()
    };
    let mut fresh: Vec<TcpStream> = (0..20).map(|_| connect(&app)).collect();
    let mut kept: Vec<TcpStream> = (0..20).map(|_| connect(&app)).collect();
    for stream in &mut kept {
        ask(stream, "/healthz");
        assert!(read(stream).starts_with("HTTP/1.1 200"));
    }
    // The workers have seen the connections. Then the whole process is suspended for ten seconds, which is longer than
    // a connection may be without a request.
    std::thread::sleep(Duration::from_millis(300));
    let server = Pid::from_raw(i32::try_from(app.server.pid()).unwrap());
    kill(server, Signal::SIGSTOP).unwrap();
    for (number, stream) in fresh.iter_mut().chain(&mut kept).enumerate() {
        let target = ["/healthz", "/api/v1/contact-lookup/?phone=123"][number % 2];
        ask(stream, target);
    }
    std::thread::sleep(Duration::from_secs(10));
    kill(server, Signal::SIGCONT).unwrap();
    for stream in fresh.iter_mut().chain(&mut kept) {
        let answer = read(stream);
        let is_shed = answer.starts_with("HTTP/1.1 503") && answer.contains("\r\nretry-after: 1\r\n");
        assert!(answer.starts_with("HTTP/1.1 200") || is_shed, "{answer}");
    }
}
