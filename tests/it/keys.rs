//! Keys that a server keeps in memory: what they cost, and how soon a change of them counts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::domain::phone::Region;
use contact_search::domain::rate_limit::RateLimit;
use contact_search::store::PgConnection;
use contact_search::store::{clients, keys};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use uuid::Uuid;

use crate::cli::{complaint, on, stdout, unread};
use crate::support::app::{Server, add_key, program, revoke};
use crate::support::{Contact, EVER, TestApp, TestDatabase, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=1";
const LOOKUP_OF_NOTHING: &str = "/api/v1/contact-lookup/";
const SEARCH: &str = "/api/public/contacts/search?email=a";

/// What has to be so within a second, with a margin for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Makes the server know the key, so that no statement is needed for it.
///
/// Nothing reads `api_keys` while it is locked: what is answered then was known.
fn make_known(app: &TestApp, server: &Server, key: &str) {
    let status = || server.get(LOOKUP, Some(key)).status;
    assert_eq!(status(), 200);
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    wait_until(EVER, "the key is read for each request", || status() == 200);
    execute(&mut blocker, "ROLLBACK");
}

fn execute(connection: &mut PgConnection, sql: &str) {
    diesel::connection::SimpleConnection::batch_execute(connection, sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// One more server on the app's database.
fn another_server(app: &TestApp) -> Server {
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", app.database.url()]);
    Server::start(command)
}

#[test]
fn a_known_key_takes_no_statement_and_is_refused_by_every_server_soon_after_it_is_revoked() {
    let app = TestApp::start();
    let other_server = another_server(&app);
    let servers = [&app.server, &other_server];
    for server in servers {
        make_known(&app, server, &app.key);
    }
    let mut connection = app.database.connect();
    revoke(&mut connection, &app.key);
    for server in servers {
        wait_until(SOON, "it is accepted though it was revoked", || {
            server.get(LOOKUP, Some(&app.key)).status == 401
        });
        let refused = server.get(LOOKUP, Some(&app.key));
        assert_eq!(refused.json(), json!({"error": "API Key expirada"}));
    }
}

#[test]
fn a_key_that_goes_with_its_client_is_unknown_soon() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let client = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let key = add_key(&mut connection, client, &Scope::ALL, None);
    make_known(&app, &app.server, &key);
    execute(
        &mut connection,
        &format!("DELETE FROM contact_lists WHERE client_id = '{client}'; DELETE FROM clients WHERE id = '{client}'"),
    );
    wait_until(SOON, "it is accepted though it is gone", || {
        app.server.get(LOOKUP, Some(&key)).status == 401
    });
    assert_eq!(
        app.server.get(LOOKUP, Some(&key)).json(),
        json!({"error": "API Key invalida"})
    );
}

#[test]
fn a_key_that_nobody_has_takes_one_statement_and_works_soon_after_somebody_has_it() {
    let app = TestApp::start();
    make_known(&app, &app.server, &app.key);
    let key = ApiKey::generate(Format::Opaque).unwrap();
    let status = || app.server.get(LOOKUP, Some(key.reveal())).status;
    assert_eq!(status(), 401);
    let mut connection = app.database.connect();
    execute(&mut connection, "BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    wait_until(EVER, "it is read for each request", || status() == 401);
    execute(&mut connection, "ROLLBACK");

    let new = NewKey::new("imported", Scope::ALL.to_vec(), None).unwrap();
    keys::add_key(&mut connection, app.client, &key, &new).unwrap();
    wait_until(SOON, "it stays unknown", || status() == 200);
}

#[test]
fn a_known_key_ends_when_it_expires() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let key = add_key(&mut connection, app.client, &Scope::ALL, Some(TimeDelta::seconds(6)));
    make_known(&app, &app.server, &key);
    let expired = "SELECT count(*) AS count FROM api_keys WHERE expires_at <= now()";
    wait_until(EVER, "it never ends", || {
        let has_expired = app.database.count(expired) == 1;
        let answer = app.server.get(LOOKUP, Some(&key));
        assert!(
            answer.status == 401 || !has_expired,
            "it is accepted though it has expired"
        );
        assert!(
            answer.status == 200 || app.database.count(expired) == 1,
            "it ends too early"
        );
        answer.status == 401
    });
    assert_eq!(
        app.server.get(LOOKUP, Some(&key)).json(),
        json!({"error": "API Key expirada"})
    );
}

#[test]
fn a_changed_key_or_client_counts_soon() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+12025550123"),
        ..Contact::default()
    });
    make_known(&app, &app.server, &app.key);
    let found = || app.get("/api/v1/contact-lookup/?phone=2025550123").json()["found"].clone();
    assert_eq!(found(), false, "read in Argentina first");
    app.sql("UPDATE clients SET default_region = 'US'");
    wait_until(SOON, "the region stays", || found() == true);

    app.sql("UPDATE api_keys SET label = 'renamed', scopes = '{search}'");
    wait_until(SOON, "the scope stays", || app.get(LOOKUP).status == 403);
    app.server.log_when(|log| log.contains("renamed"));
}

