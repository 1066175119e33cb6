//! Import and export of files.

pub mod check;
mod checked_file;
mod column_words;
mod csv;
mod dates;
mod decoder;
mod delimiter;
pub mod export;
mod file_options;
mod fold;
mod header;
mod header_error;
pub mod import;
mod layouts;
mod line_counter;
mod lines;
mod lookalikes;
mod person;
mod progress;
mod read_error;
mod reader;
mod report;
mod row;
mod rows;
mod spellings;
mod table;
mod times;
mod values;
mod vcard;
mod verdict_counts;
mod workbook;

pub use checked_file::{CheckedFile, RowPerson};
pub use decoder::Encoding;
pub use file_options::{FileOptions, PlatformError};
pub use header::{ColumnChoice, HeaderError, Mapping};
pub use header_error::ColumnAdvice;
pub use lookalikes::Lookalike;
pub use progress::{check_on_stderr, on_stderr};
pub use read_error::ReadError;
#[cfg(fuzzing)]
pub use reader::Records;
#[cfg(fuzzing)]
pub use vcard::Cards;
pub use verdict_counts::VerdictCounts;
#[cfg(fuzzing)]
pub use workbook::Workbook;
