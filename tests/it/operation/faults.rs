//! The database fails, in part or as a whole, and recovers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::store::{self, clients};

use crate::support::app::{Answer, REAL_DEADLINES, Server, add_key, program};
use crate::support::database::programs;
use crate::support::private_database::{is_running, postmaster};
use crate::support::{Contact, OwnDirectory, PATIENCE, SetOnDrop, Slot, TestApp, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";
const SEARCH: &str = "/api/public/contacts/search?phone=1123456789";

fn start(arguments: &[&str]) -> TestApp {
    let app = TestApp::start_with(arguments);
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    app
}

/// The number of answers that each of four callers has received.
struct Callers([AtomicUsize; 4]);

impl Callers {
    /// Waits until each caller has received the answer to a request that it sent after this call.
    fn wait_for_answers(&self) {
        for answered in &self.0 {
            let before = answered.load(Ordering::Relaxed);
            wait_until(PATIENCE, "a caller is not answered", || {
                answered.load(Ordering::Relaxed) >= before + 2
            });
        }
    }
}

/// Sends requests from four callers until `during` returns, and returns every answer. Each caller sends its next
/// request when the previous one is answered.
///
/// A test in which no request may be shed needs a `--pool-size` of more than twice the number of callers, because
/// requests whose key is not cached get at most half of the connections.
fn ask_during(app: &TestApp, during: impl FnOnce(&Callers)) -> Vec<(&'static str, Answer, Duration)> {
    let (should_stop, callers) = (AtomicBool::new(false), Callers(Default::default()));
    thread::scope(|scope| {
        let (should_stop, callers) = (&should_stop, &callers);
        let ask = move |target, answered: &AtomicUsize| {
            let mut answers = Vec::new();
            while !should_stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                answers.push((target, app.get(target), start.elapsed()));
                answered.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
            answers
        };
        let threads: Vec<_> = [LOOKUP, SEARCH, LOOKUP, SEARCH]
            .into_iter()
            .zip(&callers.0)
            .map(|(target, answered)| scope.spawn(move || ask(target, answered)))
            .collect();
        let stop = SetOnDrop(should_stop);
        during(callers);
        drop(stop);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Terminates all connections of the server except the database monitor's.
const END_CONNECTIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
          AND query NOT LIKE '%credential_version%'";

#[test]
fn a_read_is_retried_when_its_connection_is_lost() {
    let app = start(&["--pool-size", "16"]);
    let answers = ask_during(&app, |callers| {
        for _ in 0..10 {
            // Waits, so that no request loses its connection twice.
            callers.wait_for_answers();
            thread::sleep(Duration::from_millis(50));
            app.sql(END_CONNECTIONS);
        }
    });
    let failed: Vec<_> = answers.iter().filter(|(_, answer, _)| answer.status != 200).collect();
    assert!(
        failed.is_empty(),
        "of {} answers these failed: {failed:?}",
        answers.len()
    );
}

#[test]
fn a_read_is_retried_when_its_connection_is_lost_during_the_statement() {
    let app = start(&[]);
    let mut blocker = app.database.connect();
    let execute =
        |connection: &mut _, sql| diesel::connection::SimpleConnection::batch_execute(connection, sql).unwrap();
    execute(&mut blocker, "BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    let answer = thread::scope(|scope| {
        let asked = scope.spawn(|| app.get(LOOKUP));
        let waiting = "SELECT count(*) AS count FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until(PATIENCE, "the request does not reach its statement", || {
            app.database.count(waiting) == 1
        });
        app.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        wait_until(PATIENCE, "the statement is not retried", || {
            app.database.count(waiting) == 1
        });
        execute(&mut blocker, "ROLLBACK");
        asked.join().unwrap()
    });
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["found"], true);
}

