//! `serve`

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{self, Backlog};

use super::database::{Database, replicas};
use super::environment::blame;
use super::names_and_ids::parse_client_name;
use super::{client, output, signals};
use crate::config::{DatabaseConfig, ServeConfig};
use crate::domain::key::{ApiKey, Format, NewKey, Scope};
use crate::domain::phone::Region;
use crate::embedded::PrivateDatabase;
use crate::http::{self, OnDrop, PageSettings, PeriodicJob, Settings, Tls, TlsError, TlsFiles};
use crate::sample::demo::{self, CLIENT, CONTACTS};
use crate::store::server_version::{ServerVersion, server_version};
use crate::store::{PgConnection, StoreError, clients, connection, keys, migrations};

pub fn run(config: &DatabaseConfig, serve: &ServeConfig) -> anyhow::Result<()> {
    // Listens first, so that an address in use is reported before a database is started or filled.
    let listen_on = |address: &str, flag| listen(address, &serve.variables.setter_of(flag));
    let listener = listen_on(&serve.listen, "--listen")?;
    let metrics = serve.metrics_listen.as_deref();
    let metrics = metrics
        .map(|address| listen_on(address, "--metrics-listen"))
        .transpose()?;
    let address = listener.local_addr()?;
    let tls = serve.tls_cert.clone().zip(serve.tls_key.clone());
    let tls = tls.map(|(certificate, key)| Tls::open(TlsFiles { certificate, key }));
    let tls = tls.transpose().map_err(|error| {
        let flag = match error {
            TlsError::Key { .. } => "--tls-key",
            TlsError::Certificate { .. } | TlsError::Mismatch(_) => "--tls-cert",
        };
        blame(error.into(), serve.variables.of(flag))
    })?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    allow_many_connections();
    let database = Database::open_or_create(config)?;
    let Prepared { demo, postgresql } = prepare(&database, serve)?;
    let metrics_address = metrics.as_ref().map(TcpListener::local_addr).transpose()?;
    log::info!(
        version = env!("CARGO_PKG_VERSION"),
        postgresql = text_or_dash(postgresql),
        listen = address.to_string(),
        metrics = text_or_dash(metrics_address);
        "starting"
    );
    let servers = http::serve(
        &Settings {
            database_url: database.url().to_owned(),
            replica_urls: serve.read_database_url.iter().map(|url| url.0.clone()).collect(),
            max_replica_lag: serve.max_replica_lag,
            is_pooled: serve.pooler,
            workers: serve.workers(),
            pool_size: serve.pool_size(),
            tls: tls.clone(),
            cors_origins: serve.cors_origin.clone(),
            trusted_proxies: serve.trusted_proxy.clone(),
            rate_limit: serve.rate_limit.and_then(NonZeroU32::new),
            deadline_factor: serve.deadline_factor,
            page: (!serve.no_page).then(|| PageSettings { demo_key: demo.clone() }),
        },
        listener,
        metrics,
    )?;
    let handle = servers.api.handle();
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stops = is_stopping.clone();
    // This only tells the server to stop. Its end is awaited below.
    signals::hand_over(move |graceful| {
        stops.store(true, Ordering::Relaxed);
        if graceful {
            log::info!("stopping: requests in flight are answered first");
        } else {
            log::info!("stopping at once");
        }
        drop(handle.stop(graceful));
    });
    if let Some(tls) = tls {
        signals::reload_on_hangup(move || match tls.reload() {
            Ok(()) => log::info!("the certificate was read again, for new connections"),
            Err(error) => log::error!("the certificate stays as it is: {error}"),
        })?;
    }

    let mut revival = None;
    if let Some(private) = database.private() {
        revival = Some(keep_alive(private.server.clone(), is_stopping)?);
        output::print(format_args!(
            "PostgreSQL {} from {}, data in {}\n",
            private.server.version(),
            private.server.programs().display(),
            private.server.data_directory().display()
        ))?;
    }
    output::print(format_args!(
        "contact-search {} answers on {scheme}://{address}\n",
        env!("CARGO_PKG_VERSION")
    ))?;
    if !serve.no_page {
        output::print(format_args!("Page: {scheme}://{}/\n", reachable(address)))?;
    }
    if let Some(address) = metrics_address {
        output::print(format_args!("Metrics are at http://{address}/metrics\n"))?;
    }
    if let Some(demo) = demo {
        output::print(demo_requests(&demo, &format!("{scheme}://{address}")))?;
    }

    let served = actix_web::rt::System::new().block_on(async {
        // The metrics server ends together with the API server.
        if let Some(metrics) = servers.metrics {
            actix_web::rt::spawn(metrics);
        }
        servers.api.await
    });
    served.context("the server stopped")?;
    drop(revival);
    drop(servers.jobs);
    database.close()?;
    log::info!("stopped");
    Ok(())
}

/// An address that a browser on this machine can open. A server that listens on all addresses also listens on the
/// loopback address.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn text_or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// The interval between checks of the private PostgreSQL, and between attempts to restart it.
const REVIVAL_PERIOD: Duration = Duration::from_secs(1);

