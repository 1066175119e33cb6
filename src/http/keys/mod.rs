//! State of API keys in the server's memory: readings, last uses, quotas.

pub mod credential_cache;
pub mod key_usage;
pub mod rate_limit;
