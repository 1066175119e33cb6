//! A PostgreSQL for the run, and in it one migrated template that each test's database is cloned from.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::prelude::*;

use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::store;
use contact_search::store::connection::StatementLimits;
use contact_search::store::pool::Pool;

use super::Turn;
use super::directory::ServerDirectory;

/// A database that belongs to one test and goes with it.
pub struct TestDatabase {
    name: String,
    url: String,
    _turn: Arc<Turn>,
}

impl TestDatabase {
    /// Clones the migrated template: a tenth of a second, and no test sees another's rows.
    pub fn new() -> Self {
        Self::of_template("contact_search")
    }

    /// A database without a schema.
    pub fn empty() -> Self {
        Self::of_template("template1")
    }

    fn of_template(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let turn = Turn::take();
        let cluster = cluster();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        execute_as_superuser(&format!(
            "CREATE DATABASE {name} TEMPLATE {template} OWNER contact_search"
        ));
        let url = cluster
            .database
            .url()
            .replace("///contact_search?", &format!("///{name}?"));
        Self { name, url, _turn: turn }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets nobody in and throws everybody out, or lets them in again.
    pub fn set_available(&self, is_available: bool) {
        let name = &self.name;
        execute_as_superuser(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {is_available}"));
        if !is_available {
            execute_as_superuser(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ));
        }
    }

    /// Lets whoever waits in a circle wait on, in connections that are made from now on.
    pub fn find_no_deadlocks(&self) {
        let name = &self.name;
        execute_as_superuser(&format!("ALTER DATABASE {name} SET deadlock_timeout = '1h'"));
    }

    /// The one number of a statement whose one column is called `count`.
    pub fn count(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let row: Row = diesel::sql_query(sql)
            .get_result(&mut self.connect())
            .expect("the statement can be run");
        row.count
    }

    /// A connection as the server has them: they decide on plans too.
    pub fn pool(&self) -> Pool {
        let limits = StatementLimits {
            statement_timeout: Duration::from_secs(20),
            lock_timeout: None,
            is_pooled: false,
        };
        Pool::new(&self.url, 1, limits, Duration::from_secs(20))
    }

    /// A connection as the application's own role.
    pub fn connect(&self) -> PgConnection {
        store::connection::connect(&self.url).expect("the test's database answers")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        execute_as_superuser(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

struct Cluster {
    database: PrivateDatabase,
    /// Statics are never dropped: the end of the process is what stops the server and removes the directory.
    _directory: ServerDirectory,
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let directory = ServerDirectory::new();
        let options = Options {
            data_dir: directory.path().to_owned(),
            programs: programs(),
            settings: [
                ("fsync", "off"),
                ("full_page_writes", "off"),
                ("synchronous_commit", "off"),
                ("max_connections", "300"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        };
        let database = PrivateDatabase::open(&options).expect("the tests' PostgreSQL starts");
        // The database that is there for the application is migrated, and each test's is a copy of it.
        let mut owner = store::connection::connect(&database.url()).expect("the template answers");
        store::migrations::migrate(&mut owner).expect("the template can be migrated");
        Cluster {
            database,
            _directory: directory,
        }
    })
}

/// The server programs that the tests are to run with, where they aren't the ones that would be found.
pub fn programs() -> Option<PathBuf> {
    std::env::var_os("CONTACT_SEARCH_TEST_PG_BIN").map(PathBuf::from)
}

fn execute_as_superuser(sql: &str) {
    let mut admin =
        store::connection::connect(&cluster().database.superuser_url("postgres")).expect("PostgreSQL answers");
    diesel::connection::SimpleConnection::batch_execute(&mut admin, sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[test]
fn every_test_has_a_migrated_database_of_its_own() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let state = store::migrations::schema_state(&mut connection).expect("the schema can be read");
    assert_eq!(state, store::migrations::SchemaState::Current);
}
