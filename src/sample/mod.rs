//! Generated contacts: the demo and the load generator.

pub mod demo;
pub mod generate;
mod names;
mod random;
mod vocabulary;
