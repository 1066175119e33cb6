//! The program as a process, with its own port and database.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use contact_search::domain::client::ClientId;
use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::domain::phone::Region;
use contact_search::domain::rate_limit::RateLimit;
use contact_search::http::ErrorCode;
use contact_search::store::PgConnection;
use contact_search::store::clients;
use contact_search::store::keys;
use serde_json::Value;
use strum::VariantArray;
use uuid::Uuid;

use super::database::execute;
use super::{Contact, TestDatabase};

/// Arguments for a test that checks a duration, or an answer at a deadline: the server has the deadlines of production.
/// All other servers have [longer deadlines](program), so that no test fails because the machine is busy.
pub const REAL_DEADLINES: [&str; 2] = ["--deadline-factor", "1"];

/// The program under test, with deadlines ten times as long as in production.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contact-search"));
    // The environment of the test run must not reach the program.
    for name in [
        "DATABASE_URL",
        "CONTACT_SEARCH_DATABASE_URL",
        "RUST_LOG",
        "CONTACT_SEARCH_DATA_DIR",
        "CONTACT_SEARCH_PG_BIN",
        "PGHOST",
        "PGUSER",
    ] {
        command.env_remove(name);
    }
    command.env("CONTACT_SEARCH_DEADLINE_FACTOR", "10");
    command.stdin(Stdio::null());
    command
}

/// Runs the program on a terminal of 100 columns. Returns the exit status, and the output and errors together.
pub fn on_terminal(database: &TestDatabase, arguments: &str) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_contact-search");
    // `script` runs the command on a terminal and copies its output.
    let output = Command::new("script")
        .arg("-qec")
        .arg(format!("stty cols 100 rows 24; '{program}' {arguments}"))
        .arg("/dev/null")
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env("DATABASE_URL", database.url())
        .stdin(Stdio::null())
        .output()
        .expect("util-linux's script can be started");
    let printed = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), printed)
}

