//! Between requests and the database: connections, batching, health, background jobs.

pub mod lane;
pub mod lookup_coalescer;
pub mod message_batcher;
pub mod monitor;
pub mod periodic_job;
mod probing;
pub mod search_tables_jobs;
