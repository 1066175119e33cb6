//! Reads requests: query parameters, JSON bodies, and the context that middleware adds.

pub mod body;
pub mod body_memory;
pub mod contact_edit;
pub mod context;
pub mod limits;
pub mod query;