/// Restarts the private PostgreSQL whenever it stops unexpectedly, until this process stops. A full disk stops it, and
/// it cannot restart before there is room. Only the first of several failures in a row is logged.
fn keep_alive(server: Arc<PrivateDatabase>, is_stopping: Arc<AtomicBool>) -> io::Result<PeriodicJob> {
    PeriodicJob::start(
        "private PostgreSQL",
        REVIVAL_PERIOD,
        OnDrop::Stop,
        "PostgreSQL stopped unexpectedly; restarting it failed",
        move |_| {
            if !is_stopping.load(Ordering::Relaxed) && server.revive().map_err(|error| error.to_string())? {
                log::warn!("PostgreSQL stopped unexpectedly and was restarted");
            }
            Ok(())
        },
    )
}

/// How many connections may wait to be accepted. If the queue is full, the kernel drops the first
/// packet of a new connection, and the caller sends that packet again a second later. The library's
/// default of 128 is too small for a burst.
const BACKLOG: i32 = 4_096;

/// Listens on an address, which `setter` has set.
fn listen(address: &str, setter: &str) -> anyhow::Result<TcpListener> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        socket::listen(&listener, Backlog::new(BACKLOG)?)?;
        Ok(listener)
    };
    listen().map_err(|error: io::Error| {
        let error = error.to_string();
        // Without the operating system's error number.
        let reason = error.split(" (os error").next().unwrap_or_default();
        anyhow::anyhow!("can't listen on {address} ({reason}): choose another address with {setter}")
    })
}

/// Raises the limit of open files to 65,536, or to the hard limit if that is lower. Each connection needs two open
/// files, and a shell's usual limit is a thousand.
fn allow_many_connections() {
    const OPEN_FILES: u64 = 65_536;
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = hard.min(OPEN_FILES).max(soft);
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    });
    if let Err(error) = raised {
        log::warn!("the limit of open files could not be raised: {error}");
    }
}

/// The result of [`prepare`].
#[derive(Default)]
struct Prepared {
    /// The key of the demo, if there is one.
    demo: Option<ApiKey>,
    /// The version of PostgreSQL. `None` if PostgreSQL did not answer, or behind a pooler, where nothing asks for it.
    postgresql: Option<ServerVersion>,
}

/// Prepares the database for requests.
fn prepare(database: &Database, serve: &ServeConfig) -> anyhow::Result<Prepared> {
    let is_private = database.private().is_some();
    replicas::check_urls(serve)?;
    if serve.pooler {
        // Behind a pooler, each new connection of this server's pool checks the schema.
        return Ok(Prepared::default());
    }
    let mut connection = match connection::connect(database.url()) {
        Ok(connection) => connection,
        // The server starts anyway, and becomes ready when its database is reachable.
        Err(error @ StoreError::Unavailable(_)) if !is_private && !serve.migrate && serve.bootstrap.is_none() => {
            log::warn!("{:#}", database.blame_url(error));
            replicas::check(serve, None)?;
            return Ok(Prepared::default());
        }
        Err(error) => return Err(database.blame_url(error)),
    };
    if is_private || serve.migrate {
        database.refuse_other_programs_schema(&mut connection)?;
        migrations::ensure_usable(&mut connection)?;
    }
    migrations::schema_state(&mut connection)?.check()?;
    let postgresql = Some(server_version(&mut connection)?);
    replicas::check(serve, Some(&mut connection))?;
    if let Some(name) = &serve.bootstrap {
        let name = parse_client_name(name).map_err(|error| blame(error, serve.variables.of("--bootstrap")))?;
        bootstrap(&mut connection, name)?;
    }
    let demo = match database.private() {
        Some(private) if !serve.no_demo => {
            demo::ensure(&mut connection, &private.data_dir).context("the demo can't be created")?
        }
        _ => None,
    };
    Ok(Prepared { demo, postgresql })
}

/// Creates the first client, with a key that is shown only now.
fn bootstrap(connection: &mut PgConnection, name: &str) -> anyhow::Result<()> {
    let key = ApiKey::generate(Format::Mindo).context("the operating system has no random numbers")?;
    let new = NewKey::new("bootstrap", Scope::ALL.to_vec(), None)?;
    let made = clients::create_first(connection, |connection| {
        let client = clients::create_client(connection, name, Region::DEFAULT)?;
        keys::add_key(connection, client, &key, &new)
    })?;
    if made.is_some() {
        output::print_or_fail(format_args!(
            "Created the client '{name}'. Its key, which is shown only once: {}\n{}\n",
            key.reveal(),
            client::default_region_notice(name)
        ))
        .with_context(|| {
            format!(
                "the key of the new client '{name}' can't be shown: create another one with `contact-search key create`"
            )
        })?;
    }
    Ok(())
}

/// Example requests for the terminal, one for each API. They contain the key, so they are never logged.
fn demo_requests(key: &ApiKey, base: &str) -> String {
    let key = key.reveal();
    format!(
        "\nThe client '{CLIENT}' has {CONTACTS} made-up contacts. Try it:\n\n  \
         curl -H \"X-API-Key: {key}\" \"{base}/api/v1/contact-lookup/?phone=5492235961983\"\n\n  \
         curl -H \"X-API-Key: {key}\" \"{base}/api/public/contacts/search?email=john%40example.com\"\n\n"
    )
}
