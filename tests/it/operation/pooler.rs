//! The server behind pgbouncer, which gives each transaction any free session.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use nix::unistd::Uid;
use serde_json::json;

use crate::support::app::{Server, add_key, program};
use crate::support::{Contact, PATIENCE, TestDatabase, wait_until};
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::{PgConnection, clients};
use diesel::connection::CacheSize;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// A pgbouncer with two sessions to PostgreSQL for any number of clients.
struct Pooler {
    process: Child,
    directory: tempfile::TempDir,
}

impl Pooler {
    fn start(database: &TestDatabase) -> Self {
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        // Sets the mode explicitly, whatever the umask is, because pgbouncer's user creates its socket in the
        // directory.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let (_, query) = database.url().split_once('?').unwrap();
        let target: Vec<&str> = query.split('&').collect();
        let (_, name) = database.url().split_once("///").unwrap();
        let name = name.split('?').next().unwrap();
        let place = directory.path().display();
        let settings = format!(
            "[databases]\npooled = dbname={name} {}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {place}\n\
             listen_port = 6432\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n",
            target.join(" ")
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new("pgbouncer");
        if Uid::effective().is_root() {
            // pgbouncer refuses to run as root.
            command.args(["-u", "postgres"]);
        }
        let process = command
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer is installed");
        let pooler = Self { process, directory };
        wait_until(PATIENCE, "pgbouncer does not start", || {
            PgConnection::establish(&pooler.url()).is_ok()
        });
        pooler
    }

    fn url(&self) -> String {
        format!(
            "postgresql:///pooled?host={}&port=6432&user=contact_search",
            self.directory.path().display()
        )
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The number of per-request settings that are still set in the session of a new transaction.
fn settings_of_a_session(url: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let settings = "SELECT count(*) AS count FROM pg_settings
        WHERE name IN ('statement_timeout', 'lock_timeout', 'plan_cache_mode', 'jit') AND source = 'session'";
    let mut connection = PgConnection::establish(url).unwrap();
    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    let row: Row = connection
        .transaction(|connection| diesel::sql_query(settings).get_result(connection))
        .unwrap();
    row.count
}

#[test]
fn all_requests_work_behind_a_transaction_pooler() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Test", Region::DEFAULT).unwrap();
    let key = add_key(&mut connection, client, &Scope::ALL, None);
    for number in 0..60 {
        let (phone, email) = (format!("+54911555500{number:02}"), format!("ana{number}@example.com"));
        Contact {
            phone: Some(&phone),
            email: Some(&email),
            ..Contact::default()
        }
        .add(&mut connection, client);
    }
    let pooler = Pooler::start(&database);
    let mut command = program();
    // More connections than the pooler has sessions.
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--pooler",
        "--pool-size",
        "6",
        "--database-url",
        &pooler.url(),
    ]);
    let server = Server::start(command);
    wait_until(PATIENCE, "the server is not ready", || {
        server.get("/readyz", None).status == 200
    });

    let retry = |ask: &dyn Fn() -> crate::support::Answer| {
        let mut answer = ask();
        while answer.status == 503 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            answer = ask();
        }
        answer
    };
    std::thread::scope(|scope| {
        for caller in 0..6 {
            let (server, key, retry) = (&server, &key, &retry);
            scope.spawn(move || {
                for round in 0..10 {
                    let number = caller * 10 + round;
                    let phone = format!("%2B54911555500{number:02}");
                    let looked_up = retry(&|| server.get(&format!("/api/v1/contact-lookup/?phone={phone}"), Some(key)));
                    assert_eq!(looked_up.status, 200);
                    assert_eq!(looked_up.json()["contact"]["email"], format!("ana{number}@example.com"));
                    let searched = retry(&|| server.get("/api/public/contacts/search?email=ana&phone=5555", Some(key)));
                    assert_eq!((searched.status, searched.ids().len()), (200, 50));
                    let message = json!({
                        "platform": "whatsapp", "phone": format!("+54911555500{number:02}"), "direction": "inbound",
                        "sentAt": "2026-01-01T00:00:00Z",
                    });
                    let message = message.to_string();
                    let recorded =
                        retry(&|| server.send_json("POST", "/api/v1/messages/", Some(key), message.as_bytes()));
                    assert_eq!(recorded.status, 200, "{recorded:?}");
                    let contact = json!({"channel": "webchat", "external_user_id": format!("v{number}")}).to_string();
                    let upserted = retry(&|| {
                        server.send_json(
                            "POST",
                            "/api/public/customer/upsert/info",
                            Some(key),
                            contact.as_bytes(),
                        )
                    });
                    assert_eq!(upserted.status, 200, "{upserted:?}");
                }
            });
        }
    });
    assert_eq!(
        database.count("SELECT count(*) AS count FROM contacts WHERE platform = 'webchat'"),
        60
    );
    let asked = json!([{ "phone": "+5491155550007", "email": "ana7@example.com" }]).to_string();
    let checked = retry(&|| server.send_json("POST", "/api/v1/contacts/check", Some(&key), asked.as_bytes()));
    assert_eq!(
        (checked.status, &checked.json()["counts"]["exact"]),
        (200, &json!(1)),
        "{checked:?}"
    );
    let file = b"phone,email\n+5491155550007,ana7@example.com\n";
    let checked = server.send_body("POST", "/page/check", &[("X-API-Key", &key)], file);
    assert!(
        checked.status == 200 && checked.body.contains(r#""verdict":"exact""#),
        "{checked:?}"
    );
    // The settings of a request end with its transaction. The session's next user must not inherit them.
    for _ in 0..4 {
        assert_eq!(settings_of_a_session(&pooler.url()), 0);
    }
    let log = server.log.lock().unwrap().clone();
    assert!(
        !log.contains("status=500") && !log.contains("prepared statement"),
        "{log}"
    );
}
