//! The HTTP server: its routes, and what is around them.
//!
//! [`endpoints`] is the one list of routes: actix gets it from there, and whoever wants to say something about
//! every route goes through it.

mod database;
mod endpoints;
mod error;
mod keys;
mod log_throttle;
mod metrics;
mod middleware;
pub mod openapi;
mod request;
mod state;

use std::io;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, HttpServer, Resource, Route, web};
use ipnet::IpNet;

pub use self::database::newest_contacts_job::NewestContacts;
use self::endpoints::ingest::{contact_batch, messages, whatsapp_webhook};
use self::endpoints::lookup::{contact_lookup, contact_lookup_batch};
use self::endpoints::ops::health;
use self::endpoints::public::{contact, contact_info, contact_search, contact_upsert, recent_contacts};
use self::error::ApiError;
pub use self::keys::key_usage::KeyUseWriter;
pub use self::middleware::auth::Access;
use self::middleware::auth::authorize;
use self::middleware::cors;
use self::middleware::frame::frame;
use self::middleware::idle_connections::{Connections, IDLE_MAX};
use self::openapi::Documentation;
#[cfg(fuzzing)]
pub use self::request::query::parameter;
use self::state::State;
use crate::domain::key::Scope;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long requests in flight have to end when the server stops gracefully.
const SHUTDOWN_SECONDS: u64 = 8;

/// One path, and what may be done there.
pub struct Endpoint {
    /// The documented path, with its parameters in braces. It answers with and without a slash at its end.
    pub path: &'static str,
    pub operations: Vec<Operation>,
}

/// One method of a path: what it asks of its callers, and what answers.
pub struct Operation {
    /// An operation on GET answers HEAD too.
    pub method: Method,
    pub access: Access,
    documentation: &'static Documentation,
    handler: fn() -> Route,
}

/// Every path that the server answers.
pub fn endpoints() -> Vec<Endpoint> {
    let on = |method, access, documentation, handler| Operation {
        method,
        access,
        documentation,
        handler,
    };
    let get = |path, access, documentation, handler| Endpoint {
        path,
        operations: vec![on(Method::GET, access, documentation, handler)],
    };
    let post = |path, access, documentation, handler| Endpoint {
        path,
        operations: vec![on(Method::POST, access, documentation, handler)],
    };
    let [lookup, search, write] = [Scope::Lookup, Scope::Search, Scope::Write].map(Access::Key);
    vec![
        get(
            "/api/v1/contact-lookup/",
            lookup,
            &contact_lookup::DOCUMENTATION,
            || web::to(contact_lookup::look_up_contact),
        ),
        post(
            "/api/v1/contact-lookup/batch",
            lookup,
            &contact_lookup_batch::DOCUMENTATION,
            || web::to(contact_lookup_batch::look_up_contacts),
        ),
        get(
            "/api/public/contacts/search",
            search,
            &contact_search::DOCUMENTATION,
            || web::to(contact_search::search_contacts),
        ),
        get("/api/public/contacts", search, &recent_contacts::DOCUMENTATION, || {
            web::to(recent_contacts::list_recent_contacts)
        }),
        get(
            "/api/public/contact/{id}/info",
            search,
            &contact_info::DOCUMENTATION,
            || web::to(contact_info::show_contact),
        ),
        Endpoint {
            path: "/api/public/contact/{id}",
            operations: vec![
                on(Method::PATCH, write, &contact::CHANGE, || {
                    web::to(contact::edit_contact)
                }),
                on(Method::DELETE, write, &contact::ERASURE, || {
                    web::to(contact::delete_contact)
                }),
            ],
        },
        post(
            "/api/public/customer/upsert/info",
            write,
            &contact_upsert::DOCUMENTATION,
            || web::to(contact_upsert::upsert_contact),
        ),
        post("/api/v1/contacts/", write, &contact_batch::DOCUMENTATION, || {
            web::to(contact_batch::upsert_contacts)
        }),
        post("/api/v1/messages/", write, &messages::DOCUMENTATION, || {
            web::to(messages::record_messages)
        }),
        Endpoint {
            path: "/webhooks/whatsapp/{token}",
            operations: vec![
                on(Method::GET, Access::Webhook, &whatsapp_webhook::HANDSHAKE, || {
                    web::to(whatsapp_webhook::shake_hands)
                }),
                on(Method::POST, Access::Webhook, &whatsapp_webhook::DELIVERY, || {
                    web::to(whatsapp_webhook::take_delivery)
                }),
            ],
        },
        get("/openapi.json", Access::Public, &openapi::DOCUMENTATION, || {
            web::to(openapi::show_specification)
        }),
        get("/healthz", Access::Public, &health::PROCESS, || {
            web::to(health::check_process)
        }),
        get("/readyz", Access::Public, &health::READINESS, || {
            web::to(health::check_readiness)
        }),
    ]
}

