//! Rules that hold for requests to every endpoint.

mod authorization;
mod caller_address;
mod connections;
mod cors;
mod credential_cache;
mod http;
mod key_usage;
mod logs;
mod rate_limit;
mod tenants;
