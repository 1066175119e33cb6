//! Privacy: no personal data and no key appear in a log, whatever a request contains and however it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;

use contact_search::domain::client::ClientId;
use contact_search::domain::key::{ApiKey, Scope};
use contact_search::domain::phone::Region;
use contact_search::domain::webhook::{AppSecret, Token};
use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::http::{Access, Endpoint, Operation, endpoints};
use contact_search::store::connection::connect;
use contact_search::store::{PgConnection, StoreError, clients, migrations, webhooks};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;

use crate::support::app::{REAL_DEADLINES, Server, add_key, encode, program, revoke};
use crate::support::canaries::{
    APP_SECRET, DIGITS, EMAIL, EXTERNAL_ID, NAME, NEW_PHONE, OTHER_PHONE, PHONE, UNKNOWN_KEY, WORDS, files,
};
use crate::support::contacts::Added;
use crate::support::database::programs;
use crate::support::webhook::sign;
use crate::support::{Contact, OwnDirectory, TestDatabase};

/// The length of the parts of a secret to search for. Shorter parts could occur by chance.
const SECRET_PART: usize = 8;

/// Queries that replace the valid query of a `GET`.
fn wrong_queries() -> [String; 4] {
    let (phone, email, name) = (encode(PHONE), encode(EMAIL), encode(NAME));
    [
        format!("phone={phone}%zz&email={EMAIL}%zz&days={phone}&hub.mode=subscribe&hub.verify_token={email}"),
        format!("phone={phone}&phone={phone}&email={EMAIL}&email={email}&days=1&cursor={email}&{name}"),
        format!("phone={name}&email=%00{email}&days={email}"),
        format!("phone={}&{email}={phone}", email.repeat(8)),
    ]
}

/// Bodies that every JSON endpoint except the webhook refuses, either as a whole or item by item.
fn wrong_bodies() -> [String; 5] {
    let members = json!({
        "phones": [{"phone": PHONE}, EMAIL.repeat(20)], "contacts": [{"phone": EMAIL.repeat(20)}, {"name": NAME}, EMAIL],
        "channel": EMAIL.repeat(20), "contact_phone_number": [PHONE], "contact_name": {"name": NAME},
        "name": [NAME], "phone": NAME, "email": {"email": EMAIL}, "default_stage_id": EXTERNAL_ID, "blocked": NAME,
        "platform": EMAIL, "direction": EMAIL, "sentAt": PHONE, "externalUserId": {"id": EXTERNAL_ID},
    });
    [
        format!(r#"{{"name": "{NAME}", "phone": {PHONE} "email": "{EMAIL}"#),
        json!(EMAIL).to_string(),
        json!([[PHONE], NAME, {"phone": [EMAIL]}]).to_string(),
        json!({EMAIL: PHONE, "name": format!("{NAME}\0")}).to_string(),
        members.to_string(),
    ]
}

/// Bytes that are not valid HTTP.
fn broken_requests() -> [String; 4] {
    [
        format!("{EMAIL} {PHONE}\r\n\r\n"),
        format!("GET /{EMAIL} HTTP/7.7\r\nHost: {EMAIL}\r\n\r\n"),
        format!("GET /?phone={PHONE} HTTP/1.1\r\nHost: test\r\n{NAME} {EMAIL}\r\n\r\n"),
        format!("POST /api/v1/contacts/ HTTP/1.1\r\nHost: test\r\nContent-Length: {EMAIL}\r\n\r\n{NAME}"),
    ]
}

#[derive(Clone)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Request {
    fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    fn with_key(&self, key: &str) -> Self {
        let mut request = self.clone();
        request.headers.push(("X-API-Key", key.to_owned()));
        request
    }

    fn with_target(&self, target: String) -> Self {
        Self { target, ..self.clone() }
    }

    fn with_body(&self, body: String) -> Self {
        Self { body, ..self.clone() }
    }

    /// Sends the request with canaries in the headers that proxies and browsers add. Returns the status.
    fn send(&self, server: &Server) -> u16 {
        let (referer, bearer) = (format!("http://x/?email={EMAIL}"), format!("Bearer {UNKNOWN_KEY}"));
        let mut headers = vec![
            ("Referer", referer.as_str()),
            ("Authorization", bearer.as_str()),
            ("Cookie", EMAIL),
            ("User-Agent", PHONE),
            ("X-Forwarded-For", EMAIL),
        ];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        server
            .send_body(&self.method, &self.target, &headers, self.body.as_bytes())
            .status
    }
}

