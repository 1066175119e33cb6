//! Typing errors: words that differ from a typed one by a few edits.
//!
//! Edits are those of the optimal string alignment distance (a restricted Damerau-Levenshtein distance): a character is
//! inserted, deleted or replaced, or two neighbours are swapped, and each counts as one.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::parse::QueryWord;

/// The fewest characters of a word that may have an edit, and two edits.
const ONE_EDIT: usize = 4;
const TWO_EDITS: usize = 8;

/// How many of a word's first characters its keys in the index of words come from. The database's function
/// `contact_word_keys` has the same number.
const KEYED: usize = 7;

/// How many edits a typed word of letters may have. 0 if it must be equal.
pub(super) fn allowed_edits(typed: &str) -> usize {
    if !typed.chars().all(char::is_alphabetic) {
        return 0;
    }
    match typed.chars().count() {
        TWO_EDITS.. => 2,
        ONE_EDIT.. => 1,
        _ => 0,
    }
}

/// The different letters of a word. An edit changes at most two of them, so most words can be told apart without
/// counting their edits.
#[derive(Clone, Copy)]
struct Letters(u64);

fn letters(word: &str) -> Letters {
    let bit = |character| 1 << (u32::from(character) % u64::BITS);
    Letters(word.chars().fold(0, |letters, character| letters | bit(character)))
}

impl Letters {
    /// The letters that only one of the words has.
    fn count_different(self, other: Self) -> usize {
        (self.0 ^ other.0).count_ones() as usize
    }
}

/// The number of edits between a typed word and another one, if the typed word may have as many.
pub fn differ_by_typing(typed: &str, other: &str) -> Option<usize> {
    if typed == other {
        return Some(0);
    }
    let allowed = allowed_edits(typed);
    let difference = typed.chars().count().abs_diff(other.chars().count());
    if allowed == 0 || difference > allowed || letters(typed).count_different(letters(other)) > 2 * allowed {
        return None;
    }
    Some(strsim::osa_distance(typed, other)).filter(|edits| *edits <= allowed)
}

/// The fewest edits with which the typed pieces are consecutive pieces of the other text, and where these begin. `None`
/// if no typed piece may have an edit.
pub(super) fn find_pieces<T: AsRef<str>>(typed: &[T], pieces: &[&str]) -> Option<(usize, usize)> {
    let may_differ = typed.iter().any(|typed| allowed_edits(typed.as_ref()) > 0);
    if !may_differ || typed.len() > pieces.len() {
        return None;
    }
    let edits_at = |start: usize| {
        let pairs = typed.iter().zip(&pieces[start..]);
        pairs
            .map(|(typed, piece)| differ_by_typing(typed.as_ref(), piece))
            .sum::<Option<usize>>()
    };
    let places = 0..=pieces.len() - typed.len();
    places.filter_map(|start| Some((edits_at(start)?, start))).min()
}

/// The runs of letters and the runs of digits of an email's local part, each with its place in bytes. The characters
/// between them are punctuation.
pub(super) fn runs(local: &str) -> Vec<(usize, &str)> {
    let kind = |character: char| match character {
        c if c.is_ascii_digit() => 1,
        c if c.is_ascii() && !c.is_ascii_alphabetic() => 2,
        _ => 0,
    };
    let mut runs = Vec::new();
    let mut start = 0;
    let mut characters = local.char_indices().peekable();
    while let Some((_, character)) = characters.next() {
        let next = characters.peek();
        if next.is_none_or(|(_, next)| kind(*next) != kind(character)) {
            let end = next.map_or(local.len(), |(at, _)| *at);
            if kind(character) != 2 {
                runs.push((start, &local[start..end]));
            }
            start = end;
        }
    }
    runs
}

/// The edits with which an email has the typed text, and the runs of its local part that match: their place in bytes.
pub(super) fn find_in_email(typed: &str, email: &str) -> Option<(usize, usize, usize)> {
    let (local, domain) = email.split_once('@')?;
    let (typed_local, typed_domain) = match typed.split_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (typed, None),
    };
    let typed_runs: Vec<&str> = runs(typed_local).into_iter().map(|(_, run)| run).collect();
    let runs = runs(local);
    let texts: Vec<&str> = runs.iter().map(|(_, run)| *run).collect();
    let (edits, first) = match typed_domain {
        None => find_pieces(&typed_runs, &texts)?,
        Some(typed_domain) => {
            if !domain.starts_with(typed_domain) {
                return None;
            }
            // The runs must reach the end of the local part.
            let first = texts.len().checked_sub(typed_runs.len())?;
            let (edits, _) = find_pieces(&typed_runs, &texts[first..])?;
            (edits, first)
        }
    };
    let last = runs[first + typed_runs.len() - 1];
    Some((edits, runs[first].0, last.0 + last.1.len()))
}

/// A typed piece, and the keys by which the index of words finds the words that differ from it by typing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SimilarKeys {
    pub piece: String,
    /// Keys of words that differ by one edit, or by two.
    pub keys: Vec<String>,
}

impl SimilarKeys {
    /// How many characters the similar words can have.
    pub fn lengths(&self) -> RangeInclusive<usize> {
        let (length, edits) = (self.piece.chars().count(), allowed_edits(&self.piece));
        length - edits..=length + edits
    }
}

/// The kinds of keys: with up to one character deleted, and with two. One edit needs no key of the second kind, and most
/// keys of the index are of this kind.
const UP_TO_ONE_DELETED: char = 'd';
const TWO_DELETED: char = 't';

