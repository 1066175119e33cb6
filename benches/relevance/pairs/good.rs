//! Which contacts are equally good answers to a query.

use std::collections::{BTreeSet, HashMap};

use super::contacts::{Contact, Contacts, Word};
use super::typo::distance;

/// What an answer must have to be as good as the contact that the query was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A name with all of these words in any order, with at most so many edits in all. If the query was made of all
    /// words of the name, an equally good name has no further words.
    Name {
        words: Vec<String>,
        edits: usize,
        is_whole: bool,
    },
    /// A name with all of these words, and one more word with this beginning.
    NameBeginning { words: Vec<String>, beginning: String },
    /// A name with this word, and a phone with this end.
    NameAndPhone { word: String, end: String },
    /// A phone with this end.
    Phone { end: String },
    /// An email with this beginning, without case.
    EmailBeginning { beginning: String },
    /// An email with this end, without case.
    EmailEnd { end: String },
    /// This email, without case, and a name that consists of these words.
    NameAndEmail { words: Vec<String>, email: String },
}

impl Answer {
    /// The equally good contacts, ascending.
    pub fn find(&self, contacts: &Contacts) -> Vec<usize> {
        match self {
            Answer::Name { words, edits, is_whole } => by_name(contacts, words, *edits, *is_whole),
            Answer::NameBeginning { words, beginning } => by_beginning(contacts, words, beginning),
            Answer::NameAndPhone { word, end } => {
                let with_word = by_name(contacts, std::slice::from_ref(word), 0, false);
                let has_end = |at: &usize| ends(&contacts.get(*at).phone, end);
                with_word.into_iter().filter(has_end).collect()
            }
            Answer::Phone { end } => filter(contacts, |contact| ends(&contact.phone, end)),
            Answer::EmailBeginning { beginning } => filter(contacts, |contact| {
                lower(&contact.email).is_some_and(|email| email.starts_with(beginning))
            }),
            Answer::EmailEnd { end } => filter(contacts, |contact| {
                lower(&contact.email).is_some_and(|email| email.ends_with(end))
            }),
            Answer::NameAndEmail { words, email } => {
                let named = by_name(contacts, words, 0, true);
                let has_email = |at: &usize| lower(&contacts.get(*at).email).as_ref() == Some(email);
                named.into_iter().filter(has_email).collect()
            }
        }
    }
}

fn filter(contacts: &Contacts, is_good: impl Fn(&Contact) -> bool) -> Vec<usize> {
    let all = contacts.iter().enumerate();
    all.filter(|(_, contact)| is_good(contact)).map(|(at, _)| at).collect()
}

fn ends(phone: &Option<String>, end: &str) -> bool {
    phone.as_ref().is_some_and(|phone| phone.ends_with(end))
}

fn lower(email: &Option<String>) -> Option<String> {
    email.as_ref().map(|email| email.to_lowercase())
}

/// The words of the vocabulary that a word of the query can mean, with their distances.
type Meanings = HashMap<Word, usize>;

fn by_name(contacts: &Contacts, words: &[String], edits: usize, is_whole: bool) -> Vec<usize> {
    let meanings: Vec<Meanings> = words.iter().map(|word| near(contacts, word, edits)).collect();
    let is_good = |at: &usize| {
        let name = contacts.name(*at);
        (!is_whole || name.len() == words.len()) && least_edits(&meanings, name).is_some_and(|least| least <= edits)
    };
    candidates(contacts, &meanings).into_iter().filter(is_good).collect()
}

fn by_beginning(contacts: &Contacts, words: &[String], beginning: &str) -> Vec<usize> {
    let mut meanings: Vec<Meanings> = words.iter().map(|word| near(contacts, word, 0)).collect();
    let begins = contacts.vocabulary().filter(|(_, word)| word.starts_with(beginning));
    meanings.push(begins.map(|(number, _)| (number, 0)).collect());
    let is_good = |at: &usize| least_edits(&meanings, contacts.name(*at)).is_some();
    candidates(contacts, &meanings).into_iter().filter(is_good).collect()
}

/// The words of the vocabulary within a distance of `word`.
fn near(contacts: &Contacts, word: &str, edits: usize) -> Meanings {
    let length = word.chars().count();
    contacts
        .vocabulary()
        .filter(|(_, other)| other.chars().count().abs_diff(length) <= edits)
        .map(|(number, other)| (number, if word == other { 0 } else { distance(word, other) }))
        .filter(|(_, distance)| *distance <= edits)
        .collect()
}

/// The contacts with one of the meanings of the word that has the fewest contacts.
fn candidates(contacts: &Contacts, meanings: &[Meanings]) -> BTreeSet<usize> {
    let count = |meanings: &&Meanings| -> usize { meanings.keys().map(|word| contacts.with_word(*word).len()).sum() };
    let Some(rarest) = meanings.iter().min_by_key(count) else {
        return BTreeSet::new();
    };
    let with_words = rarest.keys().flat_map(|word| contacts.with_word(*word));
    with_words.copied().collect()
}

/// The least sum of distances if each word of the query means another word of the name. `None` if one of them means
/// none.
fn least_edits(meanings: &[Meanings], name: &[Word]) -> Option<usize> {
    let Some((first, rest)) = meanings.split_first() else {
        return Some(0);
    };
    let tries = name.iter().enumerate().filter_map(|(at, word)| {
        let edits = first.get(word)?;
        let others = [&name[..at], &name[at + 1..]].concat();
        Some(edits + least_edits(rest, &others)?)
    });
    tries.min()
}

/// The least sum of distances between the words and the words of a contact's name.
pub fn edits(contacts: &Contacts, words: &[String], at: usize, most: usize) -> Option<usize> {
    let meanings: Vec<Meanings> = words
        .iter()
        .map(|word| {
            let named = contacts
                .name(at)
                .iter()
                .map(|other| (*other, distance(word, contacts.word(*other))));
            named.filter(|(_, distance)| *distance <= most).collect()
        })
        .collect();
    least_edits(&meanings, contacts.name(at))
}
