//! Overload: the server answers as many requests as it can and sheds the rest quickly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::app::REAL_DEADLINES;
use crate::support::database::replace_contacts;
use crate::support::{Contact, PATIENCE, Slot, TestApp};

/// The duration of the lookup's statement in this test, and the number of connections.
const STATEMENT: Duration = Duration::from_millis(50);
const POOL_SIZE: usize = 2;

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";

/// The durations of the answered and of the shed requests.
#[derive(Default)]
struct Outcome {
    good: Vec<Duration>,
    shed: Vec<Duration>,
}

/// A caller with a connection of its own, which it keeps or opens again for each request.
struct Caller<'a> {
    app: &'a TestApp,
    keeps_connection: bool,
    connection: Option<TcpStream>,
}

impl Caller<'_> {
    /// Sends a lookup and returns the head of the answer. Panics if the connection is reset, or closed before the whole
    /// answer has arrived.
    fn lookup(&mut self) -> String {
        let mut stream = self.connection.take().unwrap_or_else(|| {
            let stream = TcpStream::connect(self.app.server.address()).expect("the server accepts");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream
        });
        let connection = if self.keeps_connection { "keep-alive" } else { "close" };
        let head = format!(
            "GET {LOOKUP} HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\nConnection: {connection}\r\n\r\n",
            self.app.key
        );
        stream.write_all(head.as_bytes()).expect("the connection is open");
        let mut answer = String::new();
        let head = loop {
            let mut bytes = [0; 4_096];
            let count = stream.read(&mut bytes).expect("the connection is not reset");
            assert_ne!(count, 0, "the connection was closed after {answer:?}");
            answer += std::str::from_utf8(&bytes[..count]).expect("the answer is ASCII");
            if let Some((head, body)) = answer.split_once("\r\n\r\n") {
                let head = head.to_lowercase();
                let (_, length) = head.split_once("content-length: ").expect("a length");
                if body.len() == length.lines().next().unwrap().parse::<usize>().unwrap() {
                    break head;
                }
            }
        };
        if head.contains("connection: close") {
            let end = stream.read(&mut [0]).expect("the connection is not reset");
            assert_eq!(end, 0, "the server closes the connection");
        } else {
            assert!(self.keeps_connection, "{head}");
            self.connection = Some(stream);
        }
        head
    }
}

/// Sends lookups from `callers` callers for `time`. Every other caller keeps its connection. Each caller starts a
/// request every `pace`. If an answer takes longer than that, the caller starts the next request as soon as the answer
/// arrives.
fn ask(app: &TestApp, callers: usize, pace: Duration, time: Duration) -> Outcome {
    let should_stop = AtomicBool::new(false);
    let call = |number: usize| {
        let mut outcome = Outcome::default();
        let mut caller = Caller {
            app,
            keeps_connection: number.is_multiple_of(2),
            connection: None,
        };
        let mut due = Instant::now() + pace.mul_f64(number as f64 / callers as f64);
        while !should_stop.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let start = Instant::now();
            due = start + pace;
            let head = caller.lookup();
            if head.starts_with("http/1.1 200") {
                outcome.good.push(start.elapsed());
            } else {
                let is_shed = head.starts_with("http/1.1 503") && head.contains("\r\nretry-after: 1\r\n");
                assert!(is_shed, "{head}");
                outcome.shed.push(start.elapsed());
            }
        }
        outcome
    };
    thread::scope(|scope| {
        let call = &call;
        let callers: Vec<_> = (0..callers).map(|number| scope.spawn(move || call(number))).collect();
        thread::sleep(time);
        should_stop.store(true, Ordering::Relaxed);
        let mut all = Outcome::default();
        for caller in callers {
            let outcome = caller.join().expect("every answer is 200 or 503");
            all.good.extend(outcome.good);
            all.shed.extend(outcome.shed);
        }
        all
    })
}

/// The duration below which `percent` per cent of the times lie.
fn quantile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

#[test]
fn ten_times_the_sustainable_load_is_shed_instead_of_queued_and_gets_neither_408_nor_a_reset() {
    if crate::support::citus::is_not_for(
        "ten_times_the_sustainable_load_is_shed_instead_of_queued_and_gets_neither_408_nor_a_reset",
        "whose name it gives to a view",
    ) {
        return;
    }
    let _alone = Slot::take_alone();
    let app = TestApp::start_with(&[&["--pool-size", &POOL_SIZE.to_string()], &REAL_DEADLINES[..]].concat());
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    // Makes the database slow without using the processor.
    let sleep = format!("(SELECT pg_sleep({})) IS NOT NULL", STATEMENT.as_secs_f64());
    app.sql(&replace_contacts("*", &sleep));
    // Opens the connections, which on a busy machine takes longer than a request may wait.
    ask(&app, POOL_SIZE, Duration::ZERO, Duration::from_secs(1));
    let time = Duration::from_secs(3);
    let peak = ask(&app, POOL_SIZE, Duration::ZERO, time);
    assert!(peak.shed.is_empty() && peak.good.iter().all(|took| *took >= STATEMENT));
    let sustainable_rate = POOL_SIZE as f64 / STATEMENT.as_secs_f64();
    let callers = 100;
    let overloaded = ask(
        &app,
        callers,
        Duration::from_secs_f64(callers as f64 / (10.0 * sustainable_rate)),
        time,
    );
    let (good, shed) = (overloaded.good.len(), overloaded.shed.len());
    println!(
        "peak {} in {time:?}; then {good} good, p99 {:?}, and {shed} shed, p99 {:?}",
        peak.good.len(),
        quantile(&overloaded.good, 99),
        quantile(&overloaded.shed, 99),
    );
    assert!(shed > 5 * good, "the load is no overload: {good} good, {shed} shed");
    assert!(
        good * 10 >= peak.good.len() * 9,
        "{good} good answers of {}",
        peak.good.len()
    );
    assert!(quantile(&overloaded.good, 99) <= STATEMENT + Duration::from_millis(300));
    let log = app.server.log.lock().unwrap().clone();
    let warnings = log.matches("no capacity").count();
    assert!(warnings <= 10, "more than one line a second: {warnings}");
}
