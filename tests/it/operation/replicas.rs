//! Read replicas: where each read goes, and that a client reads its own writes.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat};
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::{clients, keys};
use serde_json::{Value, json};

use crate::support::app::{Answer, Server, add_key, program};
use crate::support::command::{error_of, run};
use crate::support::contact_api::{BATCH, UPSERT};
use crate::support::database::{count, execute};
use crate::support::messages::message;
use crate::support::metrics::{metrics_of, value, wait_for_address};
use crate::support::private_database::{self, connect, query};
use crate::support::replication::{LOOKUP, PHONE, Replication};
use crate::support::{OwnDirectory, PATIENCE, Slot, wait_until};

/// What a lookup shows if the primary has answered it.
const PRIMARY: &str = "primary";

/// A primary, its standbys, and a server that reads from the standbys.
struct Site {
    server: Server,
    replication: Replication,
}

impl Site {
    /// Starts all of them. Lookups show which database has answered.
    fn start(standbys: usize, arguments: &[&str]) -> Self {
        let replication = Replication::start(standbys);
        replication.show_server();
        let site = Self::on(replication, arguments);
        site.wait_until_used(&vec![true; standbys]);
        site
    }

    fn on(replication: Replication, arguments: &[&str]) -> Self {
        let mut command = replication.program();
        command.args(arguments);
        let server = Server::start(command);
        wait_for_address(&server);
        Self { server, replication }
    }

