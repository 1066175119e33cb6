//! Endpoints for operators and for tools: health, metrics, the specification, the error codes.

pub mod error_codes;
pub mod health;
pub mod metrics;
pub mod specification;
