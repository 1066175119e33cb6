//! Import and export of files.

mod column_words;
mod dates;
mod delimiter;
pub mod export;
mod fold;
mod header;
mod header_error;
pub mod import;
mod lines;
mod lookalikes;
mod progress;
mod reader;
mod report;
mod row;
mod spellings;
mod times;
mod values;

pub use header::{ColumnChoice, HeaderError, Mapping};
pub use lookalikes::Lookalike;
pub use progress::on_stderr;
pub use reader::ReadError;
#[cfg(fuzzing)]
pub use reader::Records;
