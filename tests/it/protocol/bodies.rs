//! Large bodies, and bodies that never end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::contact_api::UPSERT;
use crate::support::{Contact, PATIENCE, SetOnDrop, Slot, TestApp, wait_until};

const MIB: usize = 1 << 20;

/// The memory of the server's process, in bytes.
#[cfg(target_os = "linux")]
fn memory(app: &TestApp) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.server.pid())).expect("the server runs");
    let (_, rest) = status.split_once("VmRSS:").expect("the resident memory");
    rest.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1_024
}

/// Sends the head of a call with a body of 2 MiB, and almost all of the body.
fn send_without_end(app: &TestApp) -> TcpStream {
    let mut stream = TcpStream::connect(app.server.address()).expect("the server accepts");
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = format!(
        "POST /api/v1/messages/ HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\nContent-Length: {}\r\n\r\n",
        app.key,
        2 * MIB
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The write fails if the server has refused the body.
    let _ = stream.write_all(&vec![b' '; 2 * MIB - 10_000]);
    stream
}

#[cfg(target_os = "linux")]
#[test]
fn bodies_that_never_end_hold_bounded_memory_and_keep_no_small_body_out() {
    let app = TestApp::start();
    let upsert = json!({"channel": "whatsapp", "contact_phone_number": "+56912345678", "contact_name": "Ana"});
    assert_eq!(app.send("POST", UPSERT, &upsert).status, 200);
    let before = memory(&app);
    let streams: Vec<TcpStream> = thread::scope(|scope| {
        let threads: Vec<_> = (0..150).map(|_| scope.spawn(|| send_without_end(&app))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let grown = memory(&app).saturating_sub(before);
    for _ in 0..20 {
        assert_eq!(app.send("POST", UPSERT, &upsert).status, 200);
    }
    let mut refused = 0;
    for mut stream in &streams {
        let mut answer = [0; 4_096];
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        if let Ok(count @ 1..) = stream.read(&mut answer) {
            let answer = String::from_utf8_lossy(&answer[..count]).to_lowercase();
            assert!(
                answer.starts_with("http/1.1 503") && answer.contains("\r\nretry-after: 1\r\n"),
                "{answer}"
            );
            refused += 1;
        }
    }
    println!(
        "{refused} of 150 bodies were refused; the memory grew by {} MiB",
        grown / MIB
    );
    assert!(refused > 50, "{refused}");
    assert!(grown < 100 * MIB, "the memory grew by {} MiB", grown / MIB);
    drop(streams);
    let large = " ".repeat(MIB) + "[]";
    let send = || {
        app.server
            .send_json("POST", "/api/v1/messages/", Some(&app.key), large.as_bytes())
    };
    wait_until(PATIENCE, "large bodies are not accepted again", || send().status == 200);
}

#[test]
fn bodies_of_two_mebibytes_do_not_delay_the_lookups_of_other_callers() {
    let _alone = Slot::take_alone();
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    // The body has one message too many, so that the call ends as soon as the body is parsed.
    let item = json!({"platform": "whatsapp", "phone": "+5491123456789", "other": "x".repeat(2_000)});
    let body = json!(vec![item; 1_001]).to_string();
    let lookups = |count: usize| {
        let mut times: Vec<Duration> = (0..count)
            .map(|_| {
                let start = Instant::now();
                assert_eq!(app.get("/api/v1/contact-lookup/?phone=%2B5491123456789").status, 200);
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[count / 2]
    };
    let should_stop = AtomicBool::new(false);
    let alone = lookups(50);
    let beside = thread::scope(|scope| {
        let _stop = SetOnDrop(&should_stop);
        for _ in 0..4 {
            scope.spawn(|| {
                while !should_stop.load(Ordering::Relaxed) {
                    let answer = app
                        .server
                        .send_json("POST", "/api/v1/messages/", Some(&app.key), body.as_bytes());
                    assert_eq!(answer.status, 400, "{answer:?}");
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        lookups(100)
    });
    println!("the median of a lookup: {alone:?} alone, {beside:?} beside large bodies");
    // A debug build parses a body in tenths of a second. On the worker's thread each lookup would wait for the parsing.
    assert!(beside < Duration::from_millis(100), "{beside:?}");
}
