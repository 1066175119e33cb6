//! The rules about phones, as tables and properties.

mod countries;
mod notations;
mod pieces;
mod properties;
mod support;
