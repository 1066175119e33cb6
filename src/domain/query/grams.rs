//! The terms by which the index of grams finds the contacts that can match a word.

use std::collections::{HashMap, HashSet};

use super::parse::{Query, QueryWord};
use super::similar::{allowed_edits, runs};
use super::texts::{CONTAINED_MIN, Level};
use crate::domain::email;
use crate::domain::gram::{self, Gram, TERM_MAX};

/// If more than this many words of the dictionary contain a piece, the index of grams is not asked for it. Each word
/// costs a lookup in every step. The contacts with these words are many together, so a walk finds one soon.
pub const ENOUGH_WORDS: usize = 64;

/// The fewest characters of a part of an email without typing errors that the index of grams is asked for. Shorter parts
/// are in too many emails.
const EQUAL_MIN: usize = 2;

/// The words of a client's names and emails that contain a typed piece, or are similar to it.
#[derive(Clone, Debug, Default)]
pub struct Dictionary(HashMap<String, Vec<KnownWord>>);

/// A word of a client's names or emails. A word of both is in the dictionary twice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct KnownWord {
    pub text: String,
    /// Whether a name has it, and not only an email.
    pub is_name: bool,
}

impl KnownWord {
    fn gram(&self) -> Gram {
        match self.is_name {
            true => Gram::Name(self.text.clone()),
            false => Gram::EmailWord(self.text.clone()),
        }
    }
}

impl Dictionary {
    /// Adds the words for a piece.
    pub fn insert(&mut self, piece: String, words: Vec<KnownWord>) {
        self.0.insert(piece, words);
    }

    /// Adds the words of another dictionary.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The words for a piece.
    pub fn words(&self, piece: &str) -> &[KnownWord] {
        self.0.get(piece).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a piece has a word that is not equal to it.
    pub fn has_other_words(&self) -> bool {
        self.0
            .iter()
            .any(|(piece, words)| words.iter().any(|word| word.text != *piece))
    }

    /// Whether it is known that no word belongs to the piece.
    pub fn has_none(&self, piece: &str) -> bool {
        self.0.get(piece).is_some_and(Vec::is_empty)
    }

    /// The condition that a name has a word which begins with the piece. If the dictionary has all words that contain the
    /// piece, the condition is one gram for each word that begins with it. For a prefix, PostgreSQL would first collect
    /// the contacts of all grams with it, including those that the query's other words exclude.
    fn name_start(&self, piece: &str) -> Terms {
        match self.0.get(piece) {
            // The dictionary has the beginnings of long words only.
            Some(words) if words.len() <= ENOUGH_WORDS && piece.chars().count() <= TERM_MAX => {
                let words = words.iter().filter(|word| word.text.starts_with(piece));
                Terms::Any(words.map(|word| Terms::Gram(word.gram())).collect())
            }
            _ => Terms::Gram(Gram::NameStart(piece.to_owned())),
        }
    }
}

/// A condition on the grams of a contact.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Terms {
    Gram(Gram),
    /// Every one of these holds.
    All(Vec<Terms>),
    /// One of these holds. Without any, no contact can match.
    Any(Vec<Terms>),
}

impl Terms {
    /// The grams of a text in an email. `None` if the index has nothing to find the text by.
    fn of_email(text: &str) -> Option<Self> {
        let mut lists: Vec<Terms> = gram::of_email(text, |_| 0).into_iter().map(Terms::all).collect();
        match lists.len() {
            0 | 1 => lists.pop(),
            _ => Some(Terms::Any(lists)),
        }
    }

    /// All grams of a text.
    fn all(grams: Vec<Gram>) -> Self {
        Terms::All(grams.into_iter().map(Terms::Gram).collect())
    }

