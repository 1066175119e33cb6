//! Opens the database of a command, and leaves it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use parking_lot::Mutex;

use super::program;
use crate::cli::environment::blame;
use crate::cli::output;
use crate::config::{COMMON_DATABASE_VARIABLE, DatabaseConfig};
use crate::embedded::{self, PrivateDatabase};
use crate::store::{PgConnection, StoreError, connection, migrations};

const URL: &str = "--database-url";
const DATA_DIR: &str = "--data-dir";

/// The database of a command. If it is the private PostgreSQL, that runs while this value lives.
pub struct Database {
    url: String,
    private: Option<PrivateServer>,
    /// The environment variable that gave the URL.
    url_variable: Option<String>,
}

/// The private PostgreSQL, and the directory of its data and related files.
pub struct PrivateServer {
    pub server: Arc<PrivateDatabase>,
    pub data_dir: PathBuf,
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        leave_and_log(&self.server);
    }
}

/// The private database that this process has open, for the signal handler. The lock is held while
/// PostgreSQL starts, so the signal handler waits until the start has ended, and then leaves the
/// database.
static OPEN: Mutex<Option<Arc<PrivateDatabase>>> = Mutex::new(None);

/// Leaves the private database, if it is open, because the process ends. No other database can be opened afterwards.
/// First ends the programs that this process runs on the database.
pub fn leave() {
    program::abandon();
    embedded::upgrade::abandon();
    let open = OPEN.lock();
    if let Some(server) = &*open {
        leave_and_log(server);
    }
    std::mem::forget(open);
}

fn leave_and_log(server: &PrivateDatabase) {
    if let Err(error) = server.leave() {
        log::error!("{error}");
    }
}

impl Database {
    /// Opens the user's own database if one is named, or else the private one, which is started if necessary. The
    /// private one must exist: in a mistyped directory, a new one would look like lost contacts.
    pub fn open(config: &DatabaseConfig) -> anyhow::Result<Self> {
        if config.database_url.is_none() {
            let data_dir = data_dir(config)?;
            ensure!(
                !embedded::is_absent(&data_dir),
                "there is no private database in {}{}: name its directory with --data-dir or CONTACT_SEARCH_DATA_DIR, or \
                 your own PostgreSQL with --database-url or CONTACT_SEARCH_DATABASE_URL. `contact-search serve` and \
                 `contact-search client create` make a new private database",
                output::visible_path(&data_dir),
                match config.variables.of(DATA_DIR) {
                    Some(variable) => format!(", the directory that the environment variable {variable} names"),
                    None => String::new(),
                }
            );
        }
        Self::open_or_create(config)
    }

    /// Opens the database like [`open`](Self::open), and creates the private one if it does not exist. Only for commands
    /// that make sense on an empty database.
    pub fn open_or_create(config: &DatabaseConfig) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            let database = Self {
                url: url.clone(),
                private: None,
                url_variable: config.variables.of(URL).map(str::to_owned),
            };
            connection::check_url(url).map_err(|error| database.blame_url(error.into()))?;
            return Ok(database);
        }
        let data_dir = data_dir(config)?;
        let mut open = OPEN.lock();
        let server = PrivateDatabase::open(&embedded::Options {
            data_dir: data_dir.clone(),
            programs: config.pg_bin.clone(),
            settings: Vec::new(),
        });
        let server = Arc::new(server.map_err(|error| {
            let variable = error.flag().and_then(|flag| config.variables.of(flag));
            blame(error.into(), variable)
        })?);
        *open = Some(server.clone());
        Ok(Self {
            url: server.url(),
            private: Some(PrivateServer { server, data_dir }),
            url_variable: None,
        })
    }

    /// Leaves the private database, which stops if no other process uses it.
    pub fn close(self) -> anyhow::Result<()> {
        match self.private {
            Some(private) => Ok(private.server.leave()?),
            None => Ok(()),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The private database, if this is one.
    pub fn private(&self) -> Option<&PrivateServer> {
        self.private.as_ref()
    }

    /// Connects, and does not check the schema.
    pub fn connect_to_any_schema(&self) -> anyhow::Result<PgConnection> {
        connection::connect(&self.url).map_err(|error| self.blame_url(error))
    }

    /// If a connection fails because of the URL, the error names the environment variable that set the URL.
    pub fn blame_url(&self, error: StoreError) -> anyhow::Error {
        let is_about_url = matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_));
        blame(error.into(), self.url_variable.as_deref().filter(|_| is_about_url))
    }

    /// Connects, and checks that this program can run on the schema. The private database is migrated first. The user's
    /// own database is not, because the user decides when.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        let mut connection = self.connect_to_any_schema()?;
        if self.private.is_some() {
            migrations::ensure_usable(&mut connection)?;
        }
        migrations::schema_state(&mut connection)?.check()?;
        Ok(connection)
    }

    /// Checks, before a command creates tables, that the database is meant for them. The shells of many Rails, Django
    /// and Node projects set `DATABASE_URL`. So that variable alone does not say that contact-search may write into a
    /// schema with other programs' tables. If the schema has migrations of this program, somebody has already decided
    /// that.
    ///
    /// # Errors
    /// A message that says how to name the database on purpose.
    pub fn refuse_other_programs_schema(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        if self.url_variable.as_deref() != Some(COMMON_DATABASE_VARIABLE) {
            return Ok(());
        }
        let Some(tables) = migrations::foreign_tables(connection)? else {
            return Ok(());
        };
        // In `Debug`, since a name may contain any character.
        let names: Vec<String> = tables.names.iter().map(|name| format!("{name:?}")).collect();
        bail!(
            "the database that DATABASE_URL names has tables of another program ({} in all, such as {}), and nothing was \
             changed: create a database for contact-search. To use this one anyway, name it with --database-url or \
             CONTACT_SEARCH_DATABASE_URL",
            tables.count,
            names.join(", ")
        );
    }
}

/// The data directory of the private database, as an absolute path.
pub(super) fn data_dir(config: &DatabaseConfig) -> anyhow::Result<PathBuf> {
    match &config.data_dir {
        Some(directory) => std::path::absolute(directory).with_context(|| {
            format!(
                "the directory of {} can't be resolved",
                config.variables.setter_of(DATA_DIR)
            )
        }),
        None => Ok(embedded::default_data_dir()?),
    }
}
