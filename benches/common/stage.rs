//! The system under test: a private PostgreSQL, its databases filled with made-up contacts, and the server.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use contact_search::domain::client::ClientId;
use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::embedded::{Options, PrivateDatabase, Startup};
use contact_search::sample::generate::{self, Workload};
use contact_search::store::connection;
use contact_search::store::migrations;
use contact_search::store::{PgConnection, clients, keys};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::directory::ServerDirectory;
use crate::process::{self, Process};

/// The large client, whose size is `--contacts`. The small clients are named `Load 1`, `Load 2` and so on.
const LARGE_CLIENT: &str = "Load";

/// The contacts of a database.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The number of contacts of the large client.
    pub contacts: u64,
    pub small_clients: u64,
    pub seed: u64,
    pub years: u32,
}

impl Size {
    /// The name of the database.
    fn database(self) -> String {
        let Self {
            contacts,
            small_clients,
            seed,
            years,
        } = self;
        format!("load_{contacts}_{small_clients}_{seed}_{years}")
    }
}

/// The platform of contacts that a benchmark imports into the large client and removes again.
pub const IMPORTED: &str = "imported";

/// Connections to PostgreSQL that the servers and this process need at most.
const OTHER_CONNECTIONS: usize = 40;

/// PostgreSQL settings that the report's head shows.
const SHOWN_SETTINGS: [&str; 4] = [
    "shared_buffers",
    "effective_cache_size",
    "max_connections",
    "synchronous_commit",
];

/// A running PostgreSQL, the measured program, and a directory for the files of a run.
pub struct Stage {
    measured: PathBuf,
    database: Arc<PrivateDatabase>,
    scratch: PathBuf,
    /// Names and values of the settings in [`SHOWN_SETTINGS`].
    pub settings: String,
    _temporary: Option<ServerDirectory>,
}

impl Stage {
    /// Starts PostgreSQL in the directory `kept`, or in a temporary one that is deleted on drop. Installs a signal
    /// handler that stops all child processes and PostgreSQL.
    pub fn open(measured: &Path, kept: Option<&Path>) -> anyhow::Result<Self> {
        let temporary = kept.is_none().then(ServerDirectory::new);
        let data_dir = match (kept, &temporary) {
            (Some(directory), _) => std::path::absolute(directory)?,
            (None, temporary) => temporary.as_ref().context("a directory is made")?.path().to_owned(),
        };
        let database = Arc::new(PrivateDatabase::open(&Options {
            data_dir: data_dir.clone(),
            programs: std::env::var_os("CONTACT_SEARCH_PG_BIN").map(PathBuf::from),
            settings: settings(),
        })?);
        if database.startup() == Startup::Adopted {
            eprintln!(
                "PostgreSQL is already running on {}; it keeps its settings",
                data_dir.display()
            );
        }
        end_on_signals(database.clone())?;
        let scratch = data_dir.join("speed");
        fs::create_dir_all(&scratch)?;
        let mut stage = Self {
            measured: std::path::absolute(measured)?,
            database,
            scratch,
            settings: String::new(),
            _temporary: temporary,
        };
        let mut superuser = connection::connect(&stage.database.superuser_url("postgres"))?;
        for name in SHOWN_SETTINGS {
            stage.settings += &format!(", {name} {}", setting(&mut superuser, name)?);
        }
        Ok(stage)
    }

    pub fn version(&self) -> &str {
        self.database.version()
    }

    /// Connections to PostgreSQL that are left for a measurement.
    pub fn connections(&self) -> anyhow::Result<usize> {
        let mut superuser = connection::connect(&self.database.superuser_url("postgres"))?;
        let most: usize = setting(&mut superuser, "max_connections")?.parse()?;
        Ok(most.saturating_sub(OTHER_CONNECTIONS).max(1))
    }

    /// The measured program.
    pub fn measured(&self) -> Command {
        let mut command = Command::new(&self.measured);
        // The caller's own configuration must not affect the measurement.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CONTACT_SEARCH_")) {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG");
        command
    }

    /// A file of this run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// A PostgreSQL program: from the server's directory, or else from `PATH`.
    pub fn program(&self, name: &str) -> PathBuf {
        let own = self.database.programs().join(name);
        if own.exists() { own } else { PathBuf::from(name) }
    }

