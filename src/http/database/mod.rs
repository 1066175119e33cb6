//! Between requests and the database: connections, batching, health, replicas, background jobs.

pub mod contact_reads;
pub mod file_checks;
pub mod lane;
pub mod lookup_coalescer;
pub mod message_batcher;
pub mod monitor;
pub mod periodic_job;
mod probing;
pub mod replica;
pub mod search_tables_jobs;
pub mod write_marks;
