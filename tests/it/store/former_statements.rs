//! A rolling update: the statements of older programs run on the newest schema.
//!
//! For each schema on which older programs may still run, tests/data/statements/ has a file that is named after its last
//! migration. The file has the statements of that program's requests, in their order, with their values. They are
//! replayed here on the newest schema.
//!
//! A new migration needs a new file, with the statements of the new program: the test writes them to
//! target/statements.json. Older files stay as they are. A file can go when `schema_requirement.oldest_program` shuts its
//! program out.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use contact_search::domain::client::ClientId;
use contact_search::domain::key::Scope;
use contact_search::embedded::PrivateDatabase;
use contact_search::store::webhooks;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::{Server, add_key, program};
use crate::support::database::{count, execute};
use crate::support::messages::message;
use crate::support::private_database::{connect, options, query};
use crate::support::webhook::{SECRET, payload, sign};
use crate::support::{OwnDirectory, PATIENCE, TestDatabase, citus, wait_until};

/// A small and a large client. The statements have their ids.
const CLIENTS: [&str; 2] = [
    "0198c0de-0000-7000-8000-000000000001",
    "0198c0de-0000-7000-8000-000000000002",
];

/// Makes the clients. The large one has more contacts than are walked.
fn set_up(connection: &mut contact_search::store::PgConnection) {
    let [small, large] = CLIENTS;
    connection
        .batch_execute(&format!(
            "INSERT INTO clients (id, name) VALUES ('{small}', 'Small'), ('{large}', 'Large');
             INSERT INTO contact_lists (client_id, name)
             VALUES ('{small}', 'Lista Principal'), ('{large}', 'Lista Principal');
             INSERT INTO contacts (client_id, id, contact_list_id, name, email, phone, phone_key, last_message_at)
             SELECT '{large}', md5(number::text)::uuid, 2, 'Ana Gomez ' || number, 'person' || number || '@acme.com',
                    '+549113' || lpad(number::text, 7, '0'), '549113' || lpad(number::text, 7, '0'),
                    now() - number * interval '1 hour'
             FROM generate_series(1, 6000) AS number"
        ))
        .unwrap();
}

/// A statement with the values of its first run, as PostgreSQL's log shows them.
struct Run {
    statement: String,
    values: Vec<Option<String>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/statements")
}

/// A program's requests to every documented endpoint, by a small and by a large client.
struct Conversation {
    server: Server,
    key: String,
}

