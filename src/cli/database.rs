//! `database`, and how every command comes to its database.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::config::DatabaseConfig;
use crate::domain::client::ClientId;
use crate::embedded::{self, PrivateDatabase};
use crate::store::clients::{self, Client};
use crate::store::migrations::{self, SchemaState};
use crate::store::{PgConnection, pool};

#[derive(Subcommand, Debug)]
pub enum DatabaseCommand {
    /// Print the URL by which psql reaches the database
    #[command(after_help = "Example, while a server runs:\n  psql \"$(contact-search database url)\"")]
    Url,
}

pub fn run(config: &DatabaseConfig, command: &DatabaseCommand) -> anyhow::Result<()> {
    match command {
        DatabaseCommand::Url => {
            let database = Database::open(config)?;
            println!("{}", database.url());
            if let Some(private) = database.private() {
                eprintln!(
                    "PostgreSQL {} keeps its data in {}; it runs while a contact-search process uses it. Reach it with:\n  \
                     psql \"{}\"",
                    private.server.version(),
                    private.server.data_directory().display(),
                    database.url()
                );
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
    pub server: PrivateDatabase,
    pub data_dir: PathBuf,
}

impl Database {
    /// The user's own database where one is named, else the private one, which is started if it doesn't run.
    pub fn open(config: &DatabaseConfig) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Ok(Self {
                url: url.clone(),
                private: None,
            });
        }
        let data_dir = match &config.data_dir {
            Some(directory) => std::path::absolute(directory).context("--data-dir can't be resolved")?,
            None => embedded::default_data_dir()?,
        };
        let server = PrivateDatabase::open(&embedded::Options {
            data_dir: data_dir.clone(),
            programs: config.pg_bin.clone(),
            settings: Vec::new(),
        })?;
        Ok(Self {
            url: server.url(),
            private: Some(Private { server, data_dir }),
        })
    }

    /// Leaves the private database, which stops where nobody else uses it.
    pub fn close(self) -> anyhow::Result<()> {
        match self.private {
            Some(private) => Ok(private.server.close()?),
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
        let mut connection = pool::connect(&self.url).map_err(plain)?;
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
        SchemaState::Behind(count) => bail!(
            "the database's schema lacks {count} of this program's migrations: run `contact-search migrate`, or serve \
             with --migrate"
        ),
        SchemaState::Newer => Err(migrations::MigrationError::Newer.into()),
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

/// libpq's messages have line breaks; an error is one sentence a cause.
fn plain(error: crate::store::StoreError) -> anyhow::Error {
    let cause = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    anyhow::anyhow!("{error}: {}", cause.split_whitespace().collect::<Vec<_>>().join(" "))
}
