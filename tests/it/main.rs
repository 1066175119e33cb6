//! Every test that needs more than one module: over HTTP, against the real PostgreSQL, at the terminal.

mod authorization;
mod backup;
mod cli;
mod connections;
mod contacts;
mod cors;
mod demo;
mod embedded;
mod export;
mod faults;
#[cfg(target_os = "linux")]
mod full_disk;
mod generate;
mod http;
mod import;
mod import_command;
mod indexes;
mod keys;
mod layers;
mod logs;
mod lookup;
mod lookup_batch;
mod messages;
mod metrics;
mod openapi;
mod overload;
mod pooler;
mod privacy;
mod proxies;
mod rate_limit;
mod search;
mod support;
mod tenants;
mod webhook;
mod wire;
mod writers;