#[test]
fn the_loss_of_the_monitors_connection_is_no_outage() {
    let app = start(&["--pool-size", "16"]);
    let end_monitor_connection = "SELECT count(pg_terminate_backend(pid)) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%credential_version%' AND pid <> pg_backend_pid()";
    let answers = ask_during(&app, |_| {
        for _ in 0..5 {
            // If the monitor lost a connection before the first answer, that would count as an outage.
            app.database.wait_for_probes();
            wait_until(PATIENCE, "the monitor has no connection", || {
                app.database.count(end_monitor_connection) == 1
            });
            wait_until(PATIENCE, "the server is not ready", || {
                app.server.get("/readyz", None).status == 200
            });
        }
    });
    let failed: Vec<_> = answers.iter().filter(|(_, answer, _)| answer.status != 200).collect();
    assert!(
        failed.is_empty(),
        "of {} answers these failed: {failed:?}",
        answers.len()
    );
}

#[test]
fn an_outage_is_503_at_once_and_ends_soon_after_the_database_is_back() {
    let _alone = Slot::take_alone();
    let app = start(&REAL_DEADLINES);
    assert_eq!(app.get(LOOKUP).status, 200);
    let mut recovery_time = Duration::ZERO;
    let answers = ask_during(&app, |_| {
        app.database.set_available(false);
        wait_until(PATIENCE, "the server is still ready", || {
            app.server.get("/readyz", None).status == 503
        });
        thread::sleep(Duration::from_secs(2));
        app.database.set_available(true);
        let start = Instant::now();
        wait_until(PATIENCE, "the server does not recover", || {
            app.get(LOOKUP).status == 200
        });
        recovery_time = start.elapsed();
    });
    let mut refusals = Vec::new();
    for (target, answer, took) in answers {
        match (answer.status, answer.header("retry-after")) {
            (200, _) => {}
            (503, Some("1")) => refusals.push(took),
            _ => panic!("{target}: {answer:?}"),
        }
    }
    refusals.sort_unstable();
    let (median, most) = (refusals[refusals.len() / 2], refusals[refusals.len() - 1]);
    println!(
        "{} refusals, median {median:?}, at most {most:?}; recovered after {recovery_time:?}",
        refusals.len()
    );
    assert!(refusals.len() > 100);
    // The server refuses a request within 300 ms and recovers within one second. The slowest refusals and the recovery
    // have wider limits, as a margin for a busy machine.
    assert!(refusals[refusals.len() * 95 / 100] < Duration::from_millis(300) && most < Duration::from_secs(1));
    assert!(recovery_time < Duration::from_secs(3), "{recovery_time:?}");
    let log = app.server.log.lock().unwrap().clone();
    let warnings = log.lines().filter(|line| line.contains("WARN")).count();
    assert!(warnings < 20, "every request logs a warning: {warnings}");
    assert!(!log.contains("status=500"));
}

#[test]
fn a_server_starts_during_an_outage_and_becomes_ready_afterwards() {
    let app = start(&[]);
    app.database.set_available(false);
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", app.database.url()]);
    let server = Server::start(command);
    assert_eq!(server.get("/healthz", None).status, 200);
    assert_eq!(server.get("/readyz", None).status, 503);
    assert_eq!(server.get(LOOKUP, Some(&app.key)).status, 503);
    app.database.set_available(true);
    wait_until(PATIENCE, "the server is not ready", || {
        server.get("/readyz", None).status == 200
    });
    assert_eq!(server.get(LOOKUP, Some(&app.key)).status, 200);
}

