//! Generated contacts: the demo and the load generator.

pub mod demo;
pub mod generate;
mod names;
pub mod people;
mod random;
mod vocabulary;
