//! The part of a query that finds contacts with typing errors.

use diesel::prelude::*;

use super::candidates::{Candidate, Position};
use super::run::{PAGE, Run};
use super::similar_search::{SimilarQuestion, SimilarSearch, UncertainWord};
use crate::domain::query::{Dictionary, KnownWord, Level, Patterns, SimilarKeys, Terms};
use crate::domain::term::{containing, like_literal};
use crate::store::search::Plan;

/// The most contacts that match only with typing errors and are ranked: those with the latest messages.
const SIMILAR_MAX: usize = 100;

/// Contacts that may match with typing errors, and are read at first. Each further question reads ten times the
/// number of contacts that all earlier questions have read.
const SIMILAR_FETCHED: usize = 2 * SIMILAR_MAX;

/// The contacts that are read at first if few contacts have the words. A second question takes longer than reading
/// 1,000 contacts.
const FEW_FETCHED: usize = 1_000;

/// The most contacts that are read because they may match with typing errors: those with the latest messages.
const SIMILAR_READ_MAX: usize = 20_000;

/// Rows of a large client in which matches with typing errors are counted. The database tests only the words that allow
/// no error, so it returns more of these rows, and a row costs more than one of the probe.
const SIMILAR_PROBE_ROWS: usize = 300;

/// With at least this many matches with typing errors among these rows, a walk is used instead of the index of grams. An
/// estimate.
const SIMILAR_FREQUENT: usize = 9;

/// The number of words whose similar words are read at first. Few contacts match two words. The program tests these
/// contacts for a third word as fast as it reads the third word's similar words.
const SIMILAR_WORDS: usize = 2;

/// The most patterns of a word with which a walk tests a contact. With more, LIKE takes longer than reading the contact.
const SIMILAR_PATTERNS_MAX: usize = 8;

