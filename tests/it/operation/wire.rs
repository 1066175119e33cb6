//! Faults on the network between the server and its database: connections are reset, or no packet gets through.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use nix::libc::linger;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{setsockopt, sockopt};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::app::{Answer, REAL_DEADLINES, Server, add_key, program};
use crate::support::database::{count, execute};
use crate::support::{Contact, PATIENCE, SetOnDrop, TestDatabase, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";
const SEARCH: &str = "/api/public/contacts/search?phone=1123456789";

/// A TCP proxy to the tests' PostgreSQL, under the test's control.
struct TcpProxy {
    address: SocketAddr,
    database: String,
    state: Arc<ProxyState>,
}

/// The state that all connections of a proxy share.
struct ProxyState {
    socket: PathBuf,
    /// If set, no bytes are forwarded, and no connection is closed.
    is_silent: AtomicBool,
    is_closing: AtomicBool,
    links: Mutex<Vec<Weak<Link>>>,
}

/// One proxied connection. It is closed when its last owner is dropped.
struct Link {
    server: TcpStream,
    database: UnixStream,
    is_closed: AtomicBool,
}

impl TcpProxy {
    fn start(database: &TestDatabase) -> Self {
        let (_, place) = database.url().split_once("///").unwrap();
        let (name, query) = place.split_once('?').unwrap();
        let option = |name| {
            let mut options = query.split('&').filter_map(|option| option.split_once('='));
            options.find(|(key, _)| *key == name).expect("the URL has the option").1
        };
        let state = Arc::new(ProxyState {
            socket: PathBuf::from(option("host")).join(format!(".s.PGSQL.{}", option("port"))),
            is_silent: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            links: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            database: name.to_owned(),
            state: state.clone(),
        };
        thread::spawn(move || {
            for server in listener.incoming() {
                if state.is_closing.load(Ordering::Relaxed) {
                    return;
                }
                state.link(server.expect("a connection can be accepted"));
            }
        });
        proxy
    }

    fn url(&self) -> String {
        format!("postgresql://contact_search@{}/{}", self.address, self.database)
    }

    /// Stops or resumes forwarding. On resuming, the proxy first forwards the bytes that it received while it was
    /// silent.
    fn set_silent(&self, is_silent: bool) {
        self.state.is_silent.store(is_silent, Ordering::Relaxed);
    }

    /// Resets every connection: the server sees no orderly end, and bytes in transit are lost.
    fn reset(&self) {
        let links = std::mem::take(&mut *self.state.links.lock().unwrap());
        for link in links.iter().filter_map(Weak::upgrade) {
            let nothing_lingers = linger {
                l_onoff: 1,
                l_linger: 0,
            };
            setsockopt(&link.server, sockopt::Linger, &nothing_lingers).expect("the option can be set");
            link.end();
        }
        wait_until(PATIENCE, "the connections are not reset", || {
            links.iter().all(|link| link.strong_count() == 0)
        });
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.state.is_closing.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then sees the flag.
        let _ = TcpStream::connect(self.address);
        self.reset();
    }
}

impl ProxyState {
    fn link(self: &Arc<Self>, server: TcpStream) {
        let database = UnixStream::connect(&self.socket).expect("PostgreSQL listens");
        let link = Arc::new(Link {
            server,
            database,
            is_closed: AtomicBool::new(false),
        });
        self.links.lock().unwrap().push(Arc::downgrade(&link));
        let (state, forward) = (self.clone(), link.clone());
        thread::spawn(move || state.pass_on(&forward, &forward.server, &forward.database));
        let state = self.clone();
        thread::spawn(move || state.pass_on(&link, &link.database, &link.server));
    }

    /// Forwards one direction until either end is closed.
    fn pass_on(&self, link: &Link, mut from: impl Read, mut to: impl Write) {
        let mut bytes = [0; 1 << 14];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            while self.is_silent.load(Ordering::Relaxed) && !link.is_closed.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        link.end();
    }
}

impl Link {
    /// Ends the threads of both directions. The server notices nothing until its socket is closed, either orderly or by
    /// a reset.
    fn end(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let _ = self.server.shutdown(Shutdown::Read);
        let _ = self.database.shutdown(Shutdown::Both);
    }
}

/// A server that reaches its database through a proxy, and a key.
struct ProxiedServer {
    server: Server,
    proxy: TcpProxy,
    database: TestDatabase,
    key: String,
}

impl ProxiedServer {
    /// Starts the server with `arguments` in addition to the usual ones.
    fn start(arguments: &[&str]) -> Self {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = clients::create_client(&mut connection, "Test", Region::DEFAULT).unwrap();
        let key = add_key(&mut connection, client, &Scope::ALL, None);
        Contact {
            phone: Some("+5491123456789"),
            ..Contact::default()
        }
        .add(&mut connection, client);
        let proxy = TcpProxy::start(&database);
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--pool-size", "16"]);
        command.args(["--database-url", &proxy.url()]).args(arguments);
        let server = Server::start(command);
        Self {
            server,
            proxy,
            database,
            key,
        }
    }

    fn get(&self, target: &str) -> Answer {
        self.server.get(target, Some(&self.key))
    }

    /// Upserts a contact.
    fn write(&self, external_user_id: &str) -> Answer {
        let body =
            json!({"channel": "webchat", "external_user_id": external_user_id, "contact_name": "Ana"}).to_string();
        self.server.send_json(
            "POST",
            "/api/public/customer/upsert/info",
            Some(&self.key),
            body.as_bytes(),
        )
    }
}

#[test]
fn after_connection_resets_no_read_fails_and_no_write_is_done_twice() {
    const RESETS: usize = 5;
    /// The server's timeout for a new connection.
    const TIME_TO_CONNECT: Duration = Duration::from_millis(2_500);
    let proxied = ProxiedServer::start(&[]);
    // The triggers log every write. They change the name, so that a repeated write is a change and is logged, too. They
    // make the commit the slowest step. A connection lost during the commit leaves a committed write without an
    // acknowledgement.
    let mut log = proxied.database.connect_to_contacts();
    execute(&mut log, "CREATE TABLE done (external_user_id text, transaction xid8)");
    for statement in [
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 NEW.name = 'Another';
                 INSERT INTO done VALUES (NEW.external_user_id, pg_current_xact_id());
                 RETURN NEW;
             END $$",
        "CREATE TRIGGER note BEFORE INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION note()",
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON contacts DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION wait()",
    ] {
        proxied.database.execute(statement);
    }

    let (should_stop, resets) = (AtomicBool::new(false), AtomicUsize::new(0));
    // For each caller, the number of resets that had happened when it sent its latest request with a 200 answer.
    let survived = [(); 4].map(|()| AtomicUsize::new(usize::MAX));
    let repeat = |caller: usize, ask: &dyn Fn(usize) -> Answer| {
        let mut answers = Vec::new();
        while !should_stop.load(Ordering::Relaxed) {
            let before = resets.load(Ordering::Relaxed);
            let start = Instant::now();
            let answer = ask(answers.len());
            if answer.status == 200 {
                survived[caller].store(before, Ordering::Relaxed);
            }
            answers.push((answer, start.elapsed()));
            thread::sleep(Duration::from_millis(5));
        }
        answers
    };
    let name = |caller: usize, number: usize| format!("{caller}-{number}");
    let answers = thread::scope(|scope| {
        let (proxied, repeat) = (&proxied, &repeat);
        let callers = [0, 1, 2, 3].map(|caller| {
            scope.spawn(move || match caller {
                0 => repeat(caller, &|_| proxied.get(LOOKUP)),
                1 => repeat(caller, &|_| proxied.get(SEARCH)),
                _ => repeat(caller, &|number| proxied.write(&name(caller, number))),
            })
        });
        let stop = SetOnDrop(&should_stop);
        for count in 0..=RESETS {
            if count > 0 {
                proxied.proxy.reset();
                resets.store(count, Ordering::Relaxed);
            }
            wait_until(PATIENCE, "a caller is not answered", || {
                survived
                    .iter()
                    .all(|survived| survived.load(Ordering::Relaxed) == count)
            });
            // Waits, so that neither a request nor a probe of the monitor loses its connection twice.
            proxied.database.wait_for_probes();
        }
        drop(stop);
        callers.map(|caller| caller.join().unwrap())
    });
    let (mut lost, mut late) = (0, 0);
    for (caller, answers) in answers.iter().enumerate() {
        for (number, (answer, took)) in answers.iter().enumerate() {
            match (caller, answer.status) {
                (_, 200) => {}
                (2.., 503) => lost += 1,
                // A 503 after the timeout for a new connection is due to a busy machine, not to a
                // lost connection.
                (_, 503) if *took >= TIME_TO_CONNECT => late += 1,
                _ => panic!("{caller}, {number}: {answer:?}"),
            }
        }
    }
    println!(
        "{:?} answers, {lost} writes are 503, {late} reads are late",
        answers.each_ref().map(Vec::len)
    );
    for caller in [2, 3] {
        let acknowledged = answers[caller]
            .iter()
            .enumerate()
            .filter(|(_, (answer, _))| answer.status == 200);
        let names: Vec<_> = acknowledged
            .map(|(number, _)| format!("'{}'", name(caller, number)))
            .collect();
        let written = format!(
            "SELECT count(*) AS count FROM contacts WHERE external_user_id IN ({})",
            names.join(", ")
        );
        assert_eq!(proxied.database.count(&written), names.len() as i64);
    }
    let twice = "SELECT count(*) AS count FROM
        (SELECT FROM done GROUP BY external_user_id HAVING count(DISTINCT transaction) > 1) AS twice";
    assert_eq!(count(&mut log, twice), 0);
    assert!(lost > 0, "no write was in progress during a reset");
}

#[test]
fn a_silent_database_is_answered_with_503_or_504_in_time_and_recovery_is_automatic() {
    // The deadline is two seconds; the rest is a margin for a busy machine.
    const IN_TIME: Duration = Duration::from_secs(4);
    let proxied = ProxiedServer::start(&REAL_DEADLINES);
    let answers_well = || proxied.get(LOOKUP).status == 200 && proxied.write("a").status == 200;
    assert!(answers_well());
    // In the first round the silent connections resume, in the second they are reset.
    for are_reset in [false, true] {
        proxied.proxy.set_silent(true);
        let should_stop = AtomicBool::new(false);
        let repeat = |ask: &dyn Fn() -> Answer| {
            let mut statuses = Vec::new();
            while !should_stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                let answer = ask();
                assert!(start.elapsed() < IN_TIME, "{:?}: {answer:?}", start.elapsed());
                statuses.push(answer.status);
            }
            statuses
        };
        let statuses: Vec<u16> = thread::scope(|scope| {
            let (proxied, repeat) = (&proxied, &repeat);
            let readers = [LOOKUP, SEARCH, LOOKUP].map(|target| scope.spawn(move || repeat(&|| proxied.get(target))));
            let writer = scope.spawn(move || repeat(&|| proxied.write("a")));
            let stop = SetOnDrop(&should_stop);
            wait_until(PATIENCE, "the server is still ready", || {
                proxied.server.get("/readyz", None).status == 503
            });
            assert_eq!(proxied.server.get("/healthz", None).status, 200);
            wait_until(PATIENCE, "requests still wait for the database", || {
                let start = Instant::now();
                proxied.get(LOOKUP).status == 503 && start.elapsed() < Duration::from_millis(100)
            });
            assert_eq!(proxied.server.get("/readyz", None).status, 503);
            drop(stop);
            let callers = readers.into_iter().chain([writer]);
            callers.flat_map(|caller| caller.join().unwrap()).collect()
        });
        let count = |status| statuses.iter().filter(|answered| **answered == status).count();
        println!("{} of 503, {} of 504", count(503), count(504));
        assert_eq!(count(503) + count(504), statuses.len(), "{statuses:?}");
        assert!(
            count(504) > 0,
            "no request was in progress when the database fell silent"
        );
        if are_reset {
            proxied.proxy.reset();
        }
        proxied.proxy.set_silent(false);
        wait_until(PATIENCE, "the server does not recover", || {
            proxied.server.get("/readyz", None).status == 200 && answers_well()
        });
    }
    let log = proxied.server.log.lock().unwrap().clone();
    assert!(!log.contains("status=500"), "{log}");
}

#[test]
fn a_server_stops_in_time_although_its_database_is_silent() {
    let mut proxied = ProxiedServer::start(&REAL_DEADLINES);
    assert_eq!(proxied.get(LOOKUP).status, 200);
    proxied.proxy.set_silent(true);
    assert_eq!(proxied.get(LOOKUP).status, 504);
    let stopped_at = Instant::now();
    kill(
        Pid::from_raw(i32::try_from(proxied.server.pid()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(proxied.server.wait(), Some(0));
    assert!(
        stopped_at.elapsed() < Duration::from_secs(10),
        "{:?}",
        stopped_at.elapsed()
    );
}
