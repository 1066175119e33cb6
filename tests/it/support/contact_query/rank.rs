//! The rank of a contact: the smaller, the better.

use super::contact::Contact;
use super::field_match::{FieldMatch, exact_places, similar_name};
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

/// The best rank of a contact that matches only by similarity. Each edit adds two. Without edits only the punctuation
/// differs: `john_doe` is similar to `john.doe`.
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
    if worst == EXACT && is_whole_name(contact, matches) {
        WHOLE_NAME
    } else {
        worst
    }
}

/// The rank of a contact that matches some words only with typing errors. `edits` is the sum over these words.
pub fn similar(contact: &Contact, words: &[Word], edits: usize) -> usize {
    let is_in_name = |word: &Word| {
        let is_exact = || !exact_places(word, contact).is_empty();
        word.is_for(Field::Name) && (is_exact() || similar_name(word, contact).is_some())
    };
    let typed: usize = words.iter().map(|word| word.name_words.len()).sum();
    let is_whole = typed == contact.name_words.len() && words.iter().all(is_in_name);
    SIMILAR + 2 * edits + usize::from(!is_whole)
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
