//! The settings of a server.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use super::tls::Tls;
use crate::domain::key::ApiKey;

/// The settings of a server. `Debug` hides the database URLs, which may hold a password.
#[derive(Clone)]
pub struct Settings {
    /// A libpq URL.
    pub database_url: String,
    /// The libpq URLs of read replicas.
    pub replica_urls: Vec<String>,
    /// A replica that lags more than this behind the primary is not used.
    pub max_replica_lag: Duration,
    /// Whether the URLs are those of transaction poolers.
    pub is_pooled: bool,
    /// Threads that serve HTTP.
    pub workers: usize,
    /// Connections of the lane for reads. The lane for writes has the same number.
    pub pool_size: u32,
    /// The certificate; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Origins whose pages may read answers.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests per minute for keys without a limit of their own; `None` for no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// Multiplies the deadlines of requests, and the times that a request waits for its turn and for a connection.
    pub deadline_factor: u32,
    /// The search page at `/`; `None` for no page.
    pub page: Option<PageSettings>,
}

/// The settings of the search page.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// The key of the demo, if the server has one. The page gets it only on the same machine.
    pub demo_key: Option<ApiKey>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max_replica_lag", &self.max_replica_lag)
            .field("is_pooled", &self.is_pooled)
            .field("workers", &self.workers)
            .field("pool_size", &self.pool_size)
            .field("tls", &self.tls)
            .field("cors_origins", &self.cors_origins)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("rate_limit", &self.rate_limit)
            .field("deadline_factor", &self.deadline_factor)
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_database_url_and_the_demo_key() {
        let key = "mindo_abcdefghijklmnopqrstuvwx";
        let settings = Settings {
            database_url: "postgresql://u:hunter2@h/d".to_owned(),
            replica_urls: vec!["postgresql://u:hunter2@replica/d".to_owned()],
            max_replica_lag: Duration::from_secs(1),
            is_pooled: false,
            workers: 2,
            pool_size: 4,
            tls: None,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            rate_limit: None,
            deadline_factor: 1,
            page: Some(PageSettings {
                demo_key: ApiKey::parse(key).ok(),
            }),
        };
        let text = format!("{settings:?}");
        assert!(!text.contains("hunter2") && text.contains("pool_size: 4"), "{text}");
        assert!(!text.contains(key) && text.contains("page: Some"), "{text}");
    }
}
