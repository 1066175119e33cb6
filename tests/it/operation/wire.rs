//! What is between the server and its database fails: connections are reset, or nothing comes through any more.

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

use crate::support::app::{Answer, Server, add_key, program};
use crate::support::{Contact, PATIENCE, SetOnDrop, Slot, TestDatabase, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";
const SEARCH: &str = "/api/public/contacts/search?phone=1123456789";

/// A TCP port that leads to the tests' PostgreSQL.
struct TcpProxy {
    address: SocketAddr,
    database: String,
    state: Arc<ProxyState>,
}

/// What all connections of a proxy share.
struct ProxyState {
    socket: PathBuf,
    /// Nothing is passed on, and nothing is broken off.
    is_silent: AtomicBool,
    is_gone: AtomicBool,
    links: Mutex<Vec<Weak<Link>>>,
}

/// One connection of the server's. It is closed when its last owner goes.
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
            options.find(|(key, _)| *key == name).expect("the URL says it").1
        };
        let state = Arc::new(ProxyState {
            socket: PathBuf::from(option("host")).join(format!(".s.PGSQL.{}", option("port"))),
            is_silent: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            links: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            database: name.to_owned(),
            state: state.clone(),
        };
        thread::spawn(move || {
            for server in listener.incoming() {
                if state.is_gone.load(Ordering::Relaxed) {
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

    /// Lets nothing through, or lets it through again, what has gathered first.
    fn set_silent(&self, is_silent: bool) {
        self.state.is_silent.store(is_silent, Ordering::Relaxed);
    }

    /// Resets every connection that there is: no end comes before it, and what was on its way is lost.
    fn reset(&self) {
        let links = std::mem::take(&mut *self.state.links.lock().unwrap());
        for link in links.iter().filter_map(Weak::upgrade) {
            let nothing_lingers = linger {
                l_onoff: 1,
                l_linger: 0,
            };
            setsockopt(&link.server, sockopt::Linger, &nothing_lingers).expect("it is a socket");
            link.end();
        }
        wait_until(PATIENCE, "they aren't reset", || {
            links.iter().all(|link| link.strong_count() == 0)
        });
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.state.is_gone.store(true, Ordering::Relaxed);
        // For the thread that accepts to see it.
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
        let (state, there) = (self.clone(), link.clone());
        thread::spawn(move || state.pass_on(&there, &there.server, &there.database));
        let state = self.clone();
        thread::spawn(move || state.pass_on(&link, &link.database, &link.server));
    }

    /// Passes one direction on, until either end is closed.
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
    /// Lets neither direction's thread wait for more. It is the closing that tells the server, and how.
    fn end(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let _ = self.server.shutdown(Shutdown::Read);
        let _ = self.database.shutdown(Shutdown::Both);
    }
}

/// A server whose database is at the other end of a proxy, and a key.
struct ProxiedServer {
    server: Server,
    proxy: TcpProxy,
    database: TestDatabase,
    key: String,
}

impl ProxiedServer {
    fn start() -> Self {
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
        command.args(["--database-url", &proxy.url()]);
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

    /// Makes a contact, or brings it up to date.
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

    /// When the server last looked at the database, in microseconds.
    fn last_probe(&self) -> i64 {
        self.database.count(
            r#"SELECT coalesce((extract(epoch FROM max(query_start)) * 1000000)::bigint, 0) AS count
               FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'SELECT "credential_version"."version" FROM %'"#,
        )
    }

    /// Waits until what looks at the database has been answered on a connection that is made from now on, so that the
    /// end of that one is no outage. A look may still have begun on the one before; the first on a new one begins twice,
    /// to be prepared and to be run; and when the second begins the first was answered.
    fn wait_for_probes(&self) {
        for _ in 0..4 {
            let last = self.last_probe();
            wait_until(PATIENCE, "the server looks no more", || self.last_probe() > last);
        }
    }
}

#[test]
fn connections_that_are_reset_cost_no_read_and_no_write_is_done_twice() {
    const RESETS: usize = 5;
    /// How long the server waits for a connection.
    const TIME_TO_CONNECT: Duration = Duration::from_millis(250);
    let _alone = Slot::take_alone();
    let proxied = ProxiedServer::start();
    // Every write is noted, finds that there is something to change, also where it was done before, and takes most of its
    // time when it is committed: whose connection is lost then is done though nobody is told.
    let mut owner = proxied.database.connect();
    diesel::connection::SimpleConnection::batch_execute(
        &mut owner,
        "CREATE TABLE done (external_user_id text, transaction xid8);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 NEW.name = 'Another';
                 INSERT INTO done VALUES (NEW.external_user_id, pg_current_xact_id());
                 RETURN NEW;
             END $$;
         CREATE TRIGGER note BEFORE INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION note();
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON contacts DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION wait()",
    )
    .unwrap();

    let (should_stop, resets) = (AtomicBool::new(false), AtomicUsize::new(0));
    // How many resets each caller has seen the end of: what it asked after them was answered well.
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
            wait_until(PATIENCE, "a caller isn't answered", || {
                survived
                    .iter()
                    .all(|survived| survived.load(Ordering::Relaxed) == count)
            });
            // No connection is lost twice, that of the looks neither.
            proxied.wait_for_probes();
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
                // On a machine too busy to make another connection within the time for that it is no lost one.
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
        let missing = format!(
            "SELECT count(*) AS count FROM unnest(ARRAY[{}]) AS written (id)
             WHERE NOT EXISTS (SELECT FROM contacts WHERE external_user_id = written.id)",
            names.join(", ")
        );
        assert_eq!(proxied.database.count(&missing), 0);
    }
    let twice = "SELECT count(*) AS count FROM
        (SELECT FROM done GROUP BY external_user_id HAVING count(DISTINCT transaction) > 1) AS twice";
    assert_eq!(proxied.database.count(twice), 0);
    assert!(lost > 0, "no write was under way");
}

#[test]
fn a_database_that_nothing_comes_from_is_503_or_504_in_time_and_over_when_it_is() {
    // More than the deadline of two seconds, for a machine that is busy.
    const IN_TIME: Duration = Duration::from_secs(4);
    let _alone = Slot::take_alone();
    let proxied = ProxiedServer::start();
    let answers_well = || proxied.get(LOOKUP).status == 200 && proxied.write("a").status == 200;
    assert!(answers_well());
    // Packets come through again on the connections of before, or those have ended meanwhile.
    for are_lost in [false, true] {
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
            wait_until(PATIENCE, "it is ready", || {
                proxied.server.get("/readyz", None).status == 503
            });
            assert_eq!(proxied.server.get("/healthz", None).status, 200);
            wait_until(PATIENCE, "each request waits for it", || {
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
        assert!(count(504) > 0, "nothing was under way");
        if are_lost {
            proxied.proxy.reset();
        }
        proxied.proxy.set_silent(false);
        wait_until(PATIENCE, "it doesn't come back", || {
            proxied.server.get("/readyz", None).status == 200 && answers_well()
        });
    }
    let log = proxied.server.log.lock().unwrap().clone();
    assert!(!log.contains("status=500"), "{log}");
}

#[test]
fn a_server_stops_though_nothing_comes_from_its_database() {
    let mut proxied = ProxiedServer::start();
    assert_eq!(proxied.get(LOOKUP).status, 200);
    proxied.proxy.set_silent(true);
    assert_eq!(proxied.get(LOOKUP).status, 504);
    let told = Instant::now();
    kill(
        Pid::from_raw(i32::try_from(proxied.server.pid()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(proxied.server.wait(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
}
