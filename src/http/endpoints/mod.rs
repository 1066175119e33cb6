//! The handlers: one file per endpoint, one folder per shape of errors.

pub mod ingest;
pub mod lookup;
pub mod ops;
pub mod public;