    /// Several weaker conditions. A contact that fulfils this condition fulfils all of them: `a & b | c & d` becomes
    /// `a | c` and `b | d`. The index of grams skips the contacts that fulfil only one of several conditions. But it
    /// tests every contact that has one of the alternatives inside of a condition.
    pub fn implied_conditions(self) -> Vec<Terms> {
        match self {
            Terms::Any(any) => {
                let any: Vec<Vec<Terms>> = any.into_iter().map(Terms::implied_conditions).collect();
                let most = any.iter().map(Vec::len).max().unwrap_or(1);
                let condition = |at: usize| Terms::Any(any.iter().map(|all| all[at % all.len()].clone()).collect());
                (0..most).map(condition).collect()
            }
            Terms::All(all) if all.iter().any(|terms| !matches!(terms, Terms::Gram(_))) => {
                all.into_iter().flat_map(Terms::implied_conditions).collect()
            }
            all => vec![all],
        }
    }

    /// The same condition with each alternative once. PostgreSQL looks up a gram as often as a query has it.
    pub fn distinct(self) -> Terms {
        match self {
            Terms::Any(any) => {
                let mut seen = HashSet::new();
                let alternatives = any.into_iter().flat_map(|terms| match terms.distinct() {
                    Terms::Any(inner) => inner,
                    other => vec![other],
                });
                Terms::Any(alternatives.filter(|terms| seen.insert(terms.clone())).collect())
            }
            other => other,
        }
    }

    /// The number of grams.
    pub fn count(&self) -> usize {
        match self {
            Terms::Gram(_) => 1,
            Terms::All(terms) | Terms::Any(terms) => terms.iter().map(Terms::count).sum(),
        }
    }

    /// Whether the condition is more than that the email has a frequent provider.
    pub fn is_selective(&self) -> bool {
        match self {
            Terms::Gram(gram) => !matches!(gram, Gram::Provider(_)),
            Terms::All(terms) => terms.iter().any(Terms::is_selective),
            Terms::Any(terms) => terms.iter().all(Terms::is_selective),
        }
    }

    /// Whether the condition concerns only external ids. Hardly two contacts share one.
    pub fn is_external_id(&self) -> bool {
        match self {
            Terms::Gram(gram) => matches!(gram, Gram::ExternalId(_) | Gram::ExternalIdStart(_)),
            Terms::All(terms) => terms.iter().any(Terms::is_external_id),
            Terms::Any(terms) => terms
                .iter()
                .filter(|terms| !terms.is_impossible())
                .all(Terms::is_external_id),
        }
    }

    /// Whether no contact can match.
    pub fn is_impossible(&self) -> bool {
        match self {
            Terms::Gram(_) => false,
            Terms::All(terms) => terms.iter().any(Terms::is_impossible),
            Terms::Any(terms) => terms.iter().all(Terms::is_impossible),
        }
    }
}

impl Query {
    /// For each word, what the grams of a contact must be, so that the words can match it at a level. `containing` has the
    /// words of names that contain [`QueryWord::contained_piece`]. [`Level::Contains`] needs it. For other levels it may be
    /// empty. It excludes words that no name has, and lists the words that begin with a piece. `None` stands for a word by
    /// which the index cannot find all contacts.
    pub fn terms(&self, level: Level, containing: &Dictionary) -> Vec<Option<Terms>> {
        if level != Level::Whole {
            return self.words.iter().map(|word| word.terms(level, containing)).collect();
        }
        let name = self.name();
        if name.is_empty() {
            return vec![Some(Terms::Any(Vec::new()))];
        }
        let gram: fn(String) -> Gram = if name.len() == 1 { Gram::OnlyName } else { Gram::Name };
        let terms = |word: &QueryWord| match word.is_for_name() {
            true => Some(Terms::all(word.name.iter().cloned().map(gram).collect())),
            false => word.terms(Level::Exact, containing),
        };
        self.words.iter().map(terms).collect()
    }
}

impl QueryWord {
    /// The longest of the word's folded words if it is long enough to be inside of another word.
    pub fn contained_piece(&self) -> Option<&str> {
        let longest = self.name.iter().max_by_key(|piece| piece.chars().count())?;
        (longest.chars().count() >= CONTAINED_MIN).then_some(longest)
    }