    /// A database with a large client and small ones. Reuses the database of an earlier run if there is one.
    pub fn fill(&self, size: Size) -> anyhow::Result<Filled> {
        let name = size.database();
        let Size {
            contacts,
            small_clients,
            seed,
            years,
        } = size;
        let mut superuser = connection::connect(&self.database.superuser_url("postgres"))?;
        let present = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
        if count(&mut superuser, &present)? == 0 {
            superuser.batch_execute(&format!("CREATE DATABASE {name} OWNER contact_search"))?;
        }
        let filled = Filled {
            url: self
                .database
                .url()
                .replace("///contact_search?", &format!("///{name}?")),
            workload: Workload {
                client: LARGE_CLIENT.to_owned(),
                contacts,
                small_clients,
                seed,
                years,
            },
            size,
        };
        let mut connection = filled.connect()?;
        migrations::migrate(&mut connection)?;
        let workload = &filled.workload;
        if clients::find_client(&mut connection, LARGE_CLIENT)?.is_some() {
            eprintln!("reusing {contacts} contacts of an earlier run");
            // An interrupted run may have left some.
            filled.remove_imported(&mut connection, filled.large_client()?)?;
            let last = format!("{LARGE_CLIENT} {small_clients}");
            let all = [(LARGE_CLIENT, contacts), (&last, workload.small_contacts())];
            // The last small client is the large one if there are no small ones.
            for (client, expected) in all.into_iter().take(if small_clients == 0 { 1 } else { 2 }) {
                let client = filled.client(client)?;
                let counted = format!("SELECT count(*) FROM contacts WHERE client_id = '{client}'");
                let counted = count(&mut connection, &counted)?;
                ensure!(
                    u64::try_from(counted) == Ok(expected),
                    "the database {name} was changed: a client has {counted} contacts and not {expected}"
                );
            }
            // Cleans up after the writes of earlier runs, so that they do not slow this one down.
            filled.vacuum(&mut connection)?;
        } else {
            eprintln!("generating {} contacts", workload.total());
            generate::generate(&mut connection, workload, &mut generate::bar(workload.total()))?;
        }
        Ok(filled)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = self.database.leave() {
            eprintln!("{error}");
        }
    }
}

/// Memory settings for a dedicated PostgreSQL machine, and enough connections for the servers and pgbench. Durability
/// keeps its default, because writes are measured too.
fn settings() -> Vec<(String, String)> {
    let megabytes = process::machine_memory().unwrap_or(2_048);
    [
        ("shared_buffers", format!("{}MB", (megabytes / 4).clamp(128, 8_192))),
        ("effective_cache_size", format!("{}MB", megabytes / 2)),
        ("max_connections", "200".to_owned()),
        ("max_wal_size", "4GB".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Stops child processes and PostgreSQL on a signal. After this process ends, the watchdog of the
/// temporary directory deletes it.
fn end_on_signals(database: Arc<PrivateDatabase>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            process::end_all();
            if let Err(error) = database.leave() {
                eprintln!("{error}");
            }
            low_level::exit(128 + signal);
        }
    });
    Ok(())
}

/// A database full of contacts.
pub struct Filled {
    pub url: String,
    pub workload: Workload,
    pub size: Size,
}

impl Filled {
    /// Cleans up after writes, so that they do not slow down what is measured next.
    pub fn vacuum(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let tables = "SELECT string_agg(relid::regclass::text, ', ') AS text FROM pg_stat_user_tables";
        let tables = text(connection, tables)?;
        Ok(connection.batch_execute(&format!("VACUUM (ANALYZE) {tables}"))?)
    }

    /// Deletes the client's contacts on the platform [`IMPORTED`].
    pub fn remove_imported(&self, connection: &mut PgConnection, client: ClientId) -> anyhow::Result<()> {
        let delete = format!("DELETE FROM contacts WHERE client_id = '{client}' AND platform = '{IMPORTED}'");
        Ok(connection.batch_execute(&delete)?)
    }

    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(connection::connect(&self.url)?)
    }

    pub fn large_client(&self) -> anyhow::Result<ClientId> {
        self.client(LARGE_CLIENT)
    }

    pub fn small_client(&self) -> anyhow::Result<ClientId> {
        self.client(&format!("{LARGE_CLIENT} 1"))
    }

    fn client(&self, name: &str) -> anyhow::Result<ClientId> {
        let client = clients::find_client(&mut self.connect()?, name)?;
        Ok(client.with_context(|| format!("there is no client {name}"))?.id)
    }

    /// Creates a key of the client with all scopes.
    pub fn key(&self, client: ClientId) -> anyhow::Result<String> {
        let key = ApiKey::generate(Format::Mindo)
            .map_err(|_| anyhow::anyhow!("the operating system has no random numbers"))?;
        let new = NewKey::new("speed", Scope::ALL.to_vec(), None)?;
        keys::add_key(&mut self.connect()?, client, &key, &new)?;
        Ok(key.reveal().to_owned())
    }
}

/// A running server on a database. It logs to a file, as in production.
pub struct Server {
    pub process: Process,
    pub address: String,
}

impl Server {
    pub fn start(stage: &Stage, filled: &Filled) -> anyhow::Result<Self> {
        let log = stage.file(&format!("{}.log", filled.size.database()));
        let mut command = stage.measured();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database-url", &filled.url])
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let mut process = Process::start(&mut command)?;
        let lines = BufReader::new(process.child().stdout.take().context("standard output is piped")?).lines();
        for line in lines {
            if let Some((_, address)) = line?.split_once("answers on http://") {
                let address = address.trim().to_owned();
                return Ok(Self { process, address });
            }
        }
        bail!("the server did not start: {}", fs::read_to_string(&log)?);
    }
}

/// Runs a statement that returns one row with a number in the column `count`.
fn count(connection: &mut PgConnection, sql: &str) -> anyhow::Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let row: Row = diesel::sql_query(sql).get_result(connection)?;
    Ok(row.count)
}

/// Runs a statement that returns one row with a text in the column `text`.
pub fn text(connection: &mut PgConnection, sql: &str) -> anyhow::Result<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let row: Row = diesel::sql_query(sql).get_result(connection)?;
    Ok(row.text)
}

/// A PostgreSQL setting, with its unit.
fn setting(connection: &mut PgConnection, name: &str) -> anyhow::Result<String> {
    text(connection, &format!("SELECT current_setting('{name}') AS text"))
}