#[test]
fn with_a_known_key_what_needs_no_database_is_answered_without_it() {
    let app = TestApp::start();
    let scoped = add_key(&mut app.database.connect(), app.client, &[Scope::Lookup], None);
    make_known(&app, &app.server, &scoped);
    make_known(&app, &app.server, &app.key);
    app.database.set_available(false);
    wait_until(SOON, "it is ready without its database", || {
        app.server.get("/readyz", None).status == 503
    });
    let status = |target, key: &str| app.server.get(target, Some(key)).status;
    assert_eq!(status(LOOKUP_OF_NOTHING, &app.key), 400);
    assert_eq!(status("/api/public/contacts/search?email=%FF", &app.key), 400);
    assert_eq!(status(SEARCH, &scoped), 403);
    assert_eq!(status(LOOKUP, &app.key), 503);
    let unread = "mindo_000000000000000000000000";
    assert_eq!(status(LOOKUP_OF_NOTHING, unread), 503, "whose it is can't be known");

    app.database.set_available(true);
    wait_until(EVER, "it doesn't come back", || status(LOOKUP, &app.key) == 200);
    wait_until(EVER, "it isn't ready", || app.server.get("/readyz", None).status == 200);
    let log = app.server.log_when(|log| log.contains("the database answers again"));
    assert!(!log.contains("status=500"), "{log}");
}

/// The process of PostgreSQL that answers the server's looks.
fn watching_backend(app: &TestApp) -> i64 {
    let backend = "SELECT coalesce(max(pid), 0)::bigint AS count FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT \"credential_version\"%'";
    let start = Instant::now();
    loop {
        match app.database.count(backend) {
            // In the midst of a look it is at another statement.
            0 => assert!(start.elapsed() < EVER, "nobody looks"),
            pid => return pid,
        }
    }
}

#[test]
fn however_many_ask_whether_it_is_ready_one_connection_looks() {
    let app = TestApp::start();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(app.server.get("/readyz", None).status, 200));
        }
    });
    let others = "SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    // The connection of a count before may still be on its way out.
    wait_until(EVER, "there are more connections than one", || {
        app.database.count(others) == 1
    });
    let first = watching_backend(&app);
    app.sql(&format!("SELECT pg_terminate_backend({first})"));
    wait_until(EVER, "no new connection comes", || watching_backend(&app) != first);
    wait_until(EVER, "it isn't ready", || app.server.get("/readyz", None).status == 200);
}

/// A process that was stopped, and goes on when this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(pid: i64) -> Self {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

#[test]
fn a_stuck_backend_keeps_a_server_from_being_ready_until_another_one_takes_its_place() {
    let app = TestApp::start();
    assert_eq!(app.server.get("/readyz", None).status, 200);
    let _stuck = Stopped::new(watching_backend(&app));
    let is_ready = || app.server.get("/readyz", None).status == 200;
    wait_until(SOON, "it is ready though nothing answers", || !is_ready());
    assert_eq!(
        app.get(LOOKUP).status,
        200,
        "keys are read as long as nobody vouches for them"
    );
    wait_until(EVER, "it waits for the stuck one", is_ready);
}

#[test]
fn the_version_changes_with_what_a_key_means_and_not_with_its_use() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    add_key(&mut connection, client, &Scope::ALL, None);
    let mut version = keys::read_version(&mut connection).unwrap();
    let mut changes = |sql: &str| {
        // As somebody who has the tables elsewhere on the path, or nowhere.
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

/// How many of the backends wait for the table that somebody has locked.
const WAITING: &str = "SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Sets the flag when it goes, be it in a panic: the threads that look at it end in any case.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn whoever_makes_keys_up_leaves_capacity_to_those_who_have_one() {
    let app = TestApp::start_with(&["--pool-size", "4"]);
    make_known(&app, &app.server, &app.key);
    // While it is locked, a key that isn't known takes a connection for as long as a statement may take.
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetAtEnd(&is_over);
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let made_up = ApiKey::generate(Format::Mindo).unwrap();
                    let status = app.server.get(LOOKUP, Some(made_up.reveal())).status;
                    assert!([503, 504].contains(&status), "{status}");
                }
            });
        }
        wait_until(EVER, "they don't take what they may", || {
            app.database.count(WAITING) >= 2
        });
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

