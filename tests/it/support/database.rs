//! One PostgreSQL for the test run, with a migrated template from which each test's database is cloned.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::store;
use contact_search::store::connection::StatementLimits;
use contact_search::store::pool::Pool;

use super::directory::ServerDirectory;
use super::{PATIENCE, Slot, citus, wait_until};

/// A database of one test. It is dropped with the value.
pub struct TestDatabase {
    name: String,
    url: String,
    /// The same database on the worker of Citus, if [`citus::is_used`].
    url_on_worker: Option<String>,
    _slot: Arc<Slot>,
}

impl TestDatabase {
    /// Clones the migrated template in a tenth of a second. No test sees another's rows.
    pub fn new() -> Self {
        Self::of_template("contact_search")
    }

    /// A database without a schema.
    pub fn empty() -> Self {
        Self::of_template("template1")
    }

    fn of_template(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let slot = Slot::take();
        let cluster = cluster();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        for server in cluster.servers() {
            execute(
                &mut connect_as_superuser(server),
                &format!("CREATE DATABASE {name} TEMPLATE {template} OWNER contact_search"),
            );
        }
        let url = |server: &PrivateDatabase| server.url().replace("///contact_search?", &format!("///{name}?"));
        Self {
            url: url(&cluster.database),
            url_on_worker: cluster.worker.as_ref().map(url),
            name,
            _slot: slot,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses new connections and terminates the existing ones, or accepts connections again.
    pub fn set_available(&self, is_available: bool) {
        let name = &self.name;
        execute_as_superuser(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {is_available}"));
        if !is_available {
            execute_as_superuser(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ));
        }
    }

    /// Disables deadlock detection for new connections, so that a deadlock blocks until a timeout.
    pub fn disable_deadlock_detection(&self) {
        let name = &self.name;
        execute_as_superuser(&format!("ALTER DATABASE {name} SET deadlock_timeout = '1h'"));
    }

    pub fn execute(&self, sql: &str) {
        execute(&mut self.connect(), sql);
    }

    /// The column `count` of the statement's only row.
    pub fn count(&self, sql: &str) -> i64 {
        count(&mut self.connect(), sql)
    }

    /// Waits until a statement in this database waits for a lock, and so holds its connection.
    ///
    /// `pg_locks` alone would also show the statements of tests that run concurrently. A write of the server waits for
    /// a few milliseconds at a time, so this function polls without a pause.
    pub fn wait_for_blocked_statement(&self) {
        let blocked = "SELECT count(*) AS count FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut servers = self.connect_to_servers();
        let start = Instant::now();
        while count_on(&mut servers, blocked) == 0 {
            assert!(start.elapsed() < PATIENCE, "no statement waits for a lock");
        }
    }

    /// Waits until the check of contacts waits for a lock. Jobs of the server can wait for the lock, too, and a request
    /// that has not begun vanishes with its client.
    pub fn wait_for_blocked_check(&self) {
        let blocked = "SELECT count(*) AS count FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%check_records%'";
        let mut servers = self.connect_to_servers();
        wait_until(PATIENCE, "no check waits for a lock", || {
            count_on(&mut servers, blocked) == 1
        });
    }

    /// Waits until a probe of the server's database monitor has succeeded on the monitor's newest connection. If that
    /// connection is lost afterwards, the server does not take it for an outage.
    ///
    /// Waits for four starts of a statement. The first may belong to a probe on the previous connection. The next two
    /// belong to the first probe on the new connection, which prepares its statement and then runs it. The fourth
    /// belongs to the second probe. When it starts, the first probe has been answered.
    pub fn wait_for_probes(&self) {
        let last_probe = r#"SELECT coalesce((extract(epoch FROM max(query_start)) * 1000000)::bigint, 0) AS count
            FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'SELECT "credential_version"."version" FROM %'"#;
        let mut connection = self.connect();
        for _ in 0..4 {
            let last = count(&mut connection, last_probe);
            wait_until(PATIENCE, "the database monitor does not probe any more", || {
                count(&mut connection, last_probe) > last
            });
        }
    }

    /// A pool with the server's connection settings, which also affect plans.
    pub fn pool(&self) -> Pool {
        let limits = StatementLimits {
            statement_timeout: Duration::from_secs(20),
            lock_timeout: None,
            is_pooled: false,
        };
        Pool::new(&self.url, 1, limits, Duration::from_secs(20))
    }

    /// A connection with the application's own role.
    pub fn connect(&self) -> PgConnection {
        store::connection::connect(&self.url).expect("the test's database answers")
    }

    /// A connection to the server that has the contacts, which is the worker if the database is distributed. Triggers of
    /// contacts run there. Tables of shards are visible, which Citus hides from other connections.
    pub fn connect_to_contacts(&self) -> PgConnection {
        let Some(url) = &self.url_on_worker else {
            return self.connect();
        };
        let mut connection = store::connection::connect(url).expect("the worker answers");
        execute(&mut connection, "SET citus.override_table_visibility TO off");
        connection
    }

    /// A connection to each server of the database.
    pub fn connect_to_servers(&self) -> Vec<PgConnection> {
        let worker = self.url_on_worker.as_ref().map(|_| self.connect_to_contacts());
        [self.connect()].into_iter().chain(worker).collect()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        for server in cluster().servers() {
            let mut admin = connect_as_superuser(server);
            // A daemon of Citus can connect at this moment.
            wait_until(PATIENCE, "the database can't be dropped", || {
                admin.batch_execute(&drop).is_ok()
            });
        }
    }
}

struct Cluster {
    database: PrivateDatabase,
    /// The worker of Citus, if [`citus::is_used`].
    worker: Option<PrivateDatabase>,
    /// Statics are never dropped. The directories' watchdogs stop the servers and remove the directories when the process
    /// ends.
    _directories: [ServerDirectory; 2],
}

impl Cluster {
    fn servers(&self) -> impl Iterator<Item = &PrivateDatabase> {
        [&self.database].into_iter().chain(&self.worker)
    }
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let directories = [ServerDirectory::new(), ServerDirectory::new()];
        let [options, options_of_worker] = [0, 1].map(|server| Options {
            data_dir: directories[server].path().to_owned(),
            programs: citus::programs().or_else(programs),
            settings: [
                ("fsync", "off"),
                ("full_page_writes", "off"),
                ("synchronous_commit", "off"),
                ("max_connections", "300"),
                // The server's own connections have this setting, too.
                ("jit", "off"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .chain(citus::settings().filter(|_| citus::is_used()))
            .collect(),
        });
        let database = PrivateDatabase::open(&options).expect("the tests' PostgreSQL starts");
        // The application's database is migrated and serves as the template.
        let mut owner = store::connection::connect(&database.url()).expect("the template answers");
        store::migrations::migrate(&mut owner).expect("the template can be migrated");
        drop(owner);
        let worker = citus::is_used().then(|| {
            let worker = PrivateDatabase::open(&options_of_worker).expect("the worker of Citus starts");
            citus::distribute_template(&database, &worker);
            worker
        });
        Cluster {
            database,
            worker,
            _directories: directories,
        }
    })
}

/// The column `count` of the statement's only row.
pub fn count(connection: &mut PgConnection, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let row: Row = diesel::sql_query(sql)
        .get_result(connection)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    row.count
}

/// The sum of the column `count` over the servers.
pub fn count_on(servers: &mut [PgConnection], sql: &str) -> i64 {
    servers.iter_mut().map(|server| count(server, sql)).sum()
}

pub fn execute(connection: &mut PgConnection, sql: &str) {
    connection
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The directory of PostgreSQL's programs, if the environment variable overrides the usual search for them.
pub fn programs() -> Option<PathBuf> {
    std::env::var_os("CONTACT_SEARCH_TEST_PG_BIN").map(PathBuf::from)
}

fn execute_as_superuser(sql: &str) {
    execute(&mut connect_as_superuser(&cluster().database), sql);
}

fn connect_as_superuser(server: &PrivateDatabase) -> PgConnection {
    store::connection::connect(&server.superuser_url("postgres")).expect("PostgreSQL answers")
}

#[test]
fn every_test_has_its_own_migrated_database() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let state = store::migrations::schema_state(&mut connection).expect("the schema can be read");
    assert_eq!(state, store::migrations::SchemaState::Current);
}

/// SQL that puts a view in the place of the table of contacts. Its `condition` runs once for each statement, if it is a
/// subquery.
pub fn replace_contacts(columns: &str, condition: &str) -> String {
    format!(
        "ALTER TABLE contacts RENAME TO kept_contacts;
         CREATE VIEW contacts AS SELECT {columns} FROM kept_contacts WHERE {condition}"
    )
}
