//! Every test that needs more than one module: over HTTP, against the real PostgreSQL, at the terminal.

mod cli;
mod connections;
mod contacts;
mod demo;
mod embedded;
mod export;
mod faults;
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
mod openapi;
mod overload;
mod search;
mod support;
mod tenants;
mod webhook;
mod writers;