    fn lookup(&self) -> Value {
        let answer = self.server.get(LOOKUP, Some(&self.replication.key));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The database that answers a lookup.
    fn source(&self) -> String {
        let answer = self.lookup();
        assert_eq!(answer["found"], json!(true), "{answer}");
        answer["contact"]["fullName"].as_str().unwrap().to_owned()
    }

    fn metric(&self, name: &str) -> Option<f64> {
        value(
            &metrics_of(&self.server).body,
            &format!("contact_search_replica_{name}"),
        )
    }

    fn fallbacks(&self, reason: &str) -> f64 {
        self.metric(&format!(r#"fallbacks_total{{reason="{reason}"}}"#))
            .unwrap()
    }

    /// Waits until exactly these replicas are used.
    fn wait_until_used(&self, expected: &[bool]) {
        wait_until(PATIENCE, "the replicas are not used as expected", || {
            (1..).zip(expected).all(|(number, is_used)| {
                self.metric(&format!(r#"used{{replica="{number}"}}"#)) == Some(f64::from(u8::from(*is_used)))
            })
        });
    }

    fn upsert(&self, name: &str) {
        let answer = self.try_upsert(name);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    fn try_upsert(&self, name: &str) -> Answer {
        let body = json!({"channel": "whatsapp", "contact_phone_number": PHONE, "contact_name": name});
        let key = Some(self.replication.key.as_str());
        self.server.send_json("POST", UPSERT, key, body.to_string().as_bytes())
    }

    fn log(&self) -> String {
        self.server.log.lock().unwrap().clone()
    }
}

#[test]
fn every_read_of_contacts_goes_to_the_replica_and_writes_go_to_the_primary() {
    let site = Site::start(1, &["--max-replica-lag", "1m"]);
    assert_eq!(site.source(), "standby1");
    let key = Some(site.replication.key.as_str());
    let id = query(&site.replication.primary.url(), "SELECT id FROM contacts");
    for target in [
        "/api/v1/contact-lookup/?phone=98765432101234%40lid",
        "/api/public/contacts/search?phone=1123456789",
        "/api/v1/search?q=1123456789",
        "/api/public/contacts?days=7",
        &format!("/api/public/contact/{id}/info"),
        "/api/v1/contacts/1",
    ] {
        let answer = site.server.get(target, key);
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
    }
    let phones = json!({"phones": [PHONE]}).to_string();
    let batch = "/api/v1/contact-lookup/batch";
    let answer = site.server.send_json("POST", batch, key, phones.as_bytes());
    assert_eq!(answer.json()["results"][0]["contact"]["fullName"], json!("standby1"));
    // The key was read from the primary, on its lane for reads. That lane has run nothing else.
    let metrics = metrics_of(&site.server).body;
    let fallbacks = metrics
        .lines()
        .filter(|line| line.starts_with("contact_search_replica_fallbacks_total{"));
    let total: f64 = fallbacks
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert_eq!(total, 0.0, "{metrics}");
    for line in [
        r#"contact_search_replica_connections{replica="1",lane="reads",state="idle"}"#,
        r#"contact_search_replica_connections{replica="1",lane="bulk",state="idle"}"#,
    ] {
        assert!(value(&metrics, line) >= Some(1.0), "{metrics}");
    }
    assert_eq!(
        value(
            &metrics,
            r#"contact_search_replica_permits{replica="1",lane="bulk",state="free"}"#
        ),
        Some(2.0)
    );
    let lag = value(&metrics, r#"contact_search_replica_lag_seconds{replica="1"}"#).unwrap();
    assert!((0.0..1.0).contains(&lag), "{lag}");
    let documented = include_str!("../../../docs/metrics.md");
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(
            documented.contains(&format!("`{name}`")),
            "docs/metrics.md names no {name}"
        );
    }

    site.replication.drop_view();
    site.replication.pause(0);
    site.upsert("Ana");
    assert_eq!(site.lookup()["contact"]["fullName"], json!("Ana"));
    assert!(site.fallbacks("written") >= 1.0);
    site.replication.resume(0);
    let log = site.log();
    assert_eq!(log.matches("replica 1 is used").count(), 1, "{log}");
    assert!(!log.contains("is not used"), "{log}");
}

#[test]
fn with_replay_paused_a_client_reads_its_writes_and_after_the_lag_limit_everybody_reads_from_the_primary() {
    // A limit far beyond the test's first part.
    let site = Site::start(1, &["--max-replica-lag", "8s"]);
    site.replication.drop_view();
    let other = {
        let mut connection = connect(&site.replication.primary.url());
        let client = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
        add_key(&mut connection, client, &Scope::ALL, None)
    };
    site.replication.execute("SELECT 1");
    site.upsert("Ana");
    site.replication.execute("SELECT 1");
    site.replication.pause(0);
    let paused = Instant::now();
    site.upsert("Berta");
    for _ in 0..20 {
        assert_eq!(site.lookup()["contact"]["fullName"], json!("Berta"));
    }
    assert!(site.fallbacks("written") >= 20.0);
    // The replica still answers another client, whose data it has.
    let lookup_of_other = || {
        let answer = site.server.get(LOOKUP, Some(&other));
        assert_eq!((answer.status, answer.json()["found"].clone()), (200, json!(false)));
    };
    let before = site.fallbacks("written");
    lookup_of_other();
    assert!(
        paused.elapsed() < Duration::from_secs(7),
        "the machine is too slow for this test"
    );
    assert_eq!((site.fallbacks("written"), site.fallbacks("lag")), (before, 0.0));

    site.wait_until_used(&[false]);
    assert!(paused.elapsed() > Duration::from_secs(7));
    assert!(site.metric(r#"lag_seconds{replica="1"}"#) > Some(7.0));
    lookup_of_other();
    assert!(site.fallbacks("lag") >= 1.0);
    site.server.wait_for_log(|log| {
        log.contains("replica 1 is not used, and its reads go to the primary: it lags too far behind the primary")
    });
    site.replication.resume(0);
    site.wait_until_used(&[true]);
    wait_until(PATIENCE, "the client still reads from the primary", || {
        let before = site.fallbacks("written");
        assert_eq!(site.lookup()["contact"]["fullName"], json!("Berta"));
        site.fallbacks("written") == before
    });
    assert_eq!(site.log().matches("replica 1 is used").count(), 2);
}

#[test]
fn an_idle_primary_is_no_lag() {
    for arguments in [
        &["--max-replica-lag", "500ms"][..],
        &["--max-replica-lag", "500ms", "--pooler"],
    ] {
        let site = Site::start(1, arguments);
        thread::sleep(Duration::from_millis(1_500));
        wait_until(PATIENCE, "an idle primary counts as lag", || {
            site.source() == "standby1"
        });
        wait_until(PATIENCE, "an idle primary shows as lag", || {
            site.metric(r#"lag_seconds{replica="1"}"#) < Some(0.5)
        });
    }
}

/// The number of pairs of a write and a read. `CONTACT_SEARCH_TEST_PAIRS` sets another one.
fn pairs() -> usize {
    std::env::var("CONTACT_SEARCH_TEST_PAIRS").map_or(400, |text| text.parse().expect("a number"))
}

#[test]
fn no_read_after_a_write_is_stale() {
    let site = write_and_read("on", &["One", "Two", "Three", "Four"], 0, pairs());
    assert!(site.fallbacks("written") < pairs() as f64, "no replica has answered");
}

#[test]
fn no_read_after_a_write_is_stale_if_postgresql_confirms_commits_before_it_writes_them() {
    // Only pauses shorter than `wal_writer_delay`, and no other writes, which would make PostgreSQL write the WAL.
    write_and_read("off", &["One"], 40, pairs() / 8);
}

/// Writes and reads `pairs` times in all, for clients with these names. The pause between a write and its read is
/// `shortest_pause` and up to 70 milliseconds more.
fn write_and_read(synchronous_commit: &str, names: &[&str], shortest_pause: usize, pairs: usize) -> Site {
    let replication = Replication::start(2);
    execute(
        &mut connect(&replication.primary.superuser_url("postgres")),
        &format!("ALTER ROLE contact_search SET synchronous_commit = {synchronous_commit}"),
    );
    // Each thread has a client of its own, because the writes of a client send all of its reads to the primary.
    let mut connection = connect(&replication.primary.url());
    let mut key = |name: &&str| {
        let client = clients::create_client(&mut connection, name, Region::DEFAULT).unwrap();
        add_key(&mut connection, client, &Scope::ALL, None)
    };
    let keys: Vec<String> = names.iter().map(&mut key).collect();
    let site = Site::on(replication, &[]);
    site.wait_until_used(&[true, true]);
    thread::scope(|scope| {
        for key in &keys {
            let (site, count) = (&site, pairs / keys.len());
            scope.spawn(move || {
                for number in 0..count {
                    let (target, body, written) = write(number);
                    let answer = site
                        .server
                        .send_json("POST", target, Some(key), body.to_string().as_bytes());
                    assert_eq!(answer.status, 200, "{answer:?}");
                    // A replica catches up during some of these pauses.
                    thread::sleep(Duration::from_millis((shortest_pause + number % 8 * 10) as u64));
                    let contact = site.server.get(LOOKUP, Some(key)).json();
                    let read = [&contact["contact"]["fullName"], &contact["lastReplyAt"]];
                    assert!(read.contains(&&written), "{written} is missing: {contact}");
                }
            });
        }
    });
    assert!(site.fallbacks("written") > 0.0);
    site
}

/// A call that writes the contact, its body, and what a lookup shows afterwards.
fn write(number: usize) -> (&'static str, Value, Value) {
    let name = format!("Ana {number}");
    match number % 3 {
        0 => {
            let body = json!({"channel": "whatsapp", "contact_phone_number": PHONE, "contact_name": name});
            (UPSERT, body, json!(name))
        }
        1 => (
            BATCH,
            json!([{"platform": "whatsapp", "phone": PHONE, "name": name}]),
            json!(name),
        ),
        _ => {
            let at = DateTime::from_timestamp(1_700_000_000 + number as i64, 0).unwrap();
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            ("/api/v1/messages/", message(PHONE, "inbound", &at), json!(at))
        }
    }
}

#[test]
fn no_read_fails_when_a_replica_is_killed_and_its_return_is_noticed() {
    let site = Site::start(1, &[]);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // `source` fails on any other status than 200.
                while start.elapsed() < Duration::from_secs(3) {
                    site.source();
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        site.replication.kill(1);
    });
    site.wait_until_used(&[false]);
    assert_eq!(site.source(), PRIMARY);
    assert!(site.fallbacks("away") >= 1.0);
    let log = site.log();
    assert_eq!(log.matches("replica 1 is not used").count(), 1, "{log}");
    assert!(!log.contains("status=5"), "{log}");
    assert_eq!(site.server.get("/readyz", None).status, 200);

    site.replication.standbys[0]
        .revive()
        .expect("the standby can be started");
    site.wait_until_used(&[true]);
    assert_eq!(site.source(), "standby1");
}

#[test]
fn reads_go_on_from_the_replica_while_the_primary_is_away() {
    let site = Site::start(1, &[]);
    assert_eq!(site.source(), "standby1");
    // Reads the contact from the replica alone, for longer than the limit of the lag.
    site.replication.kill(0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        assert_eq!(site.source(), "standby1");
    }
    assert_eq!(site.server.get("/readyz", None).status, 503);
    let answer = site.try_upsert("Ana");
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1")),
        "{answer:?}"
    );
    // A key that the server has not read yet needs the primary.
    assert_eq!(
        site.server.get(LOOKUP, Some("mindo_abcdefghijklmnopqrstuvwx")).status,
        503
    );

    let log = site.log();
    assert!(!log.contains("replica 1 is not used"), "{log}");

    site.replication.restart_primary();
    wait_until(PATIENCE, "the server is not ready", || {
        site.server.get("/readyz", None).status == 200
    });
    // The standby connects to the primary again after up to five seconds. It lags until then.
    site.wait_until_used(&[true]);
    assert_eq!(site.source(), "standby1");
}

#[test]
fn after_a_failover_the_server_writes_to_the_promoted_replica_and_reads_from_it() {
    let replication = Replication::start(1);
    let [primary, standby] = [&replication.primary, &replication.standbys[0]].map(|server| {
        let url = server.url();
        let (_, options) = url.split_once('?').unwrap();
        let option = |name: &str| {
            let pair = options.split('&').find_map(|pair| pair.strip_prefix(name));
            pair.unwrap().to_owned()
        };
        (option("host="), option("port="), option("user="))
    });
    let url = format!(
        "postgresql:///contact_search?host={},{}&port={},{}&user={}&target_session_attrs=read-write",
        primary.0, standby.0, primary.1, standby.1, primary.2
    );
    let site = Site::on(replication, &["--database-url", &url]);
    site.wait_until_used(&[true]);
    site.upsert("Ana");
    // All that was written has been replayed.
    site.replication.execute("SELECT 1");
    site.replication.kill(0);
    query(&site.replication.standbys[0].superuser_url("postgres"), "pg_promote()");
    wait_until(PATIENCE, "no write succeeds", || site.try_upsert("Berta").status == 200);
    assert_eq!(site.lookup()["contact"]["fullName"], json!("Berta"));
    site.wait_until_used(&[false]);
    assert_eq!(site.lookup()["contact"]["fullName"], json!("Berta"));
    assert!(site.fallbacks("no_standby") >= 1.0);
}

#[test]
fn a_promoted_replica_is_not_used() {
    let site = Site::start(1, &[]);
    query(&site.replication.standbys[0].superuser_url("postgres"), "pg_promote()");
    site.wait_until_used(&[false]);
    assert_eq!(site.source(), PRIMARY);
    assert!(site.fallbacks("no_standby") >= 1.0);
    site.server.wait_for_log(|log| log.contains("it is no standby"));
}

#[test]
fn a_replica_whose_schema_is_behind_is_not_used_until_it_has_replayed_the_migration() {
    let replication = Replication::start(1);
    replication.show_server();
    // The state in which a standby replays a migration that the primary has run.
    replication.execute(
        "CREATE TABLE newest AS SELECT * FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1;
         DELETE FROM __diesel_schema_migrations WHERE version IN (SELECT version FROM newest)",
    );
    replication.pause(0);
    execute(
        &mut connect(&replication.primary.url()),
        "INSERT INTO __diesel_schema_migrations SELECT * FROM newest",
    );
    let site = Site::on(replication, &["--max-replica-lag", "1h"]);
    site.server
        .wait_for_log(|log| log.contains("replica 1 is not used") && log.contains("its schema"));
    assert_eq!(site.source(), PRIMARY);
    assert!(site.fallbacks("schema") >= 1.0);
    site.replication.resume(0);
    site.wait_until_used(&[true]);
    assert_eq!(site.source(), "standby1");
}

#[test]
fn a_revoked_key_ends_within_a_second_while_replay_is_paused() {
    let _alone = Slot::take_alone();
    let site = Site::start(1, &["--max-replica-lag", "1h"]);
    assert_eq!(site.source(), "standby1");
    site.replication.pause(0);
    let mut connection = connect(&site.replication.primary.url());
    let key = keys::list_keys(&mut connection, Some(site.replication.client)).unwrap()[0].id;
    assert!(keys::revoke_key(&mut connection, key).unwrap());
    wait_until(Duration::from_secs(1), "the key is still valid", || {
        site.server.get(LOOKUP, Some(&site.replication.key)).status == 401
    });
    let mut replica = connect(&site.replication.standbys[0].url());
    let revoked = "SELECT count(*) AS count FROM api_keys WHERE revoked_at IS NOT NULL";
    assert_eq!(
        count(&mut replica, revoked),
        0,
        "the replica has replayed the revocation"
    );
}

#[test]
fn a_read_that_the_replica_cancels_is_repeated_on_the_primary() {
    let replication = Replication::start(1);
    replication.slow_down_reads("pg_is_in_recovery()");
    let site = Site::on(replication, &["--max-replica-lag", "1h"]);
    site.wait_until_used(&[true]);
    let answer = site.replication.lookup_during(&site.server, |is_answered| {
        while !is_answered() {
            site.replication.cause_conflict();
        }
    });
    assert_eq!(
        (answer.status, answer.json()["found"].clone()),
        (200, json!(true)),
        "{answer:?}"
    );
    assert!(site.fallbacks("conflict") >= 1.0);
    wait_until(PATIENCE, "the read was not cancelled", || {
        site.replication.conflicts() >= 1
    });
}

#[test]
fn reads_are_spread_over_the_usable_replicas() {
    let site = Site::start(2, &["--max-replica-lag", "20s"]);
    let mut sources = [0; 2];
    for _ in 0..20 {
        match site.source().as_str() {
            "standby1" => sources[0] += 1,
            "standby2" => sources[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(sources, [10, 10]);
    site.replication.pause(0);
    execute(
        &mut connect(&site.replication.primary.url()),
        "CREATE TABLE something ()",
    );
    site.wait_until_used(&[false, true]);
    for _ in 0..10 {
        assert_eq!(site.source(), "standby2");
    }
    site.replication.kill(2);
    site.wait_until_used(&[false, false]);
    assert_eq!(site.source(), PRIMARY);
}

#[test]
fn a_replica_that_can_never_be_used_ends_the_start_with_a_message_that_names_the_option() {
    let directory = OwnDirectory::with_database();
    let database = private_database::open(directory.path());
    let mut connection = connect(&database.superuser_url("postgres"));
    execute(&mut connection, "CREATE DATABASE staging");
    let url = database.url();
    let start = |replica: &str| {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &url]);
        command.args(["--read-database-url", replica]);
        error_of(run(command, ""))
    };
    let nobody = url.replace("user=", "user=nobody");
    assert_ne!(nobody, url);
    for (replica, expected) in [
        ("mysql://u:hunter2@h/d", "the database URL can't be read"),
        ("postgresql://u:hunter2@h1,h2/d", "the database URL can't be read"),
        (&*nobody, "the database refuses the connection"),
        (
            &*database.superuser_url("staging"),
            "it is no copy of the database that --database-url names",
        ),
    ] {
        let message = start(replica);
        assert!(message.contains(expected) && !message.contains("hunter2"), "{message}");
        assert!(message.contains("of --read-database-url can't be used"), "{message}");
    }
}

#[test]
fn a_replica_that_is_the_primary_itself_is_not_used() {
    let replication = Replication::start(0);
    let mut command = program();
    let url = replication.primary.url();
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &url,
        "--read-database-url",
        &url,
    ]);
    let server = Server::start(command);
    server.wait_for_log(|log| log.contains("replica 1 is not used") && log.contains("it is no standby"));
    assert_eq!(server.get(LOOKUP, Some(&replication.key)).status, 200);
}
