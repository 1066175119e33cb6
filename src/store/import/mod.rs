//! Imports many contacts in one transaction: copies the rows into a temporary table, and merges them there with each
//! other and with the existing contacts.
//!
//! `import/merge.rs` documents which contact a row refers to.

mod merge;
mod phones;
mod staging;
mod statements;

pub(super) use self::merge::{
    Attempt, CountRow, count_locked, in_attempts, make_lists, merge_rows, overtaken, write_contacts,
};
pub use self::merge::{Merged, Rules};
pub use self::phones::{RowSample, SAMPLE};
pub use self::staging::{ROWS_PER_LINE, Staging, import};
pub use self::statements::statements;
pub(super) use self::statements::{COUNT_KNOWN, GROUPS};