impl Run<'_> {
    /// The positions of the contacts that match only with typing errors: those with the latest messages, at most
    /// [`SIMILAR_MAX`].
    pub(super) fn read_similar(&mut self) -> QueryResult<Vec<Position>> {
        if self.is_small {
            let candidates = self.walk_similar()?;
            return Ok(self.similar(&candidates));
        }
        let mut search = match self.similar_search.take() {
            Some(search) => search,
            None => self.start_similar(SIMILAR_FETCHED)?,
        };
        while search.question.is_some() && self.similar(&search.candidates).len() < SIMILAR_MAX {
            self.continue_similar(&mut search)?;
        }
        Ok(self.similar(&search.candidates))
    }

    /// Reads the first contacts of a large client that may match with typing errors. If these are all, the positions of
    /// those that match, with typing errors or without: one statement found both.
    pub(super) fn read_few_with_errors(&mut self) -> QueryResult<Option<Vec<Position>>> {
        let search = self.start_similar(FEW_FETCHED)?;
        let mut found = self.ranked(&search.candidates);
        if found.len() < PAGE {
            found.extend(self.similar(&search.candidates));
        }
        let is_complete = search.is_complete;
        self.similar_search = Some(search);
        Ok(Some(found).filter(|_| is_complete))
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

    /// The words that may have typing errors.
    fn uncertain_words(&self) -> Vec<UncertainWord> {
        let words = self.query.words().iter().enumerate();
        let uncertain = words.map(|(place, word)| UncertainWord {
            place,
            pieces: word.similar_pieces(),
        });
        uncertain.filter(|word| !word.pieces.is_empty()).collect()
    }

    /// Whether the dictionary has no name with the word, even inside of another word.
    fn is_in_no_name(&self, word: &UncertainWord) -> bool {
        let piece = self.query.words()[word.place].contained_piece();
        let dictionary = self.containing.as_ref();
        piece.is_some_and(|piece| dictionary.is_some_and(|dictionary| dictionary.has_none(piece)))
    }

    /// Whether a contact can match with typing errors, if all similar words are known.
    fn may_be_similar(&self, similar: &Dictionary) -> bool {
        let mut words = self.query.words().iter();
        similar.has_other_words() || words.any(|word| word.can_differ_by_punctuation())
    }

    /// Candidates for [`Self::read_similar`] of a small client.
    fn walk_similar(&mut self) -> QueryResult<Vec<Candidate>> {
        let mut uncertain = self.uncertain_words();
        // Words with few keys take the fewest lookups. The client has few contacts in any case.
        uncertain.sort_by_key(|word| word.pieces.iter().map(|piece| piece.keys.len()).sum::<usize>());
        let (known, unknown) = uncertain.split_at(SIMILAR_WORDS.min(uncertain.len()));
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let similar = self.read_similar_words(&pieces_of(known))?;
        if unknown.is_empty() && !self.may_be_similar(&similar) {
            return Ok(Vec::new());
        }
        let mut patterns = self.query.patterns(Level::Contains);
        for word in known {
            let patterns = &mut patterns[word.place];
            for KnownWord { text, .. } in word.pieces.iter().flat_map(|piece| similar.words(&piece.piece)) {
                // Words of the dictionary are cut to 40 characters.
                patterns.name_words.push(format!("% {}%", like_literal(text)));
                patterns.email_lower.push(containing(text));
            }
        }
        let is_unknown = |place: usize| unknown.iter().any(|word| word.place == place);
        let is_tested = |(place, patterns): &(usize, Patterns)| {
            !is_unknown(*place) && patterns.name_words.len() <= SIMILAR_PATTERNS_MAX
        };
        let tested = patterns.into_iter().enumerate().filter(is_tested);
        let patterns: Vec<Patterns> = tested.map(|(_, patterns)| patterns).collect();
        self.walk(&patterns, None, usize::MAX, usize::MAX)
    }

    /// Reads the first contacts of a large client that may match with typing errors, at most `limit`.
    fn start_similar(&mut self, limit: usize) -> QueryResult<SimilarSearch> {
        let mut uncertain = self.uncertain_words();
        if uncertain.is_empty() {
            return Ok(SimilarSearch::default());
        }
        // A frequent word has many variants in names, and so many grams. A word that no name has probably has the
        // typing error. Its right form can be frequent, so it comes last.
        let grams = self.terms(Level::Contains)?;
        uncertain.sort_by_key(|word| {
            let terms = &grams[word.place];
            (
                terms.is_none(),
                self.is_in_no_name(word),
                terms.as_ref().map(Terms::count),
            )
        });
        let known_count = SIMILAR_WORDS.min(uncertain.len());
        let mut search = SimilarSearch {
            similar: self.read_similar_words(&pieces_of(&uncertain[..known_count]))?,
            uncertain,
            known_count,
            ..SimilarSearch::default()
        };
        let Some(question) = self.similar_question(&search)? else {
            return Ok(SimilarSearch::default());
        };
        if let Some(candidates) = self.walk_for_frequent(&question)? {
            return Ok(SimilarSearch {
                candidates,
                ..SimilarSearch::default()
            });
        }
        search.question = Some(question);
        self.ask_similar(&mut search, limit)?;
        Ok(search)
    }

    /// Reads further contacts, which have earlier messages.
    fn continue_similar(&mut self, search: &mut SimilarSearch) -> QueryResult<()> {
        let unknown = search.uncertain.get(search.known_count..).unwrap_or_default();
        if !unknown.is_empty() {
            // Many contacts have the first words, so the other words are asked for, too.
            search.similar.extend(self.read_similar_words(&pieces_of(unknown))?);
            search.known_count = search.uncertain.len();
            search.question = self.similar_question(search)?;
        }
        let read = search.candidates.len();
        self.ask_similar(search, (10 * read).min(SIMILAR_READ_MAX - read))
    }

    /// Asks for at most `limit` contacts behind those that have been read.
    fn ask_similar(&mut self, search: &mut SimilarSearch, limit: usize) -> QueryResult<()> {
        let Some(question) = &search.question else {
            return Ok(());
        };
        let from = search.candidates.last().map(|last| last.at(0));
        let more = self.ask_for(question.terms.clone(), &question.patterns, from, limit)?;
        search.is_complete = more.len() < limit;
        search.candidates.extend(more);
        if search.is_complete || search.candidates.len() >= SIMILAR_READ_MAX {
            search.question = None;
        }
        Ok(())
    }

    /// The question for contacts that match with typing errors. `None` if no contact can match.
    ///
    /// The database tests only the words that can have no error, because LIKE with each similar word takes longer than
    /// reading the row.
    fn similar_question(&mut self, search: &SimilarSearch) -> QueryResult<Option<SimilarQuestion>> {
        let unknown = &search.uncertain[search.known_count..];
        if unknown.is_empty() && !self.may_be_similar(&search.similar) {
            return Ok(None);
        }
        let without_errors = self.terms(Level::Contains)?;
        let words = self.query.words().iter().zip(self.query.patterns(Level::Contains));
        let mut question = SimilarQuestion {
            terms: Vec::new(),
            patterns: Vec::new(),
        };
        let mut has_errors = !unknown.is_empty();
        for (place, ((word, patterns), without_errors)) in words.zip(without_errors).enumerate() {
            if unknown.iter().any(|unknown| unknown.place == place) {
                question.terms.push(None);
                continue;
            }
            let with_errors = word.similar_terms(&search.similar);
            if with_errors.is_none() {
                question.patterns.push(patterns);
            }
            has_errors |= with_errors.is_some();
            let terms = without_errors.map(|terms| Terms::Any([terms].into_iter().chain(with_errors).collect()));
            question.terms.push(terms);
        }
        Ok(Some(question).filter(|_| has_errors))
    }

    /// Candidates among the newest contacts, if at least [`SIMILAR_MAX`] of these match with typing errors.
    fn walk_for_frequent(&mut self, question: &SimilarQuestion) -> QueryResult<Option<Vec<Candidate>>> {
        // Hardly three words are so frequent together.
        if self.query.words().len() > 2 {
            return Ok(None);
        }
        let probe = self.walk(&question.patterns, None, SIMILAR_PROBE_ROWS, SIMILAR_PROBE_ROWS)?;
        let frequency = self.similar(&probe).len();
        if frequency < SIMILAR_FREQUENT {
            return Ok(None);
        }
        let rows = SIMILAR_PROBE_ROWS * (SIMILAR_MAX + SIMILAR_MAX / 2) / frequency;
        let candidates = self.walk(&question.patterns, None, rows, rows)?;
        let is_enough = self.similar(&candidates).len() >= SIMILAR_MAX;
        if is_enough {
            self.plans.push(Plan::Walk);
        }
        Ok(Some(candidates).filter(|_| is_enough))
    }
}

fn pieces_of(words: &[UncertainWord]) -> Vec<SimilarKeys> {
    words.iter().flat_map(|word| word.pieces.iter().cloned()).collect()
}
