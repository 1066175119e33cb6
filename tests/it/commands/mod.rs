//! The commands of the program, as an operator types them.

mod backup;
pub mod cli;
mod demo;
mod generate;