impl Conversation {
    fn ok(&self, method: &str, target: &str, body: Option<&Value>) -> Value {
        let headers = [("X-API-Key", &*self.key), ("Content-Type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.server.send_body(method, target, &headers, body.as_bytes());
        assert!((200..300).contains(&answer.status), "{method} {target}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    fn get(&self, target: &str) {
        self.ok("GET", target, None);
    }

    fn read(&self) {
        for target in [
            "/api/v1/contact-lookup/?phone=%2B5491123456789",
            "/api/public/contacts/search?phone=1123456789",
            "/api/public/contacts/search?phone=4567",
            "/api/public/contacts/search?email=gomez",
            "/api/public/contacts/search?email=zq",
            "/api/public/contacts/search?email=%40",
            "/api/public/contacts/search?phone=%2B549113000&email=person7",
            "/api/v1/search?q=ana",
            "/api/v1/search?q=ana%20gomez",
            "/api/v1/search?q=gomes%20ana",
            "/api/v1/search?q=name%3Agom%20%2B5491123456789",
            "/api/v1/search?q=%40acme.com%206789",
            "/api/v1/normalize?phone=1123456789",
        ] {
            self.get(target);
        }
        let batch = json!({"phones": ["+5491123456789", "1144445555"]});
        self.ok("POST", "/api/v1/contact-lookup/batch", Some(&batch));
    }

    fn write(&self, webhook: &str) {
        let person =
            json!({"channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Ana Gómez"});
        let upsert = "/api/public/customer/upsert/info";
        self.ok("POST", upsert, Some(&person));
        let mut known = person.clone();
        known["contact_email"] = json!("ana.gomez@acme.com");
        self.ok("POST", upsert, Some(&known));
        known["external_user_id"] = json!("7");
        self.ok("POST", upsert, Some(&known));
        let batch = json!([
            {"platform": "whatsapp", "phone": "+5491123456789", "name": "Ana Gómez"},
            {"platform": "sms", "phone": "+56912345678", "name": "Luz Paz", "email": "luz@acme.com"},
            {"platform": "messenger", "externalUserId": "9", "name": "Jo"},
        ]);
        self.ok("POST", "/api/v1/contacts/", Some(&batch));
        let inbound = message("+5491123456789", "inbound", "2026-11-28T14:22:00Z");
        let mut missing = message("+56987654321", "inbound", "2026-11-28T14:22:00Z");
        missing["createMissing"] = json!(true);
        self.ok("POST", "/api/v1/messages/", Some(&inbound));
        self.ok("POST", "/api/v1/messages/", Some(&missing));
        self.ok("POST", "/api/v1/messages/", Some(&json!(vec![&inbound; 20])));
        let delivery = payload("text");
        let headers = [("X-Hub-Signature-256", &*sign(SECRET, &delivery))];
        assert_eq!(self.server.send_body("POST", webhook, &headers, &delivery).status, 200);
        let found = self.ok("GET", "/api/public/contacts/search?email=luz%40acme.com", None);
        let id = found[0]["id"].as_str().expect("the contact is found");
        self.get(&format!("/api/public/contact/{id}/info"));
        self.get(&format!("/api/v1/contacts/{id}"));
        self.ok(
            "PATCH",
            &format!("/api/v1/contacts/{id}"),
            Some(&json!({"name": "Ana G."})),
        );
        self.ok(
            "PATCH",
            &format!("/api/public/contact/{id}"),
            Some(&json!({"blocked": true})),
        );
        self.ok("DELETE", &format!("/api/public/contact/{id}"), None);
        self.get("/api/public/contacts?days=30");
    }
}

/// The statements that this program runs for the requests, each once, in their order.
fn record() -> Vec<Run> {
    let directory = OwnDirectory::with_database();
    let mut options = options(directory.path());
    // The private database logs no values, because they are personal data.
    let logged = [
        ("log_statement", "all"),
        ("log_parameter_max_length", "-1"),
        ("log_error_verbosity", "default"),
        ("log_line_prefix", "%p "),
    ];
    let logged = logged.map(|(name, value)| (name.to_owned(), value.to_owned()));
    options.settings.extend(logged);
    let database = PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"));
    let mut connection = connect(&database.url());
    set_up(&mut connection);
    let clients = CLIENTS.map(|id| ClientId::new(id.parse().unwrap()));
    let keys = clients.map(|client| add_key(&mut connection, client, &Scope::ALL, None));
    let secret = contact_search::domain::webhook::AppSecret::parse(SECRET).unwrap();
    let token = contact_search::domain::webhook::Token::generate().unwrap();
    webhooks::add_webhook(&mut connection, clients[0], &token, &secret, || {
        Ok::<_, contact_search::store::StoreError>(())
    })
    .unwrap();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database.url()]);
    let server = Server::start(command);
    let [small, large] = keys;
    let mut conversation = Conversation { server, key: small };
    conversation.write(&format!("/webhooks/whatsapp/{}", token.reveal()));
    conversation.read();
    conversation.key = large;
    conversation.read();
    drop(conversation);
    // PostgreSQL's log is complete up to this statement when it shows.
    let own = count(&mut connection, "SELECT pg_backend_pid()::bigint AS count").to_string();
    execute(&mut connection, "SELECT 'the log is complete'");
    let mut log = String::new();
    wait_until(PATIENCE, "PostgreSQL's log stays incomplete", || {
        let files = fs::read_dir(database.data_directory().join("log")).unwrap();
        log = files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        log.contains("the log is complete")
    });
    runs(&log, &own)
}

/// The statements in PostgreSQL's log that were prepared by name: those of requests, and a few of background jobs.
fn runs(log: &str, ignored_process: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut known = HashSet::new();
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match line.strip_prefix('\t') {
            Some(more) => {
                let entry = entries.last_mut().expect("a first line");
                entry.push('\n');
                entry.push_str(more);
            }
            None => entries.push(line.to_owned()),
        }
    }
    let mut by_process: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        let Some((process, text)) = entry.split_once(' ') else {
            continue;
        };
        if process == ignored_process {
            continue;
        }
        if let Some((_, statement)) = text
            .strip_prefix("LOG:  execute __diesel_stmt_")
            .and_then(|text| text.split_once(": "))
        {
            by_process.remove(process);
            if known.insert(statement.to_owned()) {
                by_process.insert(process, runs.len());
                runs.push(Run {
                    statement: statement.to_owned(),
                    values: Vec::new(),
                });
            }
        } else if let Some(values) = text.strip_prefix("DETAIL:  parameters: ")
            && let Some(at) = by_process.remove(process)
        {
            runs[at].values = values_of(values);
        }
    }
    runs
}

