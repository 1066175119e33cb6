//! `serve`

use std::io;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{self, Backlog};

use super::client::parse_name;
use super::database::{Database, check_schema};
use super::{demo, output, signals};
use crate::config::{DatabaseConfig, ServeConfig};
use crate::domain::key::{ApiKey, Format, NewKey, Scope};
use crate::domain::phone::Region;
use crate::embedded::PrivateDatabase;
use crate::http::{self, Settings};
use crate::sample;
use crate::store::{PgConnection, StoreError, clients, connection, keys, migrations};

pub fn run(config: &DatabaseConfig, serve: &ServeConfig) -> anyhow::Result<()> {
    // An address that is taken is said before anything is started or filled in.
    let listener = listen(&serve.listen, "--listen")?;
    let metrics = serve.metrics_listen.as_deref();
    let metrics = metrics.map(|address| listen(address, "--metrics-listen")).transpose()?;
    let address = listener.local_addr()?;
    allow_many_connections();
    let database = Database::open(config)?;
    let demo = prepare(&database, serve)?;
    let metrics_address = metrics.as_ref().map(TcpListener::local_addr).transpose()?;
    let servers = http::serve(
        &Settings {
            database_url: database.url().to_owned(),
            is_pooled: serve.pooler,
            workers: serve.workers(),
            pool_size: serve.pool_size(),
            cors_origins: serve.cors_origin.clone(),
            trusted_proxies: serve.trusted_proxy.clone(),
            rate_limit: serve.rate_limit.and_then(NonZeroU32::new),
        },
        listener,
        metrics,
    )?;
    let handle = servers.api.handle();
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stops = is_stopping.clone();
    // It stops by being told; what is awaited is its end, below.
    signals::hand_over(move |graceful| {
        stops.store(true, Ordering::Relaxed);
        drop(handle.stop(graceful));
    });

    if let Some(private) = database.private() {
        keep_alive(private.server.clone(), is_stopping)?;
        output::print(format_args!(
            "PostgreSQL {} from {}, data in {}\n",
            private.server.version(),
            private.server.programs().display(),
            private.server.data_directory().display()
        ))?;
    }
    output::print(format_args!(
        "contact-search {} answers on http://{address}\n",
        env!("CARGO_PKG_VERSION")
    ))?;
    if let Some(address) = metrics_address {
        output::print(format_args!("Metrics are at http://{address}/metrics\n"))?;
    }
    if let Some(demo) = demo {
        output::print(demo::describe(&demo, &format!("http://{address}")))?;
    }

    let served = actix_web::rt::System::new().block_on(async {
        // It ends with the other one.
        if let Some(metrics) = servers.metrics {
            actix_web::rt::spawn(metrics);
        }
        servers.api.await
    });
    served.context("the server stopped")?;
    drop(servers.newest_contacts);
    drop(servers.key_uses);
    database.close()
}

/// How often it is looked whether the private PostgreSQL still runs, and how long it is left alone where it can't be
/// started.
const REVIVAL_PERIOD: Duration = Duration::from_secs(1);

/// Starts the private PostgreSQL again whenever it has ended by itself, until this process is told to stop: nobody else
/// does. A full disk ends it, and starting it then fails until there is room. The log hears of the first failure in a
/// row.
fn keep_alive(server: Arc<PrivateDatabase>, is_stopping: Arc<AtomicBool>) -> io::Result<()> {
    let mut was_failing = false;
    let keep = move || loop {
        thread::sleep(REVIVAL_PERIOD);
        if is_stopping.load(Ordering::Relaxed) {
            return;
        }
        let revived = server.revive();
        match &revived {
            Ok(true) => log::warn!("PostgreSQL had ended, and was started again"),
            Err(error) if !was_failing => {
                log::error!("PostgreSQL has ended by itself, and is tried to be started: {error}")
            }
            _ => {}
        }
        was_failing = revived.is_err();
    };
    thread::Builder::new().name("revival".to_owned()).spawn(keep).map(drop)
}

/// How many callers may wait to be accepted. Of those beyond it the system loses the first packet, which is sent again a
/// second later; the library's 128 are few for a burst.
const BACKLOG: i32 = 4_096;

fn listen(address: &str, option: &str) -> anyhow::Result<TcpListener> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        socket::listen(&listener, Backlog::new(BACKLOG)?)?;
        Ok(listener)
    };
    listen().map_err(|error: io::Error| {
        let error = error.to_string();
        // Without the system's number for it.
        let reason = error.split(" (os error").next().unwrap_or_default();
        anyhow::anyhow!("can't listen on {address} ({reason}): choose another address with {option}")
    })
}

/// Each connection takes two open files, and a shell's usual limit is a thousand; the system's own limit stays.
fn allow_many_connections() {
    const OPEN_FILES: u64 = 65_536;
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(now, most)| {
        let wanted = most.min(OPEN_FILES).max(now);
        setrlimit(Resource::RLIMIT_NOFILE, wanted, most)
    });
    if let Err(error) = raised {
        log::warn!("the limit of open files stays as it is: {error}");
    }
}

/// Brings the database to where requests can be answered, as far as it is this program's to do so.
fn prepare(database: &Database, serve: &ServeConfig) -> anyhow::Result<Option<ApiKey>> {
    let is_private = database.private().is_some();
    if serve.pooler {
        // Each of its connections looks at the schema for itself.
        return Ok(None);
    }
    let mut connection = match connection::connect(database.url()) {
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
            sample::demo::ensure(&mut connection, &private.data_dir).context("the demo can't be made")
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
        output::print_surely(format_args!(
            "Made the client '{name}'. Its key, which is shown this once: {}\n",
            key.reveal()
        ))
        .with_context(|| {
            format!("the key of the new client '{name}' can't be shown: make another with `contact-search key create`")
        })?;
    }
    Ok(())
}
