//! Rules that hold for every request, whatever its endpoint.

mod authorization;
mod caller_address;
mod connections;
mod cors;
mod http;
mod keys;
mod logs;
mod rate_limit;
mod tenants;
