//! Files coming in and going out, and contacts that are made up.

pub mod demo;
pub mod export;
pub mod generate;
mod header;
pub mod import;
mod made_up;
mod progress;
mod reader;
mod values;

pub use header::{ColumnChoice, HeaderError, Mapping};
pub use progress::on_stderr;
pub use reader::ReadError;
#[cfg(fuzzing)]
pub use reader::Records;
