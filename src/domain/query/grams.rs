//! The terms by which the index of grams finds the contacts that can match a word.

use std::collections::HashMap;

use super::parse::QueryWord;
use super::similar::{allowed_edits, runs};
use super::texts::{CONTAINED_MIN, LAST_DIGITS_MIN, Level};
use crate::domain::email;
use crate::domain::gram::{self, Gram};

/// With so many words of the dictionary that contain a piece, the piece is not looked up by its words. Each of them
/// costs a lookup in every period of the index. So many words are in so many contacts that a walk soon meets one.
pub const ENOUGH_WORDS: usize = 64;

/// The words of a client's names and emails that contain a typed piece, or are similar to it.
#[derive(Clone, Debug, Default)]
pub struct Dictionary(HashMap<String, Vec<String>>);

/// Alternatives for one word. A contact can match the word only if it has all grams of one alternative.
pub type Alternatives = Vec<Vec<Gram>>;

impl Dictionary {
    pub fn insert(&mut self, piece: String, words: Vec<String>) {
        self.0.insert(piece, words);
    }

    /// `None` if more than [`ENOUGH_WORDS`] match.
    fn words(&self, piece: &str) -> Option<&[String]> {
        let words = self.0.get(piece).map(Vec::as_slice).unwrap_or_default();
        (words.len() <= ENOUGH_WORDS).then_some(words)
    }

    /// The words that match a piece.
    pub fn all(&self, piece: &str) -> &[String] {
        self.0.get(piece).map(Vec::as_slice).unwrap_or_default()
    }
}

impl QueryWord {
    /// The longest of the word's folded words if it is long enough to be inside of another word.
    pub fn contained_piece(&self) -> Option<&str> {
        let longest = self.name.iter().max_by_key(|piece| piece.chars().count())?;
        (longest.chars().count() >= CONTAINED_MIN).then_some(longest)
    }

    /// The alternatives of a word at a level. `containing` has the words of the dictionary that contain
    /// [`Self::contained_piece`]. `None` if the index cannot find all contacts of the word.
    pub fn grams(&self, level: Level, containing: &Dictionary) -> Option<Alternatives> {
        let mut alternatives = Vec::new();
        if let Some((last, whole)) = self.name.split_last() {
            let whole = |last: Gram| {
                whole
                    .iter()
                    .map(|word| Gram::Name(word.clone()))
                    .chain([last])
                    .collect()
            };
            match (level, self.contained_piece()) {
                (Level::Exact, _) => alternatives.push(whole(Gram::Name(last.clone()))),
                (Level::Contains, Some(piece)) => {
                    let words = containing.words(piece)?.iter();
                    alternatives.extend(words.map(|word| vec![Gram::Name(word.clone())]));
                }
                _ => alternatives.push(whole(Gram::NameStart(last.clone()))),
            }
        }
        if let Some(id) = self.external_user_id.as_ref().filter(|id| !id.is_empty()) {
            alternatives.push(vec![match level {
                Level::Exact => Gram::ExternalId(id.clone()),
                _ => Gram::ExternalIdStart(id.clone()),
            }]);
        }
        for typed in &self.email {
            alternatives.extend(grams_of_email(typed, level)?);
        }
        let pieces = self.phone.iter().flat_map(|phone| phone.pieces());
        alternatives.extend(pieces.flat_map(|piece| match level {
            // The index of match keys finds the contacts with exactly these digits.
            Level::Exact => Vec::new(),
            Level::Prefix if piece.len() >= LAST_DIGITS_MIN => {
                vec![gram::of_first_digits(piece), gram::of_last_digits(piece)]
            }
            Level::Prefix => vec![gram::of_first_digits(piece)],
            Level::Contains => vec![gram::of_phone(piece)],
        }));
        Some(alternatives)
    }

    /// The alternatives of a word with typing errors, and the words that its name or email has at least one of.
    /// `similar` has the words of the dictionary that are similar to each of [`Self::similar_pieces`].
    pub fn similar_grams(&self, similar: &Dictionary) -> (Alternatives, Vec<String>) {
        let of_name = self.longest_similar(self.name.iter().map(String::as_str));
        let locals = self
            .email
            .iter()
            .map(|email| email.split_once('@').map_or(&**email, |(local, _)| local));
        let of_email = locals.filter_map(|local| self.longest_similar(runs(local).into_iter().map(|(_, run)| run)));
        let mut words: Vec<String> = Vec::new();
        for piece in of_name.into_iter().chain(of_email) {
            words.extend(similar.all(piece).iter().cloned());
        }
        words.sort_unstable();
        words.dedup();
        let alternatives = words
            .iter()
            .flat_map(|word| [vec![Gram::Name(word.clone())], vec![Gram::EmailWord(word.clone())]]);
        (alternatives.collect(), words)
    }

    fn longest_similar<'p>(&self, pieces: impl Iterator<Item = &'p str>) -> Option<&'p str> {
        pieces
            .filter(|piece| allowed_edits(piece) > 0)
            .max_by_key(|piece| piece.chars().count())
    }
}

/// The alternatives for a typed text in an email. `None` if the index has nothing to find the text by.
fn grams_of_email(typed: &str, level: Level) -> Option<Alternatives> {
    let grams = || Some(gram::of_email(typed)).filter(|grams| !grams.is_empty());
    match level {
        Level::Exact if !email::is_email(typed) => Some(Vec::new()),
        // No email begins with these.
        Level::Prefix if typed.starts_with('@') => Some(Vec::new()),
        // An email that begins with letters has them as its first run. Its pieces can be anywhere, and so in many more
        // emails: `gmail` is in half of them.
        Level::Prefix if typed.starts_with(|c: char| c.is_ascii_lowercase()) => {
            let end = typed.find(|c: char| c.is_ascii() && !c.is_ascii_alphabetic());
            let run = typed[..end.unwrap_or(typed.len())].to_owned();
            Some(match end {
                None => vec![vec![Gram::EmailWordStart(run.clone())], vec![Gram::NameStart(run)]],
                Some(_) => {
                    let with_pieces = |gram| gram::of_email(typed).into_iter().chain([gram]).collect();
                    vec![with_pieces(Gram::EmailWord(run.clone())), with_pieces(Gram::Name(run))]
                }
            })
        }
        _ => Some(vec![grams()?]),
    }
}
