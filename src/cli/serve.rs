//! `serve`

use std::net::TcpListener;

use anyhow::Context;

use super::client::parse_name;
use super::database::{Database, check_schema};
use super::demo;
use crate::config::{DatabaseConfig, ServeConfig};
use crate::domain::key::{ApiKey, Format, NewKey, Scope};
use crate::domain::phone::Region;
use crate::http::{self, Settings};
use crate::intake;
use crate::store::{PgConnection, StoreError, clients, keys, migrations, pool};

pub fn run(config: &DatabaseConfig, serve: &ServeConfig) -> anyhow::Result<()> {
    // An address that is taken is said before anything is started or filled in.
    let listener = TcpListener::bind(serve.listen)
        .with_context(|| format!("can't listen on {}: choose another address with --listen", serve.listen))?;
    let address = listener.local_addr()?;
    let database = Database::open(config)?;
    let demo = prepare(&database, serve)?;

    if let Some(private) = database.private() {
        println!(
            "PostgreSQL {} from {}, data in {}",
            private.server.version(),
            private.server.programs().display(),
            private.server.data_directory().display()
        );
    }
    println!(
        "contact-search {} answers on http://{address}",
        env!("CARGO_PKG_VERSION")
    );
    if let Some(demo) = demo {
        print!("{}", demo::describe(&demo, &format!("http://{address}")));
    }

    let settings = Settings {
        database_url: database.url().to_owned(),
        workers: serve.workers(),
        pool_size: serve.pool_size(),
    };
    actix_web::rt::System::new()
        .block_on(async { http::serve(&settings, listener)?.await })
        .context("the server stopped")?;
    database.close()
}

/// Brings the database to where requests can be answered, as far as it is this program's to do so.
fn prepare(database: &Database, serve: &ServeConfig) -> anyhow::Result<Option<ApiKey>> {
    let is_private = database.private().is_some();
    let mut connection = match pool::connect(database.url()) {
        Ok(connection) => connection,
        // The server starts all the same, and is ready as soon as its database is.
        Err(error @ StoreError::Unavailable(_)) if !is_private && !serve.migrate && serve.bootstrap.is_none() => {
            log::warn!("{:#}", anyhow::Error::from(error));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if is_private || serve.migrate {
        migrations::migrate(&mut connection)?;
    }
    check_schema(&mut connection)?;
    if let Some(name) = &serve.bootstrap {
        bootstrap(&mut connection, name)?;
    }
    match database.private() {
        Some(private) if !serve.no_demo => {
            intake::demo::ensure(&mut connection, &private.data_dir).context("the demo can't be made")
        }
        _ => Ok(None),
    }
}

/// Makes the first client, with a key that is shown this once.
fn bootstrap(connection: &mut PgConnection, name: &str) -> anyhow::Result<()> {
    let name = parse_name(name)?;
    let key = ApiKey::generate(Format::Mindo).context("the system has no random numbers")?;
    let new = NewKey::new("bootstrap", Scope::ALL.to_vec(), None)?;
    let made = clients::make_first(connection, |connection| {
        let client = clients::create_client(connection, name, Region::DEFAULT)?;
        keys::add_key(connection, client, &key, &new)
    })?;
    if made.is_some() {
        println!(
            "Made the client '{name}'. Its key, which is shown this once: {}",
            key.reveal()
        );
    }
    Ok(())
}
