//! The credential cache: the cost of a cached key, and the delay until a change of a key takes effect.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::domain::phone::Region;
use contact_search::store::{clients, keys};
use serde_json::json;

use crate::support::app::{REAL_DEADLINES, Server, add_key, program, revoke};
use crate::support::command::{listed_keys, run_on, stdout};
use crate::support::database::execute;
use crate::support::{Contact, PATIENCE, SetOnDrop, TestApp, TestDatabase, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=123";
const LOOKUP_OF_NOTHING: &str = "/api/v1/contact-lookup/";
const SEARCH: &str = "/api/public/contacts/search?email=a";

/// For effects promised within a second, with a margin for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Makes the server cache the key, so that requests with it need no statement.
///
/// While `api_keys` is locked, no statement can read the table: an answer then proves that the key is cached.
fn cache_key(app: &TestApp, server: &Server, key: &str) {
    let status = || server.get(LOOKUP, Some(key)).status;
    assert_eq!(status(), 200);
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    wait_until(PATIENCE, "the key is read from the database for each request", || {
        status() == 200
    });
    execute(&mut blocker, "ROLLBACK");
}

/// Starts one more server on the app's database.
fn another_server(app: &TestApp) -> Server {
    let mut command = program();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database-url", app.database.url()])
        .args(REAL_DEADLINES);
    Server::start(command)
}

#[test]
fn a_cached_key_needs_no_statement_and_every_server_soon_refuses_it_once_revoked() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let other_server = another_server(&app);
    let servers = [&app.server, &other_server];
    for server in servers {
        cache_key(&app, server, &app.key);
    }
    let mut connection = app.database.connect();
    revoke(&mut connection, &app.key);
    for server in servers {
        wait_until(SOON, "the revoked key is still accepted", || {
            server.get(LOOKUP, Some(&app.key)).status == 401
        });
        let refused = server.get(LOOKUP, Some(&app.key));
        assert_eq!(refused.json(), json!({"error": "API Key expirada"}));
    }
}

#[test]
fn a_key_deleted_with_its_client_is_soon_unknown() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let mut connection = app.database.connect();
    let client = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let key = add_key(&mut connection, client, &Scope::ALL, None);
    cache_key(&app, &app.server, &key);
    execute(
        &mut connection,
        &format!("DELETE FROM contact_lists WHERE client_id = '{client}'; DELETE FROM clients WHERE id = '{client}'"),
    );
    wait_until(SOON, "the deleted key is still accepted", || {
        app.server.get(LOOKUP, Some(&key)).status == 401
    });
    assert_eq!(
        app.server.get(LOOKUP, Some(&key)).json(),
        json!({"error": "API Key invalida"})
    );
}

#[test]
fn an_unknown_key_needs_one_statement_and_works_soon_after_it_is_added() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    cache_key(&app, &app.server, &app.key);
    let key = ApiKey::generate(Format::Opaque).unwrap();
    let status = || app.server.get(LOOKUP, Some(key.reveal())).status;
    assert_eq!(status(), 401);
    let mut connection = app.database.connect();
    execute(&mut connection, "BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    wait_until(
        PATIENCE,
        "the unknown key is read from the database for each request",
        || status() == 401,
    );
    execute(&mut connection, "ROLLBACK");

    let new = NewKey::new("imported", Scope::ALL.to_vec(), None).unwrap();
    keys::add_key(&mut connection, app.client, &key, &new).unwrap();
    wait_until(SOON, "the added key is still refused", || status() == 200);
}

#[test]
fn a_cached_key_expires_on_time() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let mut connection = app.database.connect();
    let key = add_key(&mut connection, app.client, &Scope::ALL, Some(TimeDelta::seconds(6)));
    cache_key(&app, &app.server, &key);
    let expired = "SELECT count(*) AS count FROM api_keys WHERE expires_at <= now()";
    wait_until(PATIENCE, "the key never expires", || {
        let has_expired = app.database.count(expired) == 1;
        let answer = app.server.get(LOOKUP, Some(&key));
        assert!(
            answer.status == 401 || !has_expired,
            "the expired key is still accepted"
        );
        assert!(
            answer.status == 200 || app.database.count(expired) == 1,
            "the key is refused before it expires"
        );
        answer.status == 401
    });
    assert_eq!(
        app.server.get(LOOKUP, Some(&key)).json(),
        json!({"error": "API Key expirada"})
    );
}

#[test]
fn a_change_of_a_key_or_its_client_soon_takes_effect() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    app.add(Contact {
        phone: Some("+12025550123"),
        ..Contact::default()
    });
    cache_key(&app, &app.server, &app.key);
    let found = || app.get("/api/v1/contact-lookup/?phone=2025550123").json()["found"].clone();
    assert_eq!(found(), false, "in the region AR the number must not match");
    app.sql("UPDATE clients SET default_region = 'US'");
    wait_until(SOON, "the old region is still used", || found() == true);

    app.sql("UPDATE api_keys SET label = 'renamed', scopes = '{search}'");
    wait_until(SOON, "the old scope is still used", || app.get(LOOKUP).status == 403);
    app.server.wait_for_log(|log| log.contains("renamed"));
}

