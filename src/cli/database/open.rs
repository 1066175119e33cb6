//! Opens the database of a command, and leaves it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use parking_lot::Mutex;

use super::program;
use crate::cli::output;
use crate::config::DatabaseConfig;
use crate::embedded::{self, PrivateDatabase};
use crate::store::{PgConnection, connection, migrations};

/// The database of a command. If it is the private PostgreSQL, that runs while this value lives.
pub struct Database {
    url: String,
    private: Option<PrivateServer>,
    /// Whether the URL comes from `DATABASE_URL`, which other programs read as well.
    is_of_common_variable: bool,
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
                "there is no private database in {}: name its directory with --data-dir or CONTACT_SEARCH_DATA_DIR, or \
                 your own PostgreSQL with --database-url or CONTACT_SEARCH_DATABASE_URL. `contact-search serve` and \
                 `contact-search client create` make a new private database",
                output::visible_path(&data_dir)
            );
        }
        Self::open_or_create(config)
    }

    /// Opens the database like [`open`](Self::open), and creates the private one if it does not exist. Only for commands
    /// that make sense on an empty database.
    pub fn open_or_create(config: &DatabaseConfig) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            connection::check_url(url)?;
            return Ok(Self {
                url: url.clone(),
                private: None,
                is_of_common_variable: config.is_url_of_common_variable,
            });
        }
        let data_dir = data_dir(config)?;
        let mut open = OPEN.lock();
        let server = Arc::new(PrivateDatabase::open(&embedded::Options {
            data_dir: data_dir.clone(),
            programs: config.pg_bin.clone(),
            settings: Vec::new(),
        })?);
        *open = Some(server.clone());
        Ok(Self {
            url: server.url(),
            private: Some(PrivateServer { server, data_dir }),
            is_of_common_variable: false,
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

    /// Connects, and checks that this program can run on the schema. The private database is migrated first. The user's
    /// own database is not, because the user decides when.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        let mut connection = connection::connect(&self.url)?;
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
        if !self.is_of_common_variable {
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

fn data_dir(config: &DatabaseConfig) -> anyhow::Result<PathBuf> {
    match &config.data_dir {
        Some(directory) => std::path::absolute(directory).context("--data-dir can't be resolved"),
        None => Ok(embedded::default_data_dir()?),
    }
}
