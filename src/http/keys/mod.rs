//! What the server keeps in memory about API keys.

pub mod credential_cache;
pub mod key_usage;
pub mod rate_limit;
