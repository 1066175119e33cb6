//! The rules about phones, as tables and properties.

mod countries;
mod notations;
mod properties;
mod support;
