//! The HTTP server.
//!
//! | module | contents |
//! |---|---|
//! | `server` | listeners, workers, background jobs, and the order in which they stop |
//! | `routes` | the table of routes |
//! | `endpoints` | the handlers: one file per endpoint, one folder per API |
//! | `middleware` | authentication, errors and access log, CORS, idle connections |
//! | `request` | reads query parameters and bodies |
//! | `database` | lanes, read replicas, lookup coalescing, message batching, health, background jobs |
//! | `keys` | cached keys, their last uses, their quotas |
//! | `tls` | the certificate, which can be replaced |
//! | `error` | one enum, three shapes, two languages |

mod database;
mod documentation;
mod endpoints;
mod error;
mod failures;
mod keys;
mod log_throttle;
mod metrics;
mod metrics_format;
mod middleware;
pub mod openapi;
#[cfg(target_os = "linux")]
mod process_metrics;
mod request;
mod routes;
mod server;
mod settings;
mod state;
mod tls;

pub use self::database::periodic_job::{OnDrop, PeriodicJob};
pub use self::endpoints::ingest::normalization_json::Normalization;
pub use self::endpoints::query::found_contact::ContactQueryResponse;
pub use self::error::{ErrorCode, ErrorText, chain};
pub use self::middleware::auth::Access;
#[cfg(fuzzing)]
pub use self::request::query::parameter;
pub use self::routes::{Endpoint, Operation, endpoints};
pub use self::server::{Servers, serve};
pub use self::settings::{PageSettings, Settings};
pub use self::tls::{Tls, TlsError, TlsFiles};
