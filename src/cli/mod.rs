//! The commands, one file each. A command parses its arguments, calls the other layers and prints the result.

mod check;
mod client;
mod command_line;
mod completions;
mod database;
mod environment;
mod export;
mod generate;
mod import;
mod import_summary;
mod input;
mod json;
mod key;
pub mod log;
mod migrate;
mod names_and_ids;
pub mod output;
mod phone_explanation;
mod phones;
mod search;
mod serve;
mod signals;
mod table;
mod target;
mod webhook;

pub use command_line::{Cli, run};