/// Makes a key without any speciality, and gives its id.
fn plain_key(connection: &mut PgConnection, client: contact_search::domain::client::ClientId) -> Uuid {
    let key = ApiKey::generate(Format::Mindo).unwrap();
    let new = NewKey::new("plain", Scope::ALL.to_vec(), None).unwrap();
    keys::add_key(connection, client, &key, &new).unwrap()
}

#[test]
fn the_latest_use_that_any_server_tells_is_kept_and_changes_nothing_else() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let [often, once, never] = std::array::from_fn(|_| plain_key(&mut connection, client));
    let version = keys::read_version(&mut connection).unwrap();
    let gone = Uuid::now_v7();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for uses in [
        &[(often, minutes(10)), (gone, minutes(0)), (once, minutes(30))][..],
        &[(often, minutes(5))],
        &[(often, minutes(20))],
        &[],
    ] {
        keys::record_uses(&mut connection, uses).unwrap();
    }
    let used_before = |id| {
        let records = keys::list_keys(&mut database.connect(), None).unwrap();
        let record = records.into_iter().find(|record| record.id == id).expect("its record");
        let now = chrono::Utc::now();
        record.last_used_at.map(|at| (now - at).num_minutes())
    };
    assert_eq!(
        (used_before(often), used_before(once), used_before(never)),
        (Some(5), Some(30), None)
    );
    assert_eq!(keys::read_version(&mut connection).unwrap(), version);
}

#[test]
fn servers_that_write_uses_at_once_never_wait_for_each_other_in_circles() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let mut uses: Vec<(Uuid, Duration)> = (0..50)
        .map(|_| (plain_key(&mut connection, client), Duration::ZERO))
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (told, database) = (uses.clone(), &database);
            scope.spawn(move || {
                let pool = database.pool();
                for _ in 0..100 {
                    let written = pool.run(|connection| keys::record_uses(connection, &told));
                    written.expect("nobody is in the way for good");
                }
            });
            uses.reverse();
        }
    });
}

