//! The rules about phones, as tables and properties.

mod countries;
mod examples;
mod explain;
mod faults;
mod identity;
mod notations;
mod pieces;
mod prefixes;
mod properties;
mod support;
