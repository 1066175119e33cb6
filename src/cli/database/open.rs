//! Opens the database of a command, and leaves it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use parking_lot::Mutex;

use super::program;
use crate::config::DatabaseConfig;
use crate::embedded::{self, PrivateDatabase};
use crate::store::migrations::{self, MigrationError, SchemaState};
use crate::store::{PgConnection, connection};

/// The database of a command. If it is the private PostgreSQL, that runs while this value lives.
pub struct Database {
    url: String,
    private: Option<PrivateServer>,
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
    /// Opens the user's own database if one is named, or else the private one, which is started if necessary.
    pub fn open(config: &DatabaseConfig) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            connection::check_url(url)?;
            return Ok(Self {
                url: url.clone(),
                private: None,
            });
        }
        let data_dir = match &config.data_dir {
            Some(directory) => std::path::absolute(directory).context("--data-dir can't be resolved")?,
            None => embedded::default_data_dir()?,
        };
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

    /// Connects, and checks that the schema is that of this program. The private database is migrated first. The user's
    /// own database is not, because the user decides when.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        let mut connection = connection::connect(&self.url)?;
        if self.private.is_some() {
            migrations::migrate(&mut connection)?;
        }
        check_schema(&mut connection)?;
        Ok(connection)
    }
}

/// Checks that the schema is that of this program.
///
/// # Errors
/// A message that names the command to run, or the program to use.
pub fn check_schema(connection: &mut PgConnection) -> anyhow::Result<()> {
    match migrations::schema_state(connection)? {
        SchemaState::Current => Ok(()),
        SchemaState::Behind(count) => Err(MigrationError::Behind(count).into()),
        SchemaState::Newer => Err(MigrationError::Newer.into()),
    }
}
