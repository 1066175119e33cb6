//! The state that all requests of a server share. The types of its fields do not depend on [`State`], so each can be
//! used without the others.

use std::io;
use std::sync::Arc;

use actix_web::{HttpRequest, web};
use ipnet::IpNet;
use tokio::sync::Semaphore;

use super::database::contact_reads::ContactReads;
use super::database::file_checks::FileChecks;
use super::database::lane::Lanes;
use super::database::lookup_coalescer::LookupCoalescer;
use super::database::message_batcher::MessageBatcher;
use super::database::monitor::DatabaseMonitor;
use super::database::write_marks::WriteMarks;
use super::keys::credential_cache::CredentialCache;
use super::keys::key_usage::KeyUsage;
use super::keys::rate_limit::RateLimits;
use super::log_throttle::LogThrottle;
use super::metrics::Metrics;
use super::settings::Settings;
use crate::store::list_names::ListNames;
use crate::store::search::ClientStatistics;

/// Shared by all workers of a server.
pub struct State {
    /// The lanes of the primary.
    pub lanes: Arc<Lanes>,
    /// Reads of contacts, from a replica or the primary.
    pub reads: Arc<ContactReads>,
    pub monitor: DatabaseMonitor,
    pub lookup_coalescer: Arc<LookupCoalescer>,
    pub message_batcher: Arc<MessageBatcher>,
    pub client_statistics: ClientStatistics,
    pub list_names: Arc<ListNames>,
    pub credential_cache: CredentialCache,
    /// Limits reads for unknown keys to half of the lane, so that guessing keys cannot starve real callers.
    pub unknown_key_permits: Arc<Semaphore>,
    pub rate_limits: RateLimits,
    pub key_usage: Arc<KeyUsage>,
    pub log_throttle: LogThrottle,
    pub metrics: Arc<Metrics>,
    pub trusted_proxies: Vec<IpNet>,
    pub file_checks: FileChecks,
}

impl State {
    /// Creates the pools without connecting, so that a server can start while its database is away.
    ///
    /// # Errors
    /// If the system cannot start the threads that watch the databases.
    pub fn new(settings: &Settings) -> io::Result<Self> {
        let Settings {
            database_url,
            is_pooled,
            pool_size,
            ..
        } = settings;
        let monitor = DatabaseMonitor::start(database_url, *is_pooled)?;
        let marks = (!settings.replica_urls.is_empty()).then(Arc::<WriteMarks>::default);
        let lanes = Arc::new(Lanes::new(settings, &monitor, marks.as_ref()));
        let metrics = Arc::new(Metrics::default());
        let reads = ContactReads::new(settings, lanes.clone(), &monitor, marks, metrics.clone())?;
        let reads = Arc::new(reads);
        let list_names = Arc::<ListNames>::default();
        let connections = *pool_size as usize;
        Ok(Self {
            lookup_coalescer: Arc::new(LookupCoalescer::new(
                lanes.clone(),
                reads.clone(),
                list_names.clone(),
                metrics.clone(),
                connections,
            )),
            message_batcher: Arc::new(MessageBatcher::new(lanes.clone(), metrics.clone(), connections)),
            lanes,
            reads,
            monitor,
            client_statistics: ClientStatistics::default(),
            list_names,
            credential_cache: CredentialCache::default(),
            unknown_key_permits: Arc::new(Semaphore::new((connections / 2).max(1))),
            rate_limits: RateLimits::new(settings.rate_limit),
            key_usage: Arc::default(),
            log_throttle: LogThrottle::default(),
            metrics,
            trusted_proxies: settings.trusted_proxies.clone(),
            file_checks: FileChecks::new(settings),
        })
    }

    /// The state of the server that received the request.
    pub fn of(request: &HttpRequest) -> &Self {
        request
            .app_data::<web::Data<Self>>()
            .expect("the server adds the state to the app")
    }
}
