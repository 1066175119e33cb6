//! The lookup coalescer: concurrent lookups share statements, and each caller gets the answer of a single lookup.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;

use crate::support::app::{REAL_DEADLINES, TestApp, add_key};
use crate::support::metrics::{metrics, start_with, value};
use crate::support::{Contact, PATIENCE, Slot};

/// The number of concurrent callers.
const CALLERS: usize = 48;

/// The number of stored phones of each client.
const KNOWN: usize = 20;

fn phone(number: usize) -> String {
    format!("+54911234{number:05}")
}

fn target(phone: &str) -> String {
    format!("/api/v1/contact-lookup/?phone={}", phone.replace('+', "%2B"))
}

/// The metric of lookups that shared a statement.
fn coalesced_lookups(app: &TestApp) -> f64 {
    value(&metrics(app).body, r#"contact_search_lookups_total{statement="joint"}"#).unwrap_or(0.0)
}

/// A server with so few connections that lookups queue and coalesce. Two clients store the same numbers under different
/// names; each has a key.
fn start(arguments: &[&str]) -> (TestApp, [String; 2]) {
    let app = start_with(&[&["--pool-size", "2"], arguments].concat());
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &[Scope::Lookup], None);
    for (client, owner) in [(app.client, 0), (other, 1)] {
        for number in 0..KNOWN {
            let contact = Contact {
                name: Some(&format!("{number} of {owner}")),
                phone: Some(&phone(number)),
                ..Contact::default()
            };
            contact.add(&mut connection, client);
        }
    }
    let key = app.key.clone();
    (app, [key, other_key])
}

#[test]
fn each_caller_gets_only_contacts_of_its_client_while_other_callers_disconnect() {
    let (app, keys) = start(&[]);
    let should_stop = AtomicBool::new(false);
    let start = Instant::now();
    let call = |caller: usize| {
        let owner = caller % 2;
        for round in 0.. {
            if should_stop.load(Ordering::Relaxed) || start.elapsed() > 2 * PATIENCE {
                break;
            }
            // Half of the numbers are stored. The last one is replaced by a text that is not a number.
            let number = (caller + round) % (2 * KNOWN);
            let asked = if number == 2 * KNOWN - 1 {
                "nobody".to_owned()
            } else {
                phone(number)
            };
            if caller.is_multiple_of(3) && round % 2 == 0 {
                let mut stream = TcpStream::connect(app.server.address()).unwrap();
                let head = format!(
                    "GET {} HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\n\r\n",
                    target(&asked),
                    keys[owner]
                );
                stream.write_all(head.as_bytes()).unwrap();
                continue;
            }
            let answer = app.server.get(&target(&asked), Some(&keys[owner]));
            // The server still runs lookups of callers that have disconnected, so it may have no capacity left.
            if (answer.status, answer.header("retry-after")) == (503, Some("1")) {
                continue;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            let answer = answer.json();
            let is_known = number < KNOWN;
            assert_eq!(answer["found"], is_known, "{asked}: {answer}");
            if is_known {
                assert_eq!(answer["contact"]["fullName"], format!("{number} of {owner}"));
                assert_eq!(answer["contact"]["phone"], asked);
            }
        }
    };
    thread::scope(|scope| {
        let call = &call;
        for caller in 0..CALLERS {
            scope.spawn(move || call(caller));
        }
        while coalesced_lookups(&app) < 100.0 && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(100));
        }
        should_stop.store(true, Ordering::Relaxed);
    });
    assert!(coalesced_lookups(&app) >= 100.0, "too few lookups shared statements");
}

#[test]
fn lookups_blocked_by_the_database_fail_in_time_and_work_again_afterwards() {
    let _alone = Slot::take_alone();
    let (app, keys) = start(&REAL_DEADLINES);
    let found = || app.server.get(&target(&phone(1)), Some(&keys[0])).status;
    // The coalescer learns that a lookup is fast.
    for _ in 0..100 {
        assert_eq!(found(), 200);
    }
    let mut other = app.database.connect();
    let mut execute = |sql| diesel::connection::SimpleConnection::batch_execute(&mut other, sql).unwrap();
    execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let start = Instant::now();
                let status = found();
                assert!([503, 504].contains(&status), "{status}");
                assert!(start.elapsed() < Duration::from_millis(2_500), "{:?}", start.elapsed());
            });
        }
    });
    execute("ROLLBACK");
    assert_eq!(found(), 200);
}
