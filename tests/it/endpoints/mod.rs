//! One file per HTTP endpoint, or per subject of one.

mod contacts;
mod lookup;
mod lookup_batch;
mod lookup_coalescer;
mod messages;
mod search;
mod specification;
pub mod webhook;
