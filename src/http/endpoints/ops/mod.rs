//! Endpoints for operators and for tools: health, metrics, the specification.

pub mod health;
pub mod metrics;
pub mod specification;
