//! The times when keys were last used and webhooks last accepted a delivery, as servers record them.

use std::time::Duration;

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::domain::webhook::{AppSecret, Token};
use contact_search::store::{StoreError, clients, keys, webhooks};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use uuid::Uuid;

use crate::support::app::{add_key, add_plain_key};
use crate::support::command::{run_on, stdout};
use crate::support::webhook::{SECRET, WebhookApp, payload, sign};
use crate::support::{PATIENCE, TestApp, TestDatabase, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=123";

#[test]
fn the_latest_use_from_any_server_is_kept_and_nothing_else_changes() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let [often, once, never] = std::array::from_fn(|_| add_plain_key(&mut connection, client));
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
    let minutes_since_use = |id| {
        let records = keys::list_keys(&mut database.connect(), None).unwrap();
        let record = records
            .into_iter()
            .find(|record| record.id == id)
            .expect("the key's record");
        let now = chrono::Utc::now();
        record.last_used_at.map(|at| (now - at).num_minutes())
    };
    assert_eq!(
        (
            minutes_since_use(often),
            minutes_since_use(once),
            minutes_since_use(never)
        ),
        (Some(5), Some(30), None)
    );
    assert_eq!(keys::read_version(&mut connection).unwrap(), version);
}

#[test]
fn servers_that_record_uses_concurrently_do_not_deadlock() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let mut uses: Vec<(Uuid, Duration)> = (0..50)
        .map(|_| (add_plain_key(&mut connection, client), Duration::ZERO))
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (own_uses, database) = (uses.clone(), &database);
            scope.spawn(move || {
                let pool = database.pool();
                for _ in 0..100 {
                    let written = pool.run(|connection| keys::record_uses(connection, &own_uses));
                    written.expect("the uses are recorded");
                }
            });
            uses.reverse();
        }
    });
}

#[test]
fn a_stopping_server_records_when_keys_were_last_used() {
    let mut app = TestApp::start();
    let key = add_key(&mut app.database.connect(), app.client, &[Scope::Search], None);
    let used = "SELECT count(*) AS count FROM api_keys WHERE last_used_at > now() - interval '1 minute'";
    // A key that is refused for its scope counts as used, too.
    assert_eq!(app.server.get(LOOKUP, Some(&key)).status, 403);
    assert_eq!(
        app.server.get(LOOKUP, Some("mindo_000000000000000000000000")).status,
        401
    );
    kill(Pid::from_raw(app.server.pid().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(app.server.wait(), Some(0));
    assert_eq!(app.database.count(used), 1);

    let list = stdout(run_on(&app.database, &["key", "list"]));
    assert!(list.lines().next().unwrap().contains("LAST USED"), "{list}");
    let today = chrono::Utc::now().format("%Y-").to_string();
    let line = |end: &str| {
        list.lines()
            .find(|line| line.contains(end))
            .expect("the key's line")
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
fn a_key_use_during_an_outage_is_recorded_after_the_outage() {
    let app = TestApp::start();
    assert_eq!(app.get(LOOKUP).status, 200);
    let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS count";
    let latest = app.database.count(clock);
    app.database.set_available(false);
    app.server
        .wait_for_log(|log| log.contains("the times when keys and webhooks were last used could not be written"));
    app.database.set_available(true);
    let used = "SELECT coalesce((extract(epoch FROM max(last_used_at)) * 1000)::bigint, 0) AS count FROM api_keys";
    wait_until(PATIENCE, "the use is lost", || app.database.count(used) > 0);
    // The recorded time is the moment of use by the database's clock, not the moment of recording.
    let used = app.database.count(used);
    assert!(
        (latest - 60_000..=latest + 100).contains(&used),
        "{used} and not {latest}"
    );
}

#[test]
fn the_latest_delivery_from_any_server_is_kept() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let secret = AppSecret::parse(SECRET).unwrap();
    let add = || {
        let token = Token::generate().unwrap();
        webhooks::add_webhook(&mut database.connect(), client, &token, &secret, || {
            Ok::<_, StoreError>(())
        })
        .unwrap()
    };
    let [often, never] = [add(), add()];
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for deliveries in [
        &[(often, minutes(10)), (Uuid::now_v7(), minutes(0))][..],
        &[(often, minutes(5))],
        &[(often, minutes(20))],
        &[],
    ] {
        webhooks::record_deliveries(&mut connection, deliveries).unwrap();
    }
    let records = webhooks::list_webhooks(&mut connection, None).unwrap();
    let minutes_since_delivery = |id| {
        let record = records
            .iter()
            .find(|record| record.id == id)
            .expect("the webhook's record");
        record
            .last_delivery_at
            .map(|at| (chrono::Utc::now() - at).num_minutes())
    };
    assert_eq!(
        (minutes_since_delivery(often), minutes_since_delivery(never)),
        (Some(5), None)
    );
}

#[test]
fn a_stopping_server_records_when_a_webhook_last_accepted_a_delivery() {
    let recorded_after = |secret: &str, status: u16| {
        let mut webhook = WebhookApp::start();
        let body = payload("text");
        let signature = sign(secret, &body);
        assert_eq!(
            webhook.post(&[("X-Hub-Signature-256", &signature)], &body).status,
            status
        );
        let app = &mut webhook.app;
        kill(Pid::from_raw(app.server.pid().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(app.server.wait(), Some(0));
        let recent = "SELECT count(*) AS count FROM webhooks WHERE last_delivery_at > now() - interval '1 minute'";
        let list = stdout(run_on(&app.database, &["webhook", "list"]));
        assert_eq!(list.contains("never"), app.database.count(recent) == 0, "{list}");
        app.database.count(recent)
    };
    assert_eq!(recorded_after(SECRET, 200), 1);
    // Anybody who knows the address can send a delivery with a wrong signature.
    assert_eq!(recorded_after("wrong", 401), 0);
}