    /// What the grams of a contact must be, so that the word can match it at a level. [`Level::Whole`] concerns all words
    /// together, so it is the same as [`Level::Exact`] here.
    pub fn terms(&self, level: Level, containing: &Dictionary) -> Option<Terms> {
        let mut any = Vec::new();
        // The dictionary has the beginnings of long words only.
        let piece = self.contained_piece().filter(|piece| piece.chars().count() <= TERM_MAX);
        let is_in_no_name = piece.is_some_and(|piece| containing.has_none(piece));
        if let Some((last, whole)) = self.name.split_last().filter(|_| !is_in_no_name) {
            match (level, self.contained_piece()) {
                (Level::Whole | Level::Exact, _) => {
                    any.push(Terms::all(self.name.iter().cloned().map(Gram::Name).collect()));
                }
                (Level::Contains, Some(piece)) => {
                    let words = containing.words(piece);
                    if words.len() > ENOUGH_WORDS {
                        return None;
                    }
                    let words = Terms::Any(words.iter().map(|word| Terms::Gram(word.gram())).collect());
                    // `ana-lopez-g` is in a name only if `lopez` is a word of it, and `g` begins a word. `ana` can be
                    // the end of a word.
                    let others = self.name.iter().enumerate().filter(|(_, other)| *other != piece);
                    let others = others.filter_map(|(at, other)| match at {
                        // Very many words have a shorter beginning.
                        _ if at == whole.len() && other.chars().count() < CONTAINED_MIN => None,
                        _ if at == whole.len() => Some(Gram::NameStart(other.clone())),
                        0 => None,
                        _ => Some(Gram::Name(other.clone())),
                    });
                    any.push(Terms::All([words].into_iter().chain(others.map(Terms::Gram)).collect()));
                }
                _ if whole.is_empty() => any.push(containing.name_start(last)),
                // Whole words are selective. A beginning beside them costs more than it excludes.
                _ => any.push(Terms::all(whole.iter().cloned().map(Gram::Name).collect())),
            }
        }
        if let Some(id) = self.external_user_id.as_ref().filter(|id| !id.is_empty()) {
            any.push(Terms::Gram(match level {
                Level::Whole | Level::Exact => Gram::ExternalId(id.clone()),
                _ => Gram::ExternalIdStart(id.clone()),
            }));
        }
        for typed in &self.email {
            any.push(terms_of_email(typed, level, &self.name, containing)?);
        }
        for piece in self.phone.iter().flat_map(|phone| phone.pieces()) {
            match level {
                // The index of match keys finds the contacts with exactly these digits.
                Level::Whole | Level::Exact => {}
                Level::Prefix => any.push(Terms::all(gram::of_first_digits(piece))),
                Level::Contains => any.push(Terms::all(gram::of_phone(piece))),
            }
        }
        if level != Level::Contains {
            any.extend(self.last_digits().map(|last| Terms::all(gram::of_last_digits(last))));
        }
        Some(Terms::Any(any))
    }

    /// What the grams of a contact must be, so that the word can match it with typing errors. `similar` has the words
    /// that are similar to each of [`Self::similar_pieces`]. `None` if no word is similar.
    pub fn similar_terms(&self, similar: &Dictionary) -> Option<Terms> {
        let name = similar_pieces(self.name.iter().map(String::as_str), similar);
        let emails = self.email.iter().map(|typed| {
            let (local, domain) = match typed.split_once('@') {
                Some((local, domain)) => (local, format!("@{domain}")),
                None => (&**typed, String::new()),
            };
            let runs = runs(local);
            let mut terms = similar_pieces(runs.iter().map(|(_, run)| *run), similar)?;
            let equal = runs.iter().map(|(_, run)| *run).filter(|run| allowed_edits(run) == 0);
            let equal = equal.filter(|run| run.chars().count() >= EQUAL_MIN);
            terms.extend(equal.filter_map(Terms::of_email));
            if domain.len() > 1 {
                terms.extend(Terms::of_email(&domain));
            }
            Some(terms)
        });
        let any: Vec<Terms> = [name].into_iter().chain(emails).flatten().map(Terms::All).collect();
        Some(Terms::Any(any)).filter(|any| !any.is_impossible())
    }
}