#[test]
fn during_an_outage_a_cached_key_suffices_for_answers_that_need_no_database() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let scoped = add_key(&mut app.database.connect(), app.client, &[Scope::Lookup], None);
    cache_key(&app, &app.server, &scoped);
    cache_key(&app, &app.server, &app.key);
    app.database.set_available(false);
    wait_until(SOON, "the server is still ready", || {
        app.server.get("/readyz", None).status == 503
    });
    let status = |target, key: &str| app.server.get(target, Some(key)).status;
    assert_eq!(status(LOOKUP_OF_NOTHING, &app.key), 400);
    assert_eq!(status("/api/public/contacts/search?email=%FF", &app.key), 400);
    assert_eq!(status(SEARCH, &scoped), 403);
    assert_eq!(status(LOOKUP, &app.key), 503);
    let uncached = "mindo_000000000000000000000000";
    assert_eq!(status(LOOKUP_OF_NOTHING, uncached), 503, "the key cannot be checked");

    app.database.set_available(true);
    wait_until(PATIENCE, "the server does not recover", || {
        status(LOOKUP, &app.key) == 200
    });
    wait_until(PATIENCE, "the server is not ready", || {
        app.server.get("/readyz", None).status == 200
    });
    let log = app
        .server
        .wait_for_log(|log| log.contains("the database is ready again"));
    assert!(!log.contains("status=500"), "{log}");
}

#[test]
fn the_credential_version_changes_with_a_keys_settings_but_not_with_its_use() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    add_key(&mut connection, client, &Scope::ALL, None);
    let mut version = keys::read_version(&mut connection).unwrap();
    let mut changes = |sql: &str| {
        // Runs with a search path that does not contain the tables.
        execute(&mut connection, "SET search_path TO ''");
        execute(&mut connection, sql);
        execute(&mut connection, "RESET search_path");
        let before = version;
        version = keys::read_version(&mut connection).unwrap();
        version != before
    };
    for sql in [
        "UPDATE public.api_keys SET last_used_at = now()",
        "UPDATE public.clients SET name = 'Acme & Sons'",
        "INSERT INTO public.clients (id, name) VALUES (gen_random_uuid(), 'New')",
    ] {
        assert!(!changes(sql), "{sql}");
    }
    for sql in [
        "UPDATE public.api_keys SET scopes = '{search}'",
        "UPDATE public.api_keys SET expires_at = now()",
        "UPDATE public.api_keys SET revoked_at = now()",
        "UPDATE public.api_keys SET label = 'crm'",
        "UPDATE public.api_keys SET rate_limit = 5",
        "UPDATE public.api_keys SET key_hash = sha256('a')",
        "UPDATE public.api_keys SET client_id = (SELECT id FROM public.clients WHERE name = 'New')",
        "INSERT INTO public.api_keys (id, client_id, key_hash, display, scopes)
         SELECT gen_random_uuid(), id, sha256('b'), 'b', '{search}' FROM public.clients WHERE name = 'New'",
        "UPDATE public.clients SET default_region = 'US'",
        "DELETE FROM public.clients WHERE name = 'New'",
        "DELETE FROM public.api_keys",
        "TRUNCATE public.api_keys",
    ] {
        assert!(changes(sql), "{sql}");
    }
}

/// The number of backends that wait for the locked table.
const WAITING: &str = "SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[test]
fn requests_with_invented_keys_leave_capacity_for_cached_keys() {
    let app = TestApp::start_with(&[&["--pool-size", "4"], &REAL_DEADLINES[..]].concat());
    cache_key(&app, &app.server, &app.key);
    // While the table is locked, each unknown key occupies a connection until the statement timeout.
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    let should_stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = SetOnDrop(&should_stop);
        for _ in 0..8 {
            scope.spawn(|| {
                while !should_stop.load(Ordering::Relaxed) {
                    let invented = ApiKey::generate(Format::Mindo).unwrap();
                    let status = app.server.get(LOOKUP, Some(invented.reveal())).status;
                    assert!([503, 504].contains(&status), "{status}");
                }
            });
        }
        wait_until(
            PATIENCE,
            "the invented keys do not use their share of the connections",
            || app.database.count(WAITING) >= 2,
        );
        for _ in 0..200 {
            assert_eq!(app.server.get(LOOKUP, Some(&app.key)).status, 200);
        }
    });
    execute(&mut blocker, "ROLLBACK");
    assert_eq!(
        app.server.get(LOOKUP, Some("mindo_000000000000000000000000")).status,
        401
    );
}

#[test]
fn a_rotated_key_is_refused_after_the_overlap() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    cache_key(&app, &app.server, &app.key);
    let [id] = &listed_keys(&app.database, "Test")[..] else {
        panic!("expected one key");
    };
    stdout(run_on(&app.database, &["key", "rotate", id, "--overlap", "1s"]));
    wait_until(SOON, "the old key is still accepted", || app.get(LOOKUP).status == 401);
}