impl Endpoint {
    /// The value of `Allow`.
    pub fn allow(&self) -> String {
        let names = self.operations.iter().flat_map(|operation| operation.methods());
        names.map(|method| method.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Decides in the contract's order: the path has matched, then the method, then the key and its scope, and
    /// only then the handler reads the query or the body.
    fn resource(&self) -> Resource {
        // The documented path comes first: it is the one that the access log names.
        let path = self.path;
        let twin = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        let allow = self.allow();
        let resource = web::resource([path.to_owned(), twin]).default_service(web::to(move || {
            let allow = allow.clone();
            async move { Err::<&'static str, _>(ApiError::MethodNotAllowed { allow }) }
        }));
        self.operations
            .iter()
            .fold(resource, |resource, operation| resource.route(operation.route()))
    }
}

impl Operation {
    fn methods(&self) -> impl Iterator<Item = Method> {
        let head = (self.method == Method::GET).then_some(Method::HEAD);
        std::iter::once(self.method.clone()).chain(head)
    }

    fn route(&self) -> Route {
        let access = self.access;
        let methods: Vec<Method> = self.methods().collect();
        (self.handler)()
            .guard(guard::fn_guard(move |context| methods.contains(&context.head().method)))
            .wrap(from_fn(move |request, next| authorize(access, request, next)))
    }
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A libpq URL.
    pub database_url: String,
    /// Whether that is a transaction pooler's.
    pub is_pooled: bool,
    /// Threads that speak HTTP.
    pub workers: usize,
    /// Connections to the database, which is also how many requests work on it at the same time.
    pub pool_size: u32,
    /// Origins whose pages may read answers; none as a rule.
    pub cors_origins: Vec<String>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests a minute that a key without a limit of its own may make; `None` for as many as it likes.
    pub rate_limit: Option<NonZeroU32>,
}

/// What serves until it is stopped.
pub struct Servers {
    /// Both APIs.
    pub api: Server,
    /// What is counted, for who measures.
    pub metrics: Option<Server>,
    /// To be dropped when both have ended.
    pub key_uses: KeyUseWriter,
    /// To be dropped then too.
    pub newest_contacts: NewestContacts,
}

/// Starts a server on a listening socket, and one for the metrics where there is a socket for it; they run where they
/// are awaited, until their handles stop them: gracefully, which lets requests in flight end, or at once. Signals are the
/// caller's. The database need not be there yet.
///
/// # Errors
/// What keeps a socket from being used, or the system from giving a thread.
pub fn serve(settings: &Settings, listener: TcpListener, metrics: Option<TcpListener>) -> io::Result<Servers> {
    let state = web::Data::new(State::new(settings)?);
    let connections = Connections::watch()?;
    let key_uses = KeyUseWriter::start(&settings.database_url, settings.is_pooled, state.key_uses.clone())?;
    let newest_contacts = NewestContacts::keep_few(&settings.database_url, settings.is_pooled)?;
    let shared = state.clone();
    let cors_origins = settings.cors_origins.clone();
    let api = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .configure(|config| {
                for endpoint in endpoints() {
                    config.service(endpoint.resource());
                }
            })
            .default_service(web::to(|| async { Err::<&'static str, _>(ApiError::NotFound) }))
            .wrap(Condition::new(!cors_origins.is_empty(), cors::allow(&cors_origins)))
            .wrap(from_fn(frame))
    })
    .workers(settings.workers)
    .on_connect(move |connection, data| connections.enter(connection, data))
    .keep_alive(IDLE_MAX)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    let metrics = metrics.map(|listener| {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .route("/metrics", web::get().to(metrics::show_metrics))
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
        key_uses,
        newest_contacts,
    })
}
