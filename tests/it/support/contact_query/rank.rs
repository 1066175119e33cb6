//! The rank of a contact: the smaller, the better.

use std::ops::Range;
use std::slice;

use super::contact::Contact;
use super::field_match::{FieldMatch, exact_places, prefix_places, similar_name};
use super::query::{Field, Word};
use super::text::Text;

/// The name has exactly the words of the query, in any order.
const WHOLE_NAME: usize = 0;

/// Every word matches exactly, or is another notation of the phone.
pub const EXACT: usize = 1;

/// The worst word is a beginning, or the last digits of a phone.
pub const PREFIX: usize = 2;

/// The worst word is a piece.
pub const CONTAINS: usize = 3;

/// The best rank of a contact that matches with typing errors. Each further edit adds two.
const SIMILAR: usize = 4;

/// A word of the query, and a match of each field that it matches.
pub type WordMatch<'w> = (&'w Word, Vec<(Field, FieldMatch)>);

/// The smallest rank of a word's matches, or their fewest edits.
pub fn best(fields: &[(Field, FieldMatch)]) -> Option<usize> {
    fields.iter().map(|(_, found)| found.rank).min()
}

/// The rank of a contact that matches every word without typing errors.
pub fn without_errors(contact: &Contact, matches: &[WordMatch<'_>]) -> usize {
    let ranks = matches.iter().filter_map(|(_, fields)| best(fields));
    let worst = ranks.max().expect("a query has words");
    if worst == CONTAINS || shares_a_name_word(contact, matches) {
        CONTAINS
    } else if worst == EXACT && is_whole_name(contact, matches) {
        WHOLE_NAME
    } else {
        worst
    }
}

/// The rank of a contact that matches some words only with typing errors. `edits` is the sum over these words.
pub fn similar(contact: &Contact, words: &[Word], edits: usize) -> usize {
    // Only the punctuation differs: `john_doe` is similar to `john.doe`.
    if edits == 0 {
        return CONTAINS;
    }
    let is_in_name = |word: &Word| {
        let is_exact = || !exact_places(word, contact).is_empty();
        word.is_for(Field::Name) && (is_exact() || similar_name(word, contact).is_some())
    };
    let typed: usize = words.iter().map(|word| word.name_words.len()).sum();
    let is_whole = typed == contact.name_words.len() && words.iter().all(is_in_name);
    SIMILAR + 2 * (edits - 1) + usize::from(!is_whole)
}

/// Whether the name has the words of the query and no others.
fn is_whole_name(contact: &Contact, matches: &[WordMatch<'_>]) -> bool {
    let mut typed: Vec<String> = Vec::new();
    for (word, _) in matches {
        if !word.is_for(Field::Name) {
            return false;
        }
        typed.extend(word.name_words.iter().map(Text::text));
    }
    let mut stored: Vec<String> = contact.name_words.iter().map(Text::text).collect();
    typed.sort();
    stored.sort();
    typed == stored
}

/// Whether words of the query need the same word of the name, because no other field matches them as well.
fn shares_a_name_word(contact: &Contact, matches: &[WordMatch<'_>]) -> bool {
    let mut words = Vec::new();
    for (word, fields) in matches {
        let best = best(fields);
        let mut best_fields = fields.iter().filter(|(_, found)| Some(found.rank) == best);
        if best_fields.all(|(field, _)| *field == Field::Name) {
            words.push(match best {
                Some(EXACT) => exact_places(word, contact),
                _ => prefix_places(word, contact),
            });
        }
    }
    !fit(&words, &[])
}

/// Whether each word can have one of its places, so that no two places overlap. `taken` has the places of other words.
fn fit(words: &[Vec<Range<usize>>], taken: &[Range<usize>]) -> bool {
    let Some((places, others)) = words.split_first() else {
        return true;
    };
    places.iter().any(|place| {
        let is_free = taken
            .iter()
            .all(|other| place.end <= other.start || other.end <= place.start);
        is_free && fit(others, &[taken, slice::from_ref(place)].concat())
    })
}
