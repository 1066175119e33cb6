//! The rank of a contact: the smaller, the better.

use super::contact::Contact;
use super::field_match::{FieldMatch, exact_places, similar_name};
use super::query::{Field, Word};
use super::text::Text;

/// The name has exactly the words of the query that are no phones and have no `@`, in any order. The others match
/// exactly.
const WHOLE_NAME: usize = 0;

/// Every word matches exactly, is another notation of the phone, or is its last digits.
pub const EXACT: usize = 1;

/// The worst word is a beginning.
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
    let is_in_name = |word: &&Word| !exact_places(word, contact).is_empty() || similar_name(word, contact).is_some();
    let names: Vec<&Word> = words.iter().filter(|word| is_for_name(word)).collect();
    let typed: usize = names.iter().map(|word| word.name_words.len()).sum();
    let is_whole = typed > 0 && typed == contact.name_words.len() && names.iter().all(is_in_name);
    SIMILAR + 2 * edits + usize::from(!is_whole)
}

/// Whether the word can only be a name or an external id.
fn is_for_name(word: &Word) -> bool {
    let can_be_phone = word.is_for(Field::Phone) && word.phone.is_some();
    word.is_for(Field::Name) && !can_be_phone && !word.text.contains('@')
}

/// Whether the name has the words of the query that are for a name, and no others.
fn is_whole_name(contact: &Contact, matches: &[WordMatch<'_>]) -> bool {
    let names = matches.iter().filter(|(word, _)| is_for_name(word));
    let mut typed: Vec<String> = names
        .flat_map(|(word, _)| word.name_words.iter().map(Text::text))
        .collect();
    let mut stored: Vec<String> = contact.name_words.iter().map(Text::text).collect();
    typed.sort();
    stored.sort();
    typed == stored && !typed.is_empty()
}
