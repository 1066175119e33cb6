//! How a request is read.

pub mod body;
pub mod context;
pub mod query;