/// A server whose database has one client. Its contacts, keys and webhook are all canaries.
struct World {
    server: Server,
    url: String,
    log_filter: &'static str,
    log_format: &'static str,
    key: String,
    /// Keys that are invalid, or that have only one scope.
    lesser_keys: Vec<String>,
    token: String,
    known: Added,
    other: Added,
    to_delete: Added,
    also_to_delete: Added,
}

/// Starts a server on the database, with `arguments` in addition to the usual ones.
fn start_server(url: &str, log_filter: &str, log_format: &str, arguments: &[&str]) -> Server {
    let mut command = program();
    command
        .env("RUST_LOG", log_filter)
        .args(["serve", "--pool-size", "8", "--listen", "127.0.0.1:0"])
        .args(["--database-url", url, "--log-format", log_format])
        .args(arguments);
    Server::start(command)
}

impl World {
    /// Starts a server on a migrated database.
    fn start(url: &str, log_filter: &'static str, log_format: &'static str) -> Self {
        let connection = &mut connect(url).expect("the database answers");
        let client = clients::create_client(connection, "Test", Region::DEFAULT).expect("a client can be created");
        let key = add_key(connection, client, &Scope::ALL, None);
        let mut lesser_keys = vec![UNKNOWN_KEY.to_owned(), format!("{EMAIL} {PHONE}"), EMAIL.repeat(20)];
        lesser_keys.extend(Scope::ALL.map(|scope| add_key(connection, client, &[scope], None)));
        lesser_keys.push(add_key(
            connection,
            client,
            &Scope::ALL,
            Some(-chrono::TimeDelta::hours(1)),
        ));
        lesser_keys.push(add_key(connection, client, &Scope::ALL, None));
        revoke(connection, lesser_keys.last().unwrap());
        let token = Token::generate().expect("random numbers");
        let secret = AppSecret::parse(APP_SECRET).unwrap();
        webhooks::add_webhook(connection, client, &token, &secret, || Ok::<_, StoreError>(()))
            .expect("a webhook can be created");

        Self {
            server: start_server(url, log_filter, log_format, &[]),
            url: url.to_owned(),
            log_filter,
            log_format,
            key,
            lesser_keys,
            token: token.reveal().to_owned(),
            known: add(connection, client, Some(PHONE), None),
            other: add(connection, client, Some(OTHER_PHONE), None),
            to_delete: add(connection, client, None, Some(EXTERNAL_ID)),
            also_to_delete: add(connection, client, None, Some(&format!("{EXTERNAL_ID}2"))),
        }
    }

    fn connection(&self) -> PgConnection {
        connect(&self.url).expect("the database answers")
    }

