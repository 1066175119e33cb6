//! Reads vCards, as address books and phones export them.
//!
//! No crate for vCards reads version 2.1, which Android writes, in bounded memory: `calcard` 0.3 and `vcard-rs` 0.3
//! take a whole file with its photos from memory, and `ical` 0.11 does not know the soft line breaks of version 2.1.
//! The import needs six properties, so it has a parser of its own.

mod cards;
mod lines;
mod property;

pub use cards::{COLUMNS, Cards};
