//! Files coming in.

pub mod demo;
mod header;
pub mod import;
mod progress;
mod reader;
mod values;

pub use header::{ColumnChoice, HeaderError, Mapping};
pub use progress::on_stderr;
pub use reader::ReadError;
