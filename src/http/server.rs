//! Starts the server: listeners, workers, background jobs, and the order in which all of it stops.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::middleware::{Condition, DefaultHeaders, from_fn};
use actix_web::{App, HttpServer, web};

use super::database::periodic_job::PeriodicJob;
use super::database::search_tables_jobs;
use super::endpoints::ops::metrics::show_metrics;
use super::endpoints::ops::specification::Specification;
use super::endpoints::page::files::PageFiles;
use super::error::ApiError;
use super::failures::failure_statuses;
use super::keys::key_usage;
use super::middleware::cors;
use super::middleware::frame::{NO_SNIFFING, frame, method_name};
use super::middleware::idle_connections::IdleConnections;
use super::openapi;
use super::request::body_memory::BodyMemory;
use super::routes::{PAGE_PATHS, endpoints};
use super::settings::Settings;
use super::state::State;

/// How long requests in flight may take to end when the server stops gracefully.
const SHUTDOWN_SECONDS: u64 = 8;

/// A running server.
pub struct Servers {
    /// All endpoints except the metrics.
    pub api: Server,
    /// The metrics, on a port of their own.
    pub metrics: Option<Server>,
    /// Background jobs. Drop them after both servers have stopped, since the drop writes the last uses of keys.
    pub jobs: Vec<PeriodicJob>,
}

/// Starts a server on a listening socket, and one for the metrics if `metrics` has a socket.
///
/// Await the servers to run them. They run until they are stopped by their handles, gracefully or immediately. The
/// caller handles signals. The database may be unreachable at the start.
///
/// # Errors
/// If a socket cannot be used, or the system cannot start another thread.
pub fn serve(settings: &Settings, listener: TcpListener, metrics: Option<TcpListener>) -> io::Result<Servers> {
    let state = web::Data::new(State::new(settings)?);
    let body_memory = web::Data::new(BodyMemory::new(settings.workers));
    let specification = web::Data::new(Specification(openapi::render(&endpoints())));
    for endpoint in endpoints() {
        for operation in &endpoint.operations {
            let success = operation.documentation.answer.status;
            for status in failure_statuses(operation).into_iter().chain([success]) {
                state
                    .metrics
                    .expect_request(endpoint.path, method_name(&operation.method), status);
            }
        }
    }
    let page = settings.page.as_ref();
    let page = page.map(|page| PageFiles::new(page, &listener)).transpose()?;
    let page = page.map(web::Data::new);
    let connections = IdleConnections::default();
    let mut jobs = search_tables_jobs::start(&settings.database_url, settings.is_pooled)?;
    jobs.push(connections.start_closing()?);
    jobs.push(key_usage::start_writer(
        &settings.database_url,
        settings.is_pooled,
        state.key_usage.clone(),
    )?);
    for path in PAGE_PATHS.iter().filter(|_| page.is_some()) {
        state.metrics.expect_request(path.path, method_name(&path.method), 200);
    }
    let shared = state.clone();
    let cors_origins = settings.cors_origins.clone();
    let api = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(body_memory.clone())
            .app_data(specification.clone())
            .configure(|config| {
                for endpoint in endpoints() {
                    config.service(endpoint.resource());
                }
                if let Some(page) = &page {
                    config.app_data(page.clone());
                    for path in &PAGE_PATHS {
                        config.service(path.resource());
                    }
                }
            })
            .default_service(web::to(|| async { Err::<&'static str, _>(ApiError::NotFound) }))
            .wrap(Condition::new(!cors_origins.is_empty(), cors::allow(&cors_origins)))
            .wrap(from_fn(frame))
    })
    .workers(settings.workers)
    .on_connect(move |connection, data| connections.register(connection, data))
    // actix's own timers are off. They would count the time in which a worker is busy, and the time in which a slow
    // reader takes its answer. `IdleConnections` closes idle connections in their place.
    .keep_alive(KeepAlive::Os)
    .client_request_timeout(Duration::ZERO)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals();
    let api = match &settings.tls {
        Some(tls) => api.listen_rustls_0_23(listener, tls.server_config())?,
        None => api.listen(listener)?,
    };
    let api = api.run();
    let metrics = metrics.map(|listener| {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .wrap(DefaultHeaders::new().add(NO_SNIFFING))
                .route("/metrics", web::get().to(show_metrics))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .shutdown_timeout(0)
            .listen(listener)?;
        io::Result::Ok(server.run())
    });
    Ok(Servers {
        api,
        metrics: metrics.transpose()?,
        jobs,
    })
}
