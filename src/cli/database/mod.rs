//! `database`, and how every command comes to its database.

mod backup;
mod program;
mod restore;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::output;
use crate::config::DatabaseConfig;
use crate::domain::client::ClientId;
use crate::embedded::{self, PrivateDatabase};
use crate::store::clients::{self, Client};
use crate::store::migrations::{self, MigrationError, SchemaState};
use crate::store::{PgConnection, connection};

#[derive(Subcommand, Debug)]
pub enum DatabaseCommand {
    /// Write the whole database to a file: clients, contacts, keys, webhooks
    #[command(after_help = backup::EXAMPLE)]
    Backup(backup::BackupArgs),
    /// Read a backup into a database without clients, all or nothing, and bring its schema up to date
    #[command(after_help = restore::EXAMPLE)]
    Restore(restore::RestoreArgs),
    /// Print the URL by which psql reaches the database
    #[command(after_help = "Example, while a server runs:\n  psql \"$(contact-search database url)\"")]
    Url,
}

pub fn run(config: &DatabaseConfig, command: &DatabaseCommand) -> anyhow::Result<()> {
    match command {
        DatabaseCommand::Backup(arguments) => backup::run(config, arguments),
        DatabaseCommand::Restore(arguments) => restore::run(config, arguments),
        DatabaseCommand::Url => {
            let database = Database::open(config)?;
            output::print(format_args!("{}\n", database.url()))?;
            if let Some(private) = database.private() {
                output::say(format_args!(
                    "PostgreSQL {} keeps its data in {}; it runs while a contact-search process uses it. Reach it with:\n  \
                     psql \"{}\"",
                    private.server.version(),
                    private.server.data_directory().display(),
                    database.url()
                ));
            }
            Ok(())
        }
    }
}

/// The database that a command works on. While it lives the private PostgreSQL, if it is that one, runs.
pub struct Database {
    url: String,
    private: Option<Private>,
}

/// The private PostgreSQL, and the directory that it and what belongs to it are kept in.
pub struct Private {
    pub server: Arc<PrivateDatabase>,
    pub data_dir: PathBuf,
}

impl Drop for Private {
    fn drop(&mut self) {
        leave_and_log(&self.server);
    }
}

/// The private database that this process has open, for a signal to leave it. Locked while it is being opened: what
/// has been begun is stopped once it is there.
static OPEN: Mutex<Option<Arc<PrivateDatabase>>> = Mutex::new(None);

/// Leaves the private database, if it is open, on behalf of a process that ends; no other is opened after that. What
/// works on a database for this process ends first.
pub fn leave() {
    program::abandon();
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// The user's own database where one is named, else the private one, which is started if it doesn't run.
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
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Arc::new(PrivateDatabase::open(&embedded::Options {
            data_dir: data_dir.clone(),
            programs: config.pg_bin.clone(),
            settings: Vec::new(),
        })?);
        *open = Some(server.clone());
        Ok(Self {
            url: server.url(),
            private: Some(Private { server, data_dir }),
        })
    }

    /// Leaves the private database, which stops where nobody else uses it.
    pub fn close(self) -> anyhow::Result<()> {
        match self.private {
            Some(private) => Ok(private.server.leave()?),
            None => Ok(()),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The private database, where it is that.
    pub fn private(&self) -> Option<&Private> {
        self.private.as_ref()
    }

    /// A connection to a database whose schema is this program's. The private database is migrated; in the
    /// user's own nobody but the user decides when.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        let mut connection = connection::connect(&self.url)?;
        if self.private.is_some() {
            migrations::migrate(&mut connection)?;
        }
        check_schema(&mut connection)?;
        Ok(connection)
    }
}

/// Sees to it that the schema is this program's.
///
/// # Errors
/// A sentence that names the command to run, or the program to use.
pub fn check_schema(connection: &mut PgConnection) -> anyhow::Result<()> {
    match migrations::schema_state(connection)? {
        SchemaState::Current => Ok(()),
        SchemaState::Behind(count) => Err(MigrationError::Behind(count).into()),
        SchemaState::Newer => Err(MigrationError::Newer.into()),
    }
}

/// The client that an operator names by name or id.
pub fn find_client(connection: &mut PgConnection, name_or_id: &str) -> anyhow::Result<Client> {
    match clients::find_client(connection, name_or_id.trim())? {
        Some(client) => Ok(client),
        None => bail!("there is no client with this name or id: `contact-search client list` shows them"),
    }
}

/// An optional client by name or id.
pub fn find_client_id(connection: &mut PgConnection, name_or_id: Option<&str>) -> anyhow::Result<Option<ClientId>> {
    name_or_id
        .map(|name| find_client(connection, name).map(|client| client.id))
        .transpose()
}
