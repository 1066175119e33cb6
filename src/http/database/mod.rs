//! Between requests and the database.

pub mod lookup_coalescer;
pub mod message_batcher;
pub mod monitor;
pub mod newest_contacts_job;