/// Each crash is an immediate shutdown by SIGQUIT, as in `pg_ctl restart -m immediate`.
#[test]
fn a_database_crash_during_requests_is_503_until_recovery_and_never_500() {
    let directory = OwnDirectory::with_database();
    let options = Options {
        data_dir: directory.path().to_owned(),
        programs: programs(),
        settings: vec![("fsync".to_owned(), "off".to_owned())],
    };
    let open = || PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"));
    let database = open();
    let mut connection = store::connection::connect(&database.url()).unwrap();
    let client = clients::create_client(&mut connection, "Test", Region::DEFAULT).unwrap();
    let key = add_key(&mut connection, client, &Scope::ALL, None);
    let mut command = program();
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--pool-size",
        "16",
        "--database-url",
        &database.url(),
    ]);
    let server = Server::start(command);
    let body = br#"{"channel": "whatsapp", "contact_phone_number": "+5491123456789"}"#;
    let upsert = || server.send_json("POST", "/api/public/customer/upsert/info", Some(&key), body);
    assert_eq!(upsert().status, 200);

    let should_stop = AtomicBool::new(false);
    let repeat = |ask: &dyn Fn() -> Answer| {
        let mut statuses = Vec::new();
        while !should_stop.load(Ordering::Relaxed) {
            statuses.push(ask().status);
            thread::sleep(Duration::from_millis(2));
        }
        statuses
    };
    let statuses = thread::scope(|scope| {
        let (repeat, server, key, upsert) = (&repeat, &server, &key, &upsert);
        let readers = [LOOKUP, SEARCH].map(|target| scope.spawn(move || repeat(&|| server.get(target, Some(key)))));
        let writer = scope.spawn(move || repeat(upsert));
        let stop = SetOnDrop(&should_stop);
        for _ in 0..3 {
            kill(postmaster(directory.path()), Signal::SIGQUIT).unwrap();
            // The process id may live on for a while as a zombie.
            wait_until(PATIENCE, "PostgreSQL does not stop", || !is_running(directory.path()));
            wait_until(PATIENCE, "the server does not notice the crash", || {
                server.get(LOOKUP, Some(key)).status == 503
            });
            drop(open());
            wait_until(PATIENCE, "the server does not recover", || {
                server.get(LOOKUP, Some(key)).status == 200 && upsert().status == 200
            });
        }
        drop(stop);
        let threads = readers.into_iter().chain([writer]);
        threads.flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let count = |status| statuses.iter().filter(|answered| **answered == status).count();
    println!(
        "{} answers: {} of 200, {} of 503",
        statuses.len(),
        count(200),
        count(503)
    );
    assert!(count(200) > 3 && count(503) > 10);
    assert_eq!(count(200) + count(503) + count(504), statuses.len(), "{statuses:?}");
}

/// The number of servers to stop during requests: three, or the number in `CONTACT_SEARCH_TEST_STOPS`.
fn rounds() -> usize {
    std::env::var("CONTACT_SEARCH_TEST_STOPS").map_or(3, |count| count.parse().expect("a number"))
}

#[test]
fn a_server_stopped_during_requests_fails_none_of_them() {
    let app = start(&[]);
    for _ in 0..rounds() {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", app.database.url()]);
        command.args(["--pool-size", "16"]);
        let mut server = Server::start(command);
        let (address, answered) = (server.address().to_owned(), AtomicUsize::new(0));
        thread::scope(|scope| {
            let callers = [(); 4].map(|()| scope.spawn(|| ask_until_refused(&address, &app.key, &answered)));
            wait_until(PATIENCE, "no caller is answered", || {
                answered.load(Ordering::Relaxed) > 20
            });
            let stopped_at = Instant::now();
            kill(Pid::from_raw(i32::try_from(server.pid()).unwrap()), Signal::SIGTERM).unwrap();
            assert_eq!(server.wait(), Some(0));
            assert!(
                stopped_at.elapsed() < Duration::from_secs(10),
                "{:?}",
                stopped_at.elapsed()
            );
            callers.into_iter().for_each(|caller| caller.join().unwrap());
        });
    }
}

/// Sends requests, each on a new connection, until the server refuses connections. Every accepted request must be
/// answered.
fn ask_until_refused(address: &str, key: &str, answered: &AtomicUsize) {
    use std::io::{Read, Write};
    let request = format!("GET {LOOKUP} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX-API-Key: {key}\r\n\r\n");
    loop {
        let Ok(mut stream) = std::net::TcpStream::connect(address) else {
            return;
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        let sent = stream.write_all(request.as_bytes());
        let received = sent.and_then(|()| stream.read_to_end(&mut answer));
        if answer.is_empty() {
            // The kernel accepted the connection, but the server ended before accepting it.
            return;
        }
        assert!(
            received.is_ok() && answer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        answered.fetch_add(1, Ordering::Relaxed);
    }
}