    fn execute(&self, sql: &str) {
        self.connection()
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// A valid request with canaries, without a key. If this panics for a new operation, add a request
    /// for it.
    fn valid_request(&self, path: &str, method: &str) -> Request {
        let (phone, email, name) = (encode(PHONE), encode(EMAIL), encode(NAME));
        let id = &self.known.id;
        let (target, body) = match (method, path) {
            ("GET", "/api/v1/contact-lookup/") => (format!("{path}?phone={phone}&{email}={name}"), json!(null)),
            ("POST", "/api/v1/contact-lookup/batch") => (path.into(), json!({"phones": [PHONE, EMAIL, NAME]})),
            ("GET", "/api/v1/normalize") => (format!("{path}?phone={phone}&platform={email}&{name}"), json!(null)),
            ("GET", "/api/public/contacts/search") => (format!("{path}?phone={phone}&email={email}"), json!(null)),
            ("GET", "/api/public/contacts") => (format!("{path}?days=365&{email}={phone}"), json!(null)),
            ("GET", "/api/public/contact/{id}/info") => (format!("/api/public/contact/{id}/info?{email}"), json!(null)),
            ("PATCH", "/api/public/contact/{id}") => (
                format!("/api/public/contact/{id}?{phone}"),
                json!({"name": NAME, "email": EMAIL, "phone": PHONE}),
            ),
            ("DELETE", "/api/public/contact/{id}") => (
                format!("/api/public/contact/{}?{email}", self.to_delete.id),
                json!(null),
            ),
            ("POST", "/api/public/customer/upsert/info") => (
                path.into(),
                json!({
                    "channel": "whatsapp", "contact_phone_number": PHONE, "contact_name": NAME, "contact_email": EMAIL,
                }),
            ),
            ("POST", "/api/v1/contacts/") => (
                path.into(),
                json!([
                    {"platform": "whatsapp", "phone": PHONE, "name": NAME, "email": EMAIL},
                    {"platform": "webchat", "externalUserId": EXTERNAL_ID}, {"name": NAME}, {"phone": PHONE, "blocked": EMAIL},
                ]),
            ),
            ("POST", "/api/v1/contacts/check") => (
                format!("{path}?{email}"),
                json!([
                    {"phone": PHONE, "name": NAME, "email": EMAIL}, {"name": NAME}, {"phone": PHONE, "blocked": EMAIL},
                ]),
            ),
            ("GET", "/api/v1/contacts/{id}") => (
                format!("/api/v1/contacts/{}?{email}", self.known.serial_id),
                json!(null),
            ),
            ("PATCH", "/api/v1/contacts/{id}") => (
                format!("/api/v1/contacts/{}?{phone}", self.known.serial_id),
                json!({"name": NAME, "email": EMAIL, "phone": PHONE}),
            ),
            ("DELETE", "/api/v1/contacts/{id}") => (
                format!("/api/v1/contacts/{}?{email}", self.also_to_delete.serial_id),
                json!(null),
            ),
            ("POST", "/api/v1/messages/") => (
                path.into(),
                json!([
                    {"platform": "whatsapp", "phone": PHONE, "direction": "inbound", "sentAt": "2025-03-28T14:22:00Z"},
                    {"platform": EMAIL, "phone": NAME, "direction": EMAIL, "sentAt": PHONE, "createMissing": true},
                ]),
            ),
            ("GET", "/webhooks/whatsapp/{token}") => {
                let token = &self.token;
                let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge={phone}");
                (format!("/webhooks/whatsapp/{token}?{query}"), json!(null))
            }
            ("POST", "/webhooks/whatsapp/{token}") => (
                format!("/webhooks/whatsapp/{}", self.token),
                json!({
                    "object": "whatsapp_business_account",
                    "entry": [{"changes": [{"field": "messages", "value": {
                        "contacts": [{"profile": {"name": NAME}, "wa_id": NEW_PHONE[1..], "user_id": EXTERNAL_ID}],
                        "messages": [{"from": NEW_PHONE[1..], "timestamp": "1739321024", "type": "text", "text": {"body": EMAIL}}],
                    }}]}],
                }),
            ),
            ("GET", "/api/v1/search") => (format!("{path}?q={phone}+{email}"), json!(null)),
            ("GET", "/openapi.json" | "/errors" | "/healthz" | "/readyz") => {
                (format!("{path}?phone={phone}&{email}"), json!(null))
            }
            _ => panic!("{method} {path}: add a request with canaries for this operation"),
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut headers = Vec::new();
        if path.starts_with("/webhooks/") {
            headers.push(("X-Hub-Signature-256", sign(APP_SECRET, body.as_bytes())));
        }
        Request {
            method: method.to_owned(),
            target,
            headers,
            body,
        }
    }

    /// The valid request, with the key if the operation needs one.
    fn authorized_request(&self, endpoint: &Endpoint, operation: &Operation) -> Request {
        let valid = self.valid_request(endpoint.path, operation.method.as_str());
        match operation.access {
            Access::Key(_) => valid.with_key(&self.key),
            Access::Public | Access::Webhook => valid,
        }
    }

    /// Invalid requests to the operation, at least one for each kind of error that an endpoint can distinguish.
    fn invalid_requests(&self, endpoint: &Endpoint, operation: &Operation) -> Vec<Request> {
        let valid = self.valid_request(endpoint.path, operation.method.as_str());
        let authorized = self.authorized_request(endpoint, operation);
        let mut all = vec![valid.clone(), authorized.with_key(UNKNOWN_KEY)];
        all.extend(self.lesser_keys.iter().map(|key| valid.with_key(key)));
        let unsigned = Request {
            headers: Vec::new(),
            ..valid
        };
        all.push(unsigned.with_key(&self.key));
        all.push(Request {
            headers: vec![("X-Hub-Signature-256", EMAIL.to_owned())],
            ..unsigned
        });
        for method in ["PUT", "TRACE", "CANARY", "toucan"] {
            all.push(Request {
                method: method.to_owned(),
                ..authorized.clone()
            });
        }
        for query in wrong_queries() {
            all.push(authorized.with_target(format!("{}?{query}", authorized.path())));
        }
        for value in [PHONE, EMAIL, &encode(NAME), "canary%FF", "canary%zz", "%00canary"] {
            let path = endpoint.path.replace("{id}", value).replace("{token}", value);
            all.push(authorized.with_target(path.clone()));
            all.push(authorized.with_target(format!("{path}/{value}")));
        }
        all.push(authorized.with_target(format!("{}?{}", authorized.path(), EMAIL.repeat(400))));
        // An operation without a body ignores these.
        for body in wrong_bodies() {
            // A webhook accepts every signed body.
            let mut request = authorized.with_body(body);
            if operation.access == Access::Webhook {
                request.headers = vec![("X-Hub-Signature-256", sign(APP_SECRET, request.body.as_bytes()))];
            }
            all.push(request);
        }
        if !authorized.body.is_empty() {
            // Exactly one byte too long: with more, the server would close the connection while the rest is being sent.
            let max = if operation.access == Access::Webhook { 3 } else { 2 } << 20;
            all.push(authorized.with_body(EMAIL.chars().cycle().take(max + 1).collect()));
        }
        if operation.method == "PATCH" {
            let other = format!("/api/public/contact/{}", self.other.id);
            all.push(
                authorized
                    .with_target(other)
                    .with_body(json!({"phone": PHONE}).to_string()),
            );
        }
        all
    }

    /// All secrets that no log may contain.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let keys = self.lesser_keys.iter().chain([&self.key, &self.token]);
        keys.map(String::as_str).chain([APP_SECRET])
    }

    /// Asserts that no line of the log contains a canary, whether verbatim, percent-encoded, or with separators.
    fn expect_no_canary(&self, log: &str) {
        let mut parts: BTreeSet<String> = WORDS.map(str::to_owned).into();
        for secret in self.secrets().filter(|secret| !secret.contains(' ')) {
            let secret = secret.trim_start_matches("mindo_");
            parts.extend(
                secret
                    .as_bytes()
                    .windows(SECRET_PART)
                    .map(|part| String::from_utf8_lossy(part).to_lowercase()),
            );
            if let Ok(key) = ApiKey::parse(secret) {
                parts.insert(
                    key.hash()[..SECRET_PART]
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect(),
                );
            }
        }
        for line in log.lines() {
            let plain = line.to_lowercase();
            let decoded = percent_encoding::percent_decode_str(&plain).decode_utf8_lossy();
            let found = parts
                .iter()
                .find(|part| plain.contains(*part) || decoded.contains(*part));
            assert_eq!(found, None, "{line}");
            let digits: String = line.chars().filter(char::is_ascii_digit).collect();
            assert!(!digits.contains(DIGITS), "{line}");
        }
    }
}

/// A contact with all personal data, identified by its external id if given, otherwise by its phone.
fn add(connection: &mut PgConnection, client: ClientId, phone: Option<&str>, external_id: Option<&str>) -> Added {
    let contact = Contact {
        phone,
        external_user_id: external_id,
        email: Some(EMAIL),
        name: Some(NAME),
        ..Contact::default()
    };
    contact.add(connection, client)
}

/// The statuses with which each operation has answered.
#[derive(Default)]
struct Tally(BTreeMap<(&'static str, String), Vec<u16>>);

impl Tally {
    fn add(&mut self, endpoint: &Endpoint, operation: &Operation, status: u16) {
        let key = (endpoint.path, operation.method.to_string());
        self.0.entry(key).or_default().push(status);
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    fn statuses(&self) -> BTreeSet<u16> {
        self.0.values().flatten().copied().collect()
    }
}

/// Calls `ask` for every operation of every endpoint.
fn for_each_operation(mut ask: impl FnMut(&Endpoint, &Operation)) {
    for endpoint in endpoints() {
        for operation in &endpoint.operations {
            ask(&endpoint, operation);
        }
    }
}

/// Sends every valid request, and retries on 503 and 504: the server may have no connection yet, or the machine may be
/// busy.
fn send_valid_requests(world: &World, tally: &mut Tally) {
    for_each_operation(|endpoint, operation| {
        let request = world.authorized_request(endpoint, operation);
        let status = (0..100)
            .map(|_| request.send(&world.server))
            .inspect(|status| tally.add(endpoint, operation, *status))
            .find(|status| ![503, 504].contains(status));
        let is_granted = matches!(status, Some(200 | 204));
        assert!(is_granted, "{status:?}: {} {}", operation.method, endpoint.path);
    });
}

fn send_invalid_requests(world: &World, tally: &mut Tally) {
    for_each_operation(|endpoint, operation| {
        for request in world.invalid_requests(endpoint, operation) {
            tally.add(endpoint, operation, request.send(&world.server));
        }
    });
}

/// Sends every valid request once more to the server, all concurrently.
fn send_concurrent_requests(world: &World, server: &Server, tally: &mut Tally) {
    let endpoints = endpoints();
    thread::scope(|scope| {
        let asked: Vec<_> = endpoints
            .iter()
            .flat_map(|endpoint| endpoint.operations.iter().map(move |operation| (endpoint, operation)))
            .map(|(endpoint, operation)| {
                let request = world.authorized_request(endpoint, operation);
                (endpoint, operation, scope.spawn(move || request.send(server)))
            })
            .collect();
        for (endpoint, operation, status) in asked {
            tally.add(endpoint, operation, status.join().unwrap());
        }
    });
}

/// Sends the valid requests while another connection has all contacts locked, to a server with the deadlines of
/// production. Returns that server and its answers.
fn send_while_contacts_are_locked(world: &World) -> (Server, Tally) {
    let server = start_server(&world.url, world.log_filter, world.log_format, &REAL_DEADLINES);
    let mut tally = Tally::default();
    let mut blocker = world.connection();
    blocker.batch_execute("BEGIN; LOCK TABLE contacts").unwrap();
    send_concurrent_requests(world, &server, &mut tally);
    blocker.batch_execute("ROLLBACK").unwrap();
    (server, tally)
}

/// Waits until the server has logged all answers of the tally, and returns its log.
fn wait_for_answers(server: &Server, tally: &Tally) -> String {
    server.wait_for_log(|log| log.matches("answered").count() >= tally.count())
}

/// Provokes every status, and searches the server's log for canaries.
fn expect_a_log_without_canaries(log_filter: &'static str, log_format: &'static str) {
    let database = TestDatabase::new();
    let world = World::start(database.url(), log_filter, log_format);
    let tally = &mut Tally::default();
    send_valid_requests(&world, tally);
    send_invalid_requests(&world, tally);
    for request in broken_requests() {
        assert_eq!(world.server.send_raw(request.as_bytes()).status, 400, "{request}");
    }
    for (content, status) in files() {
        let headers = [("X-API-Key", &*world.key)];
        let answer = world
            .server
            .send_body("POST", "/page/check", &headers, content.as_bytes());
        assert_eq!(answer.status, status, "{content}");
    }
    let (second_server, second_tally) = send_while_contacts_are_locked(&world);
    world.execute("ALTER TABLE contacts RENAME TO gone");
    send_concurrent_requests(&world, &world.server, tally);
    world.execute("ALTER TABLE gone RENAME TO contacts");
    database.set_available(false);
    send_concurrent_requests(&world, &world.server, tally);
    let log = wait_for_answers(&world.server, tally);
    database.set_available(true);

    let expected = [200, 204, 400, 401, 403, 404, 405, 409, 413, 414, 500, 503, 504];
    let statuses = &tally.statuses() | &second_tally.statuses();
    assert_eq!(statuses, expected.into(), "every status must occur");
    for ((path, method), statuses) in &tally.0 {
        assert!(log.contains(path), "{method} {path} is in the log");
        assert!(
            statuses.contains(&404) && statuses.contains(&405),
            "{method} {path}: {statuses:?}"
        );
    }
    world.expect_no_canary(&log);
    world.expect_no_canary(&wait_for_answers(&second_server, &second_tally));
}

#[test]
fn a_text_log_contains_no_canary_even_at_trace_level() {
    expect_a_log_without_canaries("info,contact_search=trace,access=debug", "text");
}

#[test]
fn a_json_log_contains_no_canary() {
    expect_a_log_without_canaries("info,access=debug", "json");
}

/// PostgreSQL is set to log more than by default: every statement and every lock wait.
#[test]
fn the_log_of_the_private_database_contains_no_canary() {
    let directory = OwnDirectory::new();
    let options = Options {
        data_dir: directory.path().to_owned(),
        programs: programs(),
        settings: vec![("fsync".to_owned(), "off".to_owned())],
    };
    let private = PrivateDatabase::open(&options).expect("the database starts");
    migrations::migrate(&mut connect(&private.url()).unwrap()).expect("the database can be migrated");
    let world = World::start(&private.url(), "info", "text");
    // Enables this logging only after the contacts exist, because the statements that insert them contain the canaries
    // literally.
    let mut superuser = connect(&private.superuser_url("postgres")).unwrap();
    for sql in [
        "ALTER SYSTEM SET log_min_duration_statement = 0",
        "ALTER SYSTEM SET log_lock_waits = on",
        "ALTER SYSTEM SET deadlock_timeout = '10ms'",
        "SELECT pg_reload_conf()",
    ] {
        superuser.batch_execute(sql).unwrap();
    }
    send_valid_requests(&world, &mut Tally::default());
    send_while_contacts_are_locked(&world);
    for (change, refusal) in [
        ("phone = $1", "violates check constraint"),
        (
            "id = (SELECT id FROM contacts WHERE email = $1 LIMIT 1)",
            "duplicate key value",
        ),
        ("contact_list_id = length($1)", "violates foreign key constraint"),
        ("name = repeat($1, 100)", "violates check constraint"),
        ("email = CASE WHEN pg_sleep(9) IS NULL THEN $1 END", "statement timeout"),
    ] {
        let mut connection = world.connection();
        connection.batch_execute("SET statement_timeout = '500ms'").unwrap();
        let error = diesel::sql_query(format!("UPDATE contacts SET {change}"))
            .bind::<Text, _>(EMAIL)
            .execute(&mut connection)
            .expect_err(change);
        assert!(error.to_string().contains(refusal), "{change}: {error}");
    }
    private.close().expect("the server stops");

    let log: String = fs::read_dir(directory.path().join("postgres/log"))
        .expect("the log's directory")
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("a log"))
        .collect();
    for part in [
        "duration: ",
        "still waiting for",
        "due to lock timeout",
        "due to statement timeout",
        "violates check constraint",
        "violates foreign key constraint",
        "duplicate key value",
    ] {
        assert!(log.contains(part), "{part} is missing in {log}");
    }
    world.expect_no_canary(&log);
}