impl QueryWord {
    /// The pieces of the word that may have typing errors: its words, and the runs of letters before its `@`.
    pub fn similar_pieces(&self) -> Vec<SimilarKeys> {
        let runs = self.email.iter().flat_map(|email| {
            let local = email.split_once('@').map_or(&**email, |(local, _)| local);
            runs(local).into_iter().map(|(_, run)| run.to_owned())
        });
        let pieces: BTreeSet<String> = self.name.iter().cloned().chain(runs).collect();
        let pieces = pieces.into_iter().filter(|piece| allowed_edits(piece) > 0);
        pieces
            .map(|piece| SimilarKeys {
                keys: typed_keys(&piece, allowed_edits(&piece)),
                piece,
            })
            .collect()
    }

    /// Whether an email with the same runs can be similar. It can if other punctuation is between its runs.
    pub fn can_differ_by_punctuation(&self) -> bool {
        self.email.iter().any(|email| {
            let local = email.split_once('@').map_or(&**email, |(local, _)| local);
            !matches!(runs(local)[..], [(0, run)] if run == local)
        })
    }
}

/// The keys by which a word is found that may differ by `edits` from this one.
fn typed_keys(word: &str, edits: usize) -> Vec<String> {
    if edits == 2 {
        // A stored word that differs by one edit also shares a key with two deletions. A stored word of six characters
        // has shorter keys of the second kind than a typed word of eight. So a key of the first kind finds that word.
        let shorter = deletions(word, 2);
        let mut keys = keys_of(UP_TO_ONE_DELETED, &shorter);
        keys.extend(keys_of(TWO_DELETED, &shorter));
        return keys;
    }
    let mut keys = keys_of(UP_TO_ONE_DELETED, &deletions(word, 0));
    keys.extend(keys_of(UP_TO_ONE_DELETED, &deletions(word, 1)));
    keys
}

fn keys_of(kind: char, texts: &BTreeSet<String>) -> Vec<String> {
    texts.iter().map(|text| format!("{kind}{text}")).collect()
}

/// What is left of the first characters of a word if so many of them are deleted.
fn deletions(word: &str, deleted: usize) -> BTreeSet<String> {
    let start: String = word.chars().take(KEYED).collect();
    let shorten = |longer: BTreeSet<String>| {
        let shorter = longer.iter().flat_map(|key| {
            key.char_indices().map(|(at, character)| {
                let (before, after) = (&key[..at], &key[at + character.len_utf8()..]);
                format!("{before}{after}")
            })
        });
        shorter.collect()
    };
    (0..deleted).fold(BTreeSet::from([start]), |longer, _| shorten(longer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_edit_from_four_letters_and_two_from_eight() {
        for (typed, other, edits) in [
            ("jhon", "john", Some(1)),
            ("gonzales", "gonzalez", Some(1)),
            ("gonzlaes", "gonzalez", Some(2)),
            ("gonsale", "gonzalez", None),
            ("ana", "ane", None),
            ("ana", "ana", Some(0)),
            ("1234", "1235", None),
            ("jhno", "john", None),
        ] {
            assert_eq!(differ_by_typing(typed, other), edits, "{typed} {other}");
        }
    }

    #[test]
    fn a_typed_email_is_compared_by_its_runs() {
        for (typed, email, found) in [
            ("jhon.smith@acme", "john.smith@acme.com", Some((1, 0, 10))),
            ("jhon", "john.smith@acme.com", Some((1, 0, 4))),
            ("smiht", "john_smith85@acme.com", Some((1, 5, 10))),
            ("smiht85@", "john_smith85@acme.com", Some((1, 5, 12))),
            ("smiht@", "john_smith85@acme.com", None),
            ("jhon.smith@acne", "john.smith@acme.com", None),
            ("@acme", "john@acme.com", None),
            ("jhon", "smith", None),
        ] {
            assert_eq!(find_in_email(typed, email), found, "{typed} {email}");
        }
    }

    /// The word after an edit: a letter is deleted, replaced, inserted, or swapped with the next one.
    fn edited(word: &str, (kind, place, letter): (usize, usize, char)) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let at = place % letters.len();
        match kind {
            0 => drop(letters.remove(at)),
            1 => letters[at] = letter,
            2 => letters.insert(at, letter),
            _ if at + 1 < letters.len() => letters.swap(at, at + 1),
            _ => letters.push(letter),
        }
        letters.into_iter().collect()
    }

    proptest! {
        #[test]
        fn similar_words_have_a_key_in_common(
            word in "[abc]{4,12}",
            edits in proptest::collection::vec((0..4usize, 0..12usize, proptest::char::range('a', 'd')), 1..3),
        ) {
            let other = edits.into_iter().fold(word.clone(), |word, edit| edited(&word, edit));
            if differ_by_typing(&word, &other).is_some_and(|edits| edits > 0) {
                let keys = typed_keys(&word, allowed_edits(&word));
                let mut stored = keys_of(UP_TO_ONE_DELETED, &deletions(&other, 0));
                stored.extend(keys_of(UP_TO_ONE_DELETED, &deletions(&other, 1)));
                if other.len() >= 6 {
                    stored.extend(keys_of(TWO_DELETED, &deletions(&other, 2)));
                }
                prop_assert!(keys.iter().any(|key| stored.contains(key)), "{word} {other}: {keys:?} {stored:?}");
            }
        }
    }
}
