//! Rules that hold for requests to every endpoint.

mod authorization;
mod bodies;
mod caller_address;
mod compression;
mod connections;
mod cors;
mod credential_cache;
mod http;
mod key_usage;
mod logs;
mod rate_limit;
mod readers;
mod tenants;
