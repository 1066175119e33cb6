//! Imports many contacts in one transaction: copies the rows into a temporary table, and merges them there with each
//! other and with the existing contacts.
//!
//! `import/merge.rs` documents which contact a row refers to.

mod merge;
mod phones;
mod staging;
mod statements;

pub use self::merge::{Merged, Rules};
pub use self::phones::{RowSample, SAMPLE};
pub use self::staging::{ROWS_PER_LINE, Staging, import};
pub use self::statements::statements;
