//! The part of a query that finds contacts with typing errors.

use diesel::prelude::*;

use super::candidates::{Candidate, Position};
use super::run::Run;
use crate::domain::query::{Dictionary, KnownWord, Level, Patterns, Terms, differ_by_typing};
use crate::domain::term::{containing, like_literal};
use crate::store::search::Plan;
use crate::store::tsquery;

/// The most contacts that match only with typing errors and are ranked: those with the latest messages.
const SIMILAR_MAX: usize = 100;

/// Contacts that may match with typing errors, and are read at once. Each further question reads twice as many.
const SIMILAR_FETCHED: usize = 2 * SIMILAR_MAX;

/// The most contacts that are read because they may match with typing errors: those with the latest messages.
const SIMILAR_READ_MAX: usize = 20_000;

/// Rows of a large client in which matches with typing errors are counted. The database tests only the words that allow
/// no error, so it returns more of these rows, and a row costs more than one of the probe.
const SIMILAR_PROBE_ROWS: usize = 300;

/// With at least this many matches with typing errors among these rows, a walk is used instead of the index of grams. An
/// estimate.
const SIMILAR_FREQUENT: usize = 9;

/// The most words of the dictionary that share a key with a typed word. The longer a word, the fewer share one.
const SHARED_KEY_MAX: i64 = 5_000;

/// The most patterns of a word with which a walk tests a contact. With more, LIKE takes longer than reading the contact.
const SIMILAR_PATTERNS_MAX: usize = 8;

impl Run<'_> {
    /// The positions of the contacts that match only with typing errors: those with the latest messages, at most
    /// [`SIMILAR_MAX`].
    pub(super) fn read_similar(&mut self) -> QueryResult<Vec<Position>> {
        let may_be_similar = self.query.words().iter().any(|word| !word.similar_pieces().is_empty());
        if !may_be_similar {
            return Ok(Vec::new());
        }
        let similar = self.read_similar_words()?;
        let mut words = self.query.words().iter();
        if !similar.has_other_words() && !words.any(|word| word.can_differ_by_punctuation()) {
            return Ok(Vec::new());
        }
        let candidates = if self.is_small {
            let patterns = self.similar_patterns(&similar);
            self.walk(&patterns, None, usize::MAX, usize::MAX)?
        } else {
            self.find_similar(&similar)?
        };
        Ok(self.similar(&candidates))
    }

    /// The positions of the candidates that match only with typing errors, in the order of [`Self::read_similar`].
    fn similar(&self, candidates: &[Candidate]) -> Vec<Position> {
        let mut similar: Vec<Position> = self
            .with_numbers(candidates)
            .filter_map(|candidate| {
                let is_equivalent = |word| self.is_equivalent(candidate.id, word);
                let rank = self.query.similar_rank(&candidate.texts(), is_equivalent)?;
                Some(candidate.at(rank))
            })
            .collect();
        similar.sort_unstable_by_key(|position| Position { rank: 0, ..*position });
        similar.truncate(SIMILAR_MAX);
        similar
    }

    /// The LIKE patterns for the walk of a small client. None if a word would have too many: the walk then tests nothing.
    fn similar_patterns(&self, similar: &Dictionary) -> Vec<Patterns> {
        let mut patterns = self.query.patterns(Level::Contains);
        for (word, patterns) in self.query.words().iter().zip(&mut patterns) {
            let pieces = word.similar_pieces();
            let texts = pieces.iter().flat_map(|piece| similar.words(&piece.piece));
            for KnownWord { text, .. } in texts {
                // Words of the dictionary are cut to 40 characters.
                patterns.name_words.push(format!("% {}%", like_literal(text)));
                patterns.email_lower.push(containing(text));
            }
        }
        let most = patterns.iter().map(|word| word.name_words.len()).max();
        match most {
            Some(most) if most <= SIMILAR_PATTERNS_MAX => patterns,
            _ => Vec::new(),
        }
    }

    /// Candidates for [`Self::read_similar`] of a large client. If more than [`SIMILAR_MAX`] match, it finds at least as
    /// many, those with the latest messages.
    ///
    /// The database tests only the words that can have no error, because LIKE with each similar word takes longer than
    /// reading the row.
    fn find_similar(&mut self, similar: &Dictionary) -> QueryResult<Vec<Candidate>> {
        let words = self.query.words().iter();
        let with_errors: Vec<Option<Terms>> = words.clone().map(|word| word.similar_terms(similar)).collect();
        if with_errors.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let all = self.query.patterns(Level::Contains).into_iter();
        let certain = all.zip(&with_errors).filter(|(_, errors)| errors.is_none());
        let patterns: Vec<Patterns> = certain.map(|(patterns, _)| patterns).collect();
        let probe = self.walk(&patterns, None, SIMILAR_PROBE_ROWS, SIMILAR_PROBE_ROWS)?;
        let frequency = self.similar(&probe).len();
        if frequency >= SIMILAR_FREQUENT {
            let rows = SIMILAR_PROBE_ROWS * (SIMILAR_MAX + SIMILAR_MAX / 2) / frequency;
            let walked = self.walk(&patterns, None, rows, rows)?;
            if self.similar(&walked).len() >= SIMILAR_MAX {
                self.plans.push(Plan::Walk);
                return Ok(walked);
            }
        }
        let without_errors = self.terms(Level::Contains)?;
        let terms = without_errors
            .into_iter()
            .zip(with_errors)
            .map(|(without, with_errors)| Some(Terms::Any([without?].into_iter().chain(with_errors).collect())));
        let terms: Vec<Option<Terms>> = terms.collect();
        let (mut candidates, mut from, mut limit) = (Vec::new(), None, SIMILAR_FETCHED);
        loop {
            let more = self.ask_for(terms.clone(), &patterns, from, limit)?;
            let is_last = more.len() < limit;
            from = more.last().map(|last| last.at(0));
            candidates.extend(more);
            limit = (2 * limit).min(SIMILAR_READ_MAX - candidates.len());
            if is_last || limit == 0 || self.similar(&candidates).len() >= SIMILAR_MAX {
                return Ok(candidates);
            }
        }
    }

    /// The words of the client that are similar to a piece of the query's words.
    fn read_similar_words(&mut self) -> QueryResult<Dictionary> {
        let pieces: Vec<_> = self
            .query
            .words()
            .iter()
            .flat_map(|word| word.similar_pieces())
            .collect();
        let prefix = self.end_of_id(1);
        let of_client = format!("c{}", self.end_of_id(4));
        let questions = pieces.iter().map(|piece| {
            let keys = piece.keys.iter().map(|key| format!("{prefix}{key}"));
            (tsquery::with_any_key(&of_client, keys), "%".to_owned())
        });
        let answers = self.ask_dictionary(questions.collect(), SHARED_KEY_MAX)?;
        let mut similar = Dictionary::default();
        for (piece, mut words) in pieces.into_iter().zip(answers) {
            words.retain(|word| differ_by_typing(&piece.piece, &word.text).is_some());
            similar.insert(piece.piece, words);
        }
        Ok(similar)
    }
}