/// For each piece that may have typing errors, the words that are similar to it. `None` if there is no such piece.
fn similar_pieces<'p>(pieces: impl Iterator<Item = &'p str>, similar: &Dictionary) -> Option<Vec<Terms>> {
    let terms = pieces.filter(|piece| allowed_edits(piece) > 0).map(|piece| {
        Terms::Any(
            similar
                .words(piece)
                .iter()
                .map(|word| Terms::Gram(word.gram()))
                .collect(),
        )
    });
    Some(terms.collect()).filter(|terms: &Vec<Terms>| !terms.is_empty())
}

/// The terms of a typed text in an email. `None` if the index has nothing to find the text by.
fn terms_of_email(typed: &str, level: Level, name: &[String], containing: &Dictionary) -> Option<Terms> {
    let pieces = || Terms::of_email(typed);
    match level {
        Level::Whole | Level::Exact if !email::is_email(typed) => Some(Terms::Any(Vec::new())),
        // No email begins with it.
        Level::Prefix if typed.starts_with('@') => Some(Terms::Any(Vec::new())),
        // An email that begins with letters has them as its first run. Its pieces can be anywhere, and so in many more
        // emails: `gmail` is in half of them.
        Level::Prefix if typed.starts_with(|c: char| c.is_ascii_lowercase()) => {
            let end = typed.find(|c: char| c.is_ascii() && !c.is_ascii_alphabetic());
            let run = typed[..end.unwrap_or(typed.len())].to_owned();
            Some(match end {
                // A name that begins with the same letters is an alternative already.
                None if *name == [run.clone()] => Terms::Gram(Gram::EmailWordStart(run)),
                None => Terms::Any(vec![
                    containing.name_start(&run),
                    Terms::Gram(Gram::EmailWordStart(run)),
                ]),
                Some(_) => {
                    let first = [Gram::EmailWord(run.clone()), Gram::Name(run)].map(Terms::Gram);
                    Terms::All([Terms::Any(first.to_vec())].into_iter().chain(pieces()).collect())
                }
            })
        }
        _ => pieces(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(words: &[&str]) -> Dictionary {
        let words = words.iter().map(|text| KnownWord {
            text: (*text).to_owned(),
            is_name: true,
        });
        let mut dictionary = Dictionary::default();
        dictionary.insert("mart".to_owned(), words.collect());
        dictionary
    }

    #[test]
    fn an_alternative_is_asked_for_once() {
        let gram = |text: &str| Terms::Gram(Gram::Name(text.to_owned()));
        let both = || Terms::All(vec![gram("a"), gram("b")]);
        let nested = Terms::Any(vec![
            gram("a"),
            Terms::Any(vec![gram("b"), both(), gram("a")]),
            both(),
            gram("c"),
        ]);
        assert_eq!(
            nested.distinct(),
            Terms::Any(vec![gram("a"), gram("b"), both(), gram("c")])
        );
        assert!(Terms::Any(vec![Terms::Any(Vec::new())]).distinct().is_impossible());
    }

    #[test]
    fn a_prefix_becomes_its_known_words_if_the_dictionary_has_all_of_them() {
        let grams = |words: &[&str]| {
            Terms::Any(
                words
                    .iter()
                    .map(|word| Terms::Gram(Gram::Name((*word).into())))
                    .collect(),
            )
        };
        assert_eq!(
            known(&["martin", "smart", "martinez"]).name_start("mart"),
            grams(&["martin", "martinez"])
        );
        assert!(known(&["smart"]).name_start("mart").is_impossible());
        let start = Terms::Gram(Gram::NameStart("mart".into()));
        assert_eq!(Dictionary::default().name_start("mart"), start);
        assert_eq!(known(&["martin"; ENOUGH_WORDS + 1]).name_start("mart"), start);
        assert_ne!(known(&["martin"; ENOUGH_WORDS]).name_start("mart"), start);

        let long = "a".repeat(TERM_MAX + 1);
        let mut dictionary = Dictionary::default();
        dictionary.insert(long.clone(), Vec::new());
        assert_eq!(dictionary.name_start(&long), Terms::Gram(Gram::NameStart(long)));
    }
}