/// A running server process, and its output so far.
pub struct Server {
    child: Child,
    address: String,
    /// Standard output so far. It contains at least the lines up to the address.
    pub output: Arc<Mutex<String>>,
    pub log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `command`, which serves on a port chosen by the system, and waits for its address.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let log = collect(child.stderr.take().expect("standard error is piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut printed = String::new();
        let address = loop {
            let start = printed.len();
            if lines.read_line(&mut printed).expect("standard output is text") == 0 {
                let status = child.wait();
                // The last log lines may still be in the pipe.
                std::thread::sleep(Duration::from_millis(50));
                panic!("the server ended ({status:?}): {printed}{}", log.lock().unwrap());
            }
            if let Some((_, url)) = printed[start..].split_once(" answers on ")
                && let Some((_, address)) = url.split_once("://")
            {
                break address.trim().to_owned();
            }
        };
        let output = collect(lines);
        output.lock().unwrap().insert_str(0, &printed);
        Self {
            child,
            address,
            output,
            log,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process ends, and returns its exit status.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("a child can be waited for").code()
    }

    /// Waits until `is_complete` holds for the log, and returns the log. The server logs a request after it sends the
    /// answer.
    pub fn wait_for_log(&self, is_complete: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let log = self.log.lock().unwrap().clone();
            if is_complete(&log) {
                return log;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the expected line is not in the log: {log}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends `GET target` with the key, if given.
    pub fn get(&self, target: &str, key: Option<&str>) -> Answer {
        let headers: Vec<(&str, &str)> = key.map(|key| ("X-API-Key", key)).into_iter().collect();
        self.send("GET", target, &headers)
    }

    /// Sends a request without a body, exactly as given.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
        self.send_raw(head.as_bytes())
    }

    /// Sends a request with a body and its length.
    pub fn send_body(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        self.send_raw(&[head.as_bytes(), body].concat())
    }

    /// Sends JSON with the key, if given.
    pub fn send_json(&self, method: &str, target: &str, key: Option<&str>, body: &[u8]) -> Answer {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(key.map(|key| ("X-API-Key", key)));
        self.send_body(method, target, &headers, body)
    }

    /// Sends `GET target` to another address of the server, with these headers.
    pub fn get_at(&self, address: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!("GET {target} HTTP/1.1\r\nHost: test\r\n{headers}Connection: close\r\n\r\n");
        send_raw(address, head.as_bytes())
    }

    /// Sends raw bytes and reads until the server closes the connection.
    pub fn send_raw(&self, bytes: &[u8]) -> Answer {
        send_raw(&self.address, bytes)
    }
}

fn send_raw(address: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).expect("the request can be sent");
    let mut answer = Vec::new();
    // A server that refuses a request early may reset the connection after its answer.
    let _ = stream.read_to_end(&mut answer);
    Answer::parse(&answer)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream into a text until it ends.
fn collect(mut stream: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let sink = text.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            sink.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    text
}

/// A parsed HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// The body as it came. It may be compressed.
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
        let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok());
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(a, b)| (a.to_lowercase(), b.to_owned()));
        let answer = Self {
            status: status.expect("a status"),
            headers: headers.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
            bytes: body.to_owned(),
        };
        answer.check_error_code();
        answer
    }

    /// Every error has a documented code with the error's status. Answers without an id come from the HTTP parser.
    fn check_error_code(&self) {
        let is_error = self.status >= 400 && self.header("x-request-id").is_some();
        let name = self.header("x-error-code");
        let code = ErrorCode::VARIANTS.iter().find(|code| Some(code.name()) == name);
        let status = code.map(|code| code.text().status.as_u16());
        let expected = is_error.then_some(self.status);
        assert_eq!((status, name.is_some()), (expected, is_error), "{self:?}");
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The values of all headers of this name, separated by commas.
    pub fn joined_headers(&self, name: &str) -> String {
        let headers = self.headers.iter().filter(|(key, _)| key == name);
        headers.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The member `id` of each object of a JSON array.
    pub fn ids(&self) -> Vec<String> {
        let array = self.json();
        let array = array.as_array().unwrap_or_else(|| panic!("no array: {self:?}"));
        array
            .iter()
            .map(|contact| contact["id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

/// A server on its own migrated database, with one client (`client`, region AR) and a key with all scopes.
pub struct TestApp {
    // Declared before the database, so that the server stops before the database is dropped.
    pub server: Server,
    pub database: TestDatabase,
    pub client: ClientId,
    pub key: String,
}

impl TestApp {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the server with `arguments` in addition to its address and its database.
    pub fn start_with(arguments: &[&str]) -> Self {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = clients::create_client(&mut connection, "Test", Region::DEFAULT).expect("a client can be created");
        let key = add_key(&mut connection, client, &Scope::ALL, None);
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
        command.args(arguments);
        let server = Server::start(command);
        Self {
            server,
            database,
            client,
            key,
        }
    }

    /// Sends `GET target` with the app's own key.
    pub fn get(&self, target: &str) -> Answer {
        self.server.get(target, Some(&self.key))
    }

    /// Sends JSON with the app's own key.
    pub fn send(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.server
            .send_json(method, target, Some(&self.key), body.to_string().as_bytes())
    }

    /// Sends a `POST` and retries on 503, as callers should.
    pub fn post_with_retries(&self, target: &str, body: &Value) -> Answer {
        for _ in 0..200 {
            let answer = self.send("POST", target, body);
            if answer.status != 503 {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server never has capacity");
    }

    pub fn add(&self, contact: Contact<'_>) -> contacts::Added {
        contact.add(&mut self.database.connect(), self.client)
    }

    pub fn sql(&self, sql: &str) {
        execute(&mut self.database.connect(), sql);
    }
}

use super::contacts;

/// Creates a key for the client. A negative lifetime creates an expired key.
pub fn add_key(
    connection: &mut PgConnection,
    client: ClientId,
    scopes: &[Scope],
    lifetime: Option<chrono::TimeDelta>,
) -> String {
    let key = ApiKey::generate(Format::Mindo).expect("random numbers");
    let new = NewKey {
        label: "test".to_owned(),
        scopes: scopes.to_vec(),
        lifetime,
        rate_limit: RateLimit::default(),
    };
    keys::add_key(connection, client, &key, &new).expect("a key can be created");
    key.reveal().to_owned()
}

/// Creates a key with default settings and returns its id.
pub fn add_plain_key(connection: &mut PgConnection, client: ClientId) -> Uuid {
    let key = ApiKey::generate(Format::Mindo).unwrap();
    let new = NewKey::new("plain", Scope::ALL.to_vec(), None).unwrap();
    keys::add_key(connection, client, &key, &new).unwrap()
}

/// Revokes a key that [`add_key`] created.
pub fn revoke(connection: &mut PgConnection, key: &str) {
    let reading = keys::read_key(connection, &ApiKey::parse(key).expect("a key").hash());
    let id = reading
        .expect("the database answers")
        .credential
        .expect("the key is stored")
        .key_id;
    assert!(keys::revoke_key(connection, id).expect("the database answers"));
}

/// Percent-encodes a text as the value of a query parameter.
pub fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