#[test]
fn a_server_that_stops_writes_when_keys_were_last_used() {
    let mut app = TestApp::start();
    let key = add_key(&mut app.database.connect(), app.client, &[Scope::Search], None);
    let used = "SELECT count(*) AS count FROM api_keys WHERE last_used_at > now() - interval '1 minute'";
    // Also one that is refused for its scope is in use.
    assert_eq!(app.server.get(LOOKUP, Some(&key)).status, 403);
    assert_eq!(
        app.server.get(LOOKUP, Some("mindo_000000000000000000000000")).status,
        401
    );
    kill(Pid::from_raw(app.server.pid().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(app.server.wait(), Some(0));
    assert_eq!(app.database.count(used), 1);

    let list = stdout(on(&app.database, &["key", "list"]));
    assert!(list.lines().next().unwrap().contains("LAST USED"), "{list}");
    let today = chrono::Utc::now().format("%Y-").to_string();
    let line = |end: &str| {
        list.lines()
            .find(|line| line.contains(end))
            .expect("its line")
            .to_owned()
    };
    let dates = |line: &str| line.matches(&today).count();
    assert_eq!(
        (dates(&line(&key[26..])), dates(&line(&app.key[26..]))),
        (2, 1),
        "{list}"
    );
}

#[test]
fn a_use_that_cant_be_written_during_an_outage_is_written_after_it() {
    let app = TestApp::start();
    assert_eq!(app.get(LOOKUP).status, 200);
    let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS count";
    let latest = app.database.count(clock);
    app.database.set_available(false);
    app.server
        .log_when(|log| log.contains("when keys were last used can't be written for now"));
    app.database.set_available(true);
    let used = "SELECT coalesce((extract(epoch FROM max(last_used_at)) * 1000)::bigint, 0) AS count FROM api_keys";
    wait_until(EVER, "it is lost", || app.database.count(used) > 0);
    // By the database's clock, and of the moment at which it was used: not of that at which it was written.
    let used = app.database.count(used);
    assert!(
        (latest - 60_000..=latest + 100).contains(&used),
        "{used} and not {latest}"
    );
}

/// The ids of the keys in the list's lines that say this, the newest first.
fn listed(database: &TestDatabase, text: &str) -> Vec<String> {
    let list = stdout(on(database, &["key", "list"]));
    let lines = list.lines().filter(|line| line.contains(text));
    lines.map(|line| line[..36].to_owned()).collect()
}

#[test]
fn a_rotated_key_is_succeeded_by_one_for_the_same_and_ends_after_the_overlap() {
    let app = TestApp::start();
    let new = "--client Test --scope search --format opaque --label crm --rate-limit 90 --expires-in 30d";
    let arguments: Vec<&str> = ["key", "create"].into_iter().chain(new.split(' ')).collect();
    let old = stdout(on(&app.database, &arguments)).trim_end().to_owned();
    let [old_id] = &listed(&app.database, "crm")[..] else {
        panic!("one key");
    };
    let rotated = on(
        &app.database,
        &["key", "rotate", old_id, "--overlap", "1h", "--expires-in", "2d"],
    );
    assert!(
        rotated.stderr.contains("The old key works until 20"),
        "{}",
        rotated.stderr
    );
    let key = stdout(rotated).trim_end().to_owned();
    assert!(key.starts_with("cs_") && key.len() == 35 && key != old, "{key}");
    for key in [&old, &key] {
        let status = |target| app.server.get(target, Some(key)).status;
        assert_eq!((status(SEARCH), status(LOOKUP)), (200, 403));
    }
    let same = "SELECT count(*) AS count FROM api_keys WHERE label = 'crm' AND scopes = '{search}' AND rate_limit = 90
        AND client_id = (SELECT id FROM clients) AND revoked_at IS NULL";
    assert_eq!(app.database.count(same), 2);
    let ending_in = |id: &str, interval: &str| {
        let ends = format!(
            "SELECT count(*) AS count FROM api_keys WHERE id = '{id}' AND expires_at
                BETWEEN now() + interval '{interval}' - interval '1 minute' AND now() + interval '{interval}'"
        );
        app.database.count(&ends) == 1
    };
    let [new_id, also_old] = &listed(&app.database, "crm")[..] else {
        panic!("two keys");
    };
    assert!(also_old == old_id && ending_in(new_id, "2 days") && ending_in(old_id, "1 hour"));

    // Its own end comes before that of the usual overlap.
    stdout(on(&app.database, &["key", "rotate", new_id]));
    assert!(ending_in(new_id, "2 days"));
    let newest = &listed(&app.database, "crm")[0];
    stdout(on(&app.database, &["key", "rotate", newest]));
    assert!(ending_in(newest, "7 days"));

    app.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{old_id}'"));
    app.sql(&format!("UPDATE api_keys SET revoked_at = now() WHERE id = '{new_id}'"));
    for ended in [old_id, new_id] {
        let message = complaint(on(&app.database, &["key", "rotate", ended]));
        assert!(
            message.contains("this key has expired or was revoked: create another one with"),
            "{message}"
        );
    }
    let nobodys = complaint(on(&app.database, &["key", "rotate", &Uuid::nil().to_string()]));
    assert!(nobodys.contains("contact-search key list"), "{nobodys}");
    assert_eq!(app.database.count(&same.replace("AND revoked_at IS NULL", "")), 4);
}

#[test]
fn an_old_key_stays_as_it_was_where_the_new_one_cant_be_shown() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let id = plain_key(&mut connection, app.client);
    let version = keys::read_version(&mut connection).unwrap();
    let mut command = program();
    command
        .args(["key", "rotate", &id.to_string()])
        .env("DATABASE_URL", app.database.url());
    let (status, said) = unread(command);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.starts_with("contact-search: the new key can't be shown, so the old one was not changed"),
        "{said}"
    );
    let plain = "SELECT count(*) AS count FROM api_keys WHERE label = 'plain'";
    assert_eq!(app.database.count(plain), 1);
    assert_eq!(app.database.count(&format!("{plain} AND expires_at IS NULL")), 1);
    assert_eq!(keys::read_version(&mut connection).unwrap(), version);
}

#[test]
fn a_rotated_key_is_refused_when_the_overlap_is_over() {
    let app = TestApp::start();
    make_known(&app, &app.server, &app.key);
    let [id] = &listed(&app.database, "Test")[..] else {
        panic!("one key");
    };
    stdout(on(&app.database, &["key", "rotate", id, "--overlap", "1s"]));
    wait_until(SOON, "it is accepted for good", || app.get(LOOKUP).status == 401);
}

#[test]
fn a_limit_is_stored_as_it_is_told() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let id = plain_key(&mut connection, client);
    let limit = |connection: &mut PgConnection| keys::list_keys(connection, None).unwrap()[0].rate_limit;
    assert_eq!(limit(&mut connection), RateLimit::OfServer);
    for text in ["none", "1", "100000", "default"] {
        let version = keys::read_version(&mut connection).unwrap();
        assert_eq!(
            stdout(on(&database, &["key", "limit", &id.to_string(), text])),
            "Changed.\n"
        );
        assert_eq!(limit(&mut connection).to_string(), text);
        assert_ne!(keys::read_version(&mut connection).unwrap(), version);
    }
    let nobodys = complaint(on(&database, &["key", "limit", &Uuid::nil().to_string(), "5"]));
    assert!(nobodys.contains("contact-search key list"), "{nobodys}");
    let wrong = complaint(on(&database, &["key", "limit", &id.to_string(), "0"]));
    assert!(
        wrong.contains("1 to 100000 requests per minute, or none, or default"),
        "{wrong}"
    );
}
