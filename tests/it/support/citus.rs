//! Citus. With its programs, the shared PostgreSQL of the tests is a coordinator, and the tests' databases are
//! distributed.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use contact_search::embedded::PrivateDatabase;
use contact_search::store::PgConnection;
use contact_search::store::connection::connect;
use contact_search::store::distribution::{distribute, prepare};

use super::database::execute;

/// Names the directory of a PostgreSQL's programs that have the extension Citus.
const PROGRAMS: &str = "CONTACT_SEARCH_TEST_CITUS_BIN";

pub fn programs() -> Option<PathBuf> {
    std::env::var_os(PROGRAMS).map(PathBuf::from)
}

/// Whether the databases of the tests are distributed.
pub fn is_used() -> bool {
    programs().is_some()
}

/// The directory of the programs. Without it, says that the test is not run, also if the test's output is captured.
pub fn programs_for(test: &str) -> Option<PathBuf> {
    let programs = programs();
    if programs.is_none() {
        say_not_run(test, &format!("it needs {PROGRAMS}"));
    }
    programs
}

/// Whether the databases of the tests are distributed, which the test can't use. Then says that it is not run, and why.
pub fn is_not_for(test: &str, reason: &str) -> bool {
    if is_used() {
        say_not_run(test, &format!("it needs tables that are not distributed, {reason}"));
    }
    is_used()
}

fn say_not_run(test: &str, reason: &str) {
    let _ = std::io::stderr().write_all(format!("NOT RUN: {test}: {reason}.\n").as_bytes());
}

/// Removes the margin of the fences of a distributed database (`store::fence`) except for `left`. Tests need not wait for
/// it then. The fences of plain databases have no margin.
pub fn shorten_fences(connection: &mut PgConnection, left: Duration) {
    if !is_used() {
        return;
    }
    let left = left.as_micros() as i64;
    for table in ["contact_period_border", "contact_words"] {
        execute(
            connection,
            &format!(
                "UPDATE {table} SET fence = fence - {removed}
                 WHERE fence > (extract(epoch FROM statement_timestamp()) * 1000000)::bigint + {left}",
                removed = 120_000_000 - left
            ),
        );
    }
}

/// The settings of a node.
pub fn settings() -> impl Iterator<Item = (String, String)> {
    [
        ("shared_preload_libraries", "citus"),
        ("citus.shard_count", "2"),
        ("wal_level", "logical"),
        ("max_prepared_transactions", "100"),
        // Each database has a daemon of Citus.
        ("max_worker_processes", "64"),
        ("citus.enable_statistics_collection", "off"),
        // The daemon would keep a session in each database.
        ("citus.recover_2pc_interval", "-1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The host and the port of a node: its socket.
pub fn place(node: &PrivateDatabase) -> (String, u16) {
    let url = node.superuser_url("postgres");
    let parameter = |name: &str| {
        let (_, rest) = url.split_once(&format!("{name}=")).expect("the URL has it");
        rest.split('&').next().unwrap_or(rest).to_owned()
    };
    (parameter("host"), parameter("port").parse().expect("a port"))
}

/// Makes the database of a node with the extension a coordinator, which has no shards itself.
pub fn set_coordinator(node: &PrivateDatabase) {
    let (host, port) = place(node);
    execute_on(node, &format!("SELECT citus_set_coordinator_host('{host}', {port})"));
}

pub fn add_worker(coordinator: &PrivateDatabase, worker: &PrivateDatabase) {
    let (host, port) = place(worker);
    execute_on(coordinator, &format!("SELECT citus_add_node('{host}', {port})"));
}

/// Executes SQL in the application's database, as the superuser.
pub fn execute_on(node: &PrivateDatabase, sql: &str) {
    let mut connection = connect(&node.superuser_url("contact_search")).expect("PostgreSQL answers");
    execute(&mut connection, sql);
}

/// Distributes the contacts of the migrated database. Afterwards it only serves as a template: it takes no sessions on
/// either node, because Citus would keep some in it, and then it could not be copied.
pub fn distribute_template(coordinator: &PrivateDatabase, worker: &PrivateDatabase) {
    for node in [coordinator, worker] {
        execute_on(node, "CREATE EXTENSION citus");
    }
    set_coordinator(coordinator);
    add_worker(coordinator, worker);
    distribute_contacts(&coordinator.url());
    for node in [coordinator, worker] {
        let mut admin = connect(&node.superuser_url("postgres")).expect("PostgreSQL answers");
        execute(&mut admin, "ALTER DATABASE contact_search WITH ALLOW_CONNECTIONS false");
        execute(
            &mut admin,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'contact_search'",
        );
    }
}

/// Distributes the contacts of a migrated database.
pub fn distribute_contacts(url: &str) {
    let mut connection = connect(url).expect("PostgreSQL answers");
    prepare(&mut connection).unwrap_or_else(|error| panic!("{error:?}"));
    // The settings of the role apply to a new connection.
    drop(connection);
    let mut connection = connect(url).expect("PostgreSQL answers");
    distribute(&mut connection, |_| ()).unwrap_or_else(|error| panic!("{error:?}"));
}
