//! Writes many contacts at once: rows are copied into a temporary table, and merged there with each other and
//! with the contacts that are there, in one transaction.
//!
//! `import/merge.rs` says which contact a row means.

mod merge;
mod staging;
mod statements;

pub use self::merge::{Merged, Rules};
pub use self::staging::{Staging, import};
pub use self::statements::statements;