/// Parses `$1 = 'it''s', $2 = NULL`.
fn values_of(mut text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    while let Some((_, rest)) = text.split_once(" = ") {
        let Some(quoted) = rest.strip_prefix('\'') else {
            values.push(None);
            text = rest;
            continue;
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                value.push(character);
            } else if characters.peek().is_some_and(|(_, next)| *next == '\'') {
                characters.next();
                value.push('\'');
            } else {
                end = at;
                break;
            }
        }
        values.push(Some(value));
        text = &quoted[end..];
    }
    values
}

/// The file of a recording: JSON with the lines of each statement and its values.
fn file(runs: &[Run]) -> String {
    let runs: Vec<Value> = runs
        .iter()
        .map(|run| json!({"statement": run.statement.lines().collect::<Vec<_>>(), "values": run.values}))
        .collect();
    serde_json::to_string_pretty(&runs).unwrap() + "\n"
}

fn read_file(path: &Path) -> Vec<Run> {
    let runs: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    runs.iter()
        .map(|run| Run {
            statement: run["statement"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(text)
                .collect::<Vec<_>>()
                .join("\n"),
            values: run["values"].as_array().unwrap().iter().map(text).collect(),
        })
        .collect()
}

/// Runs each statement once with its values.
fn replay(runs: &[Run]) {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    set_up(&mut connection);
    for (number, Run { statement, values }) in runs.iter().enumerate() {
        let quoted = |value: &Option<String>| match value {
            Some(value) => format!("'{}'", value.replace('\'', "''")),
            None => "NULL".to_owned(),
        };
        let values: Vec<String> = values.iter().map(quoted).collect();
        let values = if values.is_empty() {
            String::new()
        } else {
            format!("({})", values.join(", "))
        };
        connection
            .batch_execute(&format!("PREPARE former{number} AS {statement}"))
            .and_then(|()| connection.batch_execute(&format!("EXECUTE former{number} {values}")))
            .unwrap_or_else(|error| panic!("{error}: {statement}\n{values}"));
    }
}

/// The newest migration, and the oldest one that a program must know.
fn schema() -> [String; 2] {
    let database = TestDatabase::new();
    let url = database.url();
    [
        query(url, "SELECT max(version) FROM __diesel_schema_migrations"),
        query(url, "SELECT oldest_program FROM schema_requirement"),
    ]
}

#[test]
fn the_statements_of_every_older_program_run_on_the_newest_schema() {
    let [newest, oldest] = schema();
    let mut versions = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let version = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // Older programs can run on a plain database.
        if version < oldest && citus::is_used() {
            continue;
        }
        assert!(
            version >= oldest,
            "{version}: no such program can run on the schema, so delete the file"
        );
        let runs = read_file(&path);
        assert!(runs.len() > 30, "{version}: {} statements", runs.len());
        replay(&runs);
        versions.push(version);
    }
    assert!(
        versions.contains(&newest),
        "{newest} has no file: copy target/statements.json"
    );
}

#[test]
fn the_newest_file_has_every_statement_of_this_program() {
    let [newest, _] = schema();
    let path = folder().join(format!("{newest}.json"));
    let mut runs = if path.exists() { read_file(&path) } else { Vec::new() };
    let known: HashSet<String> = runs.iter().map(|run| run.statement.clone()).collect();
    let recorded = record();
    let unknown = recorded.into_iter().filter(|run| !known.contains(&run.statement));
    runs.extend(unknown);
    let unknown: Vec<&str> = runs[known.len()..].iter().map(|run| &*run.statement).collect();
    // Former statements stay: programs of the same schema run them.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/statements.json");
    fs::write(target, file(&runs)).unwrap();
    assert!(
        unknown.is_empty(),
        "tests/data/statements/{newest}.json lacks {} statements, so copy target/statements.json to it: {unknown:#?}",
        unknown.len()
    );
}
