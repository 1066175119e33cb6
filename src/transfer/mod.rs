//! Import and export of files.

pub mod export;
mod header;
pub mod import;
mod progress;
mod reader;
mod spellings;
mod values;

pub use header::{ColumnChoice, HeaderError, Mapping};
pub use progress::on_stderr;
pub use reader::ReadError;
#[cfg(fuzzing)]
pub use reader::Records;
