//! Every rule about phones as a table or as a property.

mod countries;
mod notations;
mod properties;
mod support;
