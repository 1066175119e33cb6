//! How far the contacts that may match with typing errors have been read.

use super::candidates::Candidate;
use crate::domain::query::{Dictionary, Patterns, SimilarKeys, Terms};

/// The contacts of a large client that may match with typing errors, as far as they have been read.
#[derive(Default)]
pub(super) struct SimilarSearch {
    pub(super) candidates: Vec<Candidate>,
    /// Whether these are certainly all contacts of the client that can match, with typing errors or without.
    pub(super) is_complete: bool,
    pub(super) uncertain: Vec<UncertainWord>,
    /// The number of uncertain words whose similar words have been read. The program tests the others.
    pub(super) known_count: usize,
    /// The words of the client that are similar to these uncertain words.
    pub(super) similar: Dictionary,
    /// The question for further contacts. `None` if none are needed.
    pub(super) question: Option<SimilarQuestion>,
}

/// A word of the query that may have typing errors.
pub(super) struct UncertainWord {
    /// Its place in the query.
    pub(super) place: usize,
    pub(super) pieces: Vec<SimilarKeys>,
}

/// What the index of grams is asked for to find contacts that match with typing errors.
pub(super) struct SimilarQuestion {
    pub(super) terms: Vec<Option<Terms>>,
    pub(super) patterns: Vec<Patterns>,
}
