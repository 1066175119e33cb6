//! What a person types into the one search box: words, and how each of them matches a contact.
//!
//! `parse` reads the words. `texts` compares a word with the texts of a contact, and `similar` does so for words with
//! typing errors. `highlight` says why a contact matches. `grams` has the terms by which the index of grams finds the
//! candidates.

mod grams;
mod highlight;
mod parse;
mod similar;
mod texts;

pub use grams::{Dictionary, ENOUGH_WORDS, KnownWord, Terms};
pub use highlight::{Highlight, MatchedBy, ShownContact};
pub use parse::{Field, Query, QueryError, QueryWord, WORDS_MAX};
pub use similar::{SimilarKeys, differ_by_typing};
pub use texts::{CONTAINS_RANK, Kind, Level, Patterns, Texts};
