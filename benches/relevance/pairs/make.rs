//! The kinds of queries, and the making of pairs: a query and the contact that it looks for.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::contacts::{Contact, Contacts};
use super::good::{Answer, edits};
use super::notation::write;
use super::text::{without_accents, words, written_words};
use super::typo::mistype;

/// The most bytes and words of a query.
const MOST_BYTES: usize = 256;
const MOST_WORDS: usize = 10;

/// How many contacts are tried for a pair. Most contacts have no two-word name of a kind, for example.
const TRIES: usize = 10_000;

/// A kind of query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    FullName,
    PartialName,
    Swapped,
    WithoutAccents,
    OneTypo,
    TwoTypos,
    NameAndDigits,
    HalfEmail,
    Notation,
    Pasted,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::FullName,
        Kind::PartialName,
        Kind::Swapped,
        Kind::WithoutAccents,
        Kind::OneTypo,
        Kind::TwoTypos,
        Kind::NameAndDigits,
        Kind::HalfEmail,
        Kind::Notation,
        Kind::Pasted,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::FullName => "full name",
            Kind::PartialName => "part of a name",
            Kind::Swapped => "surname first",
            Kind::WithoutAccents => "without accents",
            Kind::OneTypo => "one typo",
            Kind::TwoTypos => "two typos",
            Kind::NameAndDigits => "name and last four digits",
            Kind::HalfEmail => "half an email",
            Kind::Notation => "another notation of a phone",
            Kind::Pasted => "pasted name and email",
        }
    }
}

/// A query and the contact that it looks for.
#[derive(Clone, Debug)]
pub struct Pair {
    pub kind: Kind,
    pub query: String,
    /// The place of the wanted contact in the contacts.
    pub wanted: usize,
    /// What an equally good answer has.
    pub answer: Answer,
}

/// Makes `count` pairs of each kind. Equal seeds and contacts make equal pairs. A kind has fewer pairs if too few
/// contacts suit it.
pub fn make(contacts: &Contacts, count: usize, seed: u64) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (stream, kind) in (0..).zip(Kind::ALL) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        let mut made = 0;
        for _ in 0..TRIES {
            if made == count || contacts.len() == 0 {
                break;
            }
            let wanted = random.random_range(0..contacts.len());
            let Some((query, answer)) = query(kind, contacts, wanted, &mut random) else {
                continue;
            };
            if query.len() <= MOST_BYTES && query.split_whitespace().count() <= MOST_WORDS {
                made += 1;
                pairs.push(Pair {
                    kind,
                    query,
                    wanted,
                    answer,
                });
            }
        }
    }
    pairs
}

/// A query of this kind for a contact. `None` if the contact does not suit the kind.
fn query(kind: Kind, contacts: &Contacts, wanted: usize, random: &mut ChaCha8Rng) -> Option<(String, Answer)> {
    let contact = contacts.get(wanted);
    match kind {
        Kind::FullName => {
            let name = contact.name.as_deref()?;
            Some((in_case(random, &typed(name)?), whole(name)))
        }
        Kind::PartialName => partial(contact, random),
        Kind::Swapped => {
            let name = contact.name.as_deref()?;
            let mut typed = written_words(name);
            let first = (1..typed.len().max(1)).nth(random.random_range(0..typed.len().max(2) - 1))?;
            typed.rotate_left(first);
            Some((in_case(random, &typed.join(" ")), whole(name)))
        }
        Kind::WithoutAccents => {
            let name = contact.name.as_deref()?;
            let plain = without_accents(&typed(name)?);
            (plain != typed(name)?).then(|| (in_case(random, &plain), whole(name)))
        }
        Kind::OneTypo => with_typos(contacts, wanted, random, 1),
        Kind::TwoTypos => with_typos(contacts, wanted, random, 2),
        Kind::NameAndDigits => {
            let written = written_words(contact.name.as_deref()?);
            let word = written[random.random_range(0..written.len().max(1))..].first()?;
            let phone = contact.phone.as_deref()?;
            let end = phone.get(phone.len().checked_sub(4)?..)?;
            let [folded] = &words(word)[..] else { return None };
            let answer = Answer::NameAndPhone {
                word: folded.clone(),
                end: end.to_owned(),
            };
            let word = in_case(random, word);
            let query = match random.random_range(0..5) {
                0 => format!("{end} {word}"),
                _ => format!("{word} {end}"),
            };
            (folded.chars().count() >= 3).then_some((query, answer))
        }
        Kind::HalfEmail => half_email(contact.email.as_deref()?, random),
        Kind::Notation => {
            let (query, end) = write(random, contact.phone.as_deref()?)?;
            Some((query, Answer::Phone { end }))
        }
        Kind::Pasted => {
            let (name, email) = (contact.name.as_deref()?, contact.email.as_deref()?);
            let query = match random.random_range(0..2) {
                0 => format!("\"{name}\" <{email}>"),
                _ => format!("{name} <{email}>"),
            };
            let answer = Answer::NameAndEmail {
                words: words(name),
                email: email.to_lowercase(),
            };
            (!words(name).is_empty()).then_some((query, answer))
        }
    }
}

/// The whole name as people type it: without emojis. `None` if nothing is left.
fn typed(name: &str) -> Option<String> {
    let typed = written_words(name).join(" ");
    (!typed.is_empty()).then_some(typed)
}

fn whole(name: &str) -> Answer {
    Answer::Name {
        words: words(name),
        edits: 0,
        is_whole: true,
    }
}

/// Most people type names in lower case.
fn in_case(random: &mut ChaCha8Rng, text: &str) -> String {
    match random.random_range(0..10) {
        0..6 => text.to_lowercase(),
        6..9 => text.to_owned(),
        _ => text.to_uppercase(),
    }
}

/// Two words of a longer name, or the last word alone, or the first word and the beginning of another.
fn partial(contact: &Contact, random: &mut ChaCha8Rng) -> Option<(String, Answer)> {
    let written = written_words(contact.name.as_deref()?);
    let (first, others) = written.split_first()?;
    if others.is_empty() {
        return None;
    }
    let other = others[random.random_range(0..others.len())];
    let (query, beginning) = match random.random_range(0..3) {
        0 if others.len() > 1 => (format!("{first} {other}"), None),
        1 => ((*others.last()?).to_owned(), None),
        _ => {
            let letters: Vec<char> = other.chars().collect();
            let most = letters.len().checked_sub(1).filter(|most| *most >= 3)?;
            let beginning: String = letters[..random.random_range(3..=most)].iter().collect();
            (format!("{first} {beginning}"), Some(beginning))
        }
    };
    let answer = match beginning {
        None => Answer::Name {
            words: words(&query),
            edits: 0,
            is_whole: false,
        },
        Some(beginning) => {
            let [beginning] = &words(&beginning)[..] else {
                return None;
            };
            Answer::NameBeginning {
                words: words(first),
                beginning: beginning.clone(),
            }
        }
    };
    Some((in_case(random, &query), answer))
}

/// The whole name, or two words of a longer one. Each typo is in a word of its own, or both are in one long word.
fn with_typos(contacts: &Contacts, wanted: usize, random: &mut ChaCha8Rng, typos: usize) -> Option<(String, Answer)> {
    let written = written_words(contacts.get(wanted).name.as_deref()?);
    let mut typed: Vec<String> = written.iter().map(|word| (*word).to_owned()).collect();
    let mut is_whole = true;
    if typed.len() > 2 && random.random() {
        let other = random.random_range(1..typed.len());
        typed = vec![typed[0].clone(), typed[other].clone()];
        is_whole = false;
    }
    let is_plain = |word: &String| word.chars().all(|letter| ('A'..='ɏ').contains(&letter));
    if !typed.iter().all(is_plain) {
        return None;
    }
    let first = random.random_range(0..typed.len());
    if typos == 2 && (typed.len() == 1 || random.random_ratio(1, 3)) {
        typed[first] = mistype(random, &typed[first], 2)?;
    } else {
        for at in 0..typos {
            let at = (first + at) % typed.len();
            typed[at] = mistype(random, &typed[at], 1)?;
        }
    }
    let query = typed.join(" ");
    let answer = Answer::Name {
        words: words(&query),
        edits: edits(contacts, &words(&query), wanted, typos)?,
        is_whole,
    };
    Some((in_case(random, &query), answer))
}

/// The part before the `@`, the first two thirds, or the end of the address.
fn half_email(email: &str, random: &mut ChaCha8Rng) -> Option<(String, Answer)> {
    let lower = email.to_lowercase();
    let at = lower.find('@')?;
    let cut = match random.random_range(0..3) {
        0 => at,
        1 => lower.len() * 2 / 3,
        _ => {
            let start = random.random_range(1..at.max(2));
            let end = lower.get(start..)?.to_owned();
            return (end.len() >= 8).then(|| (end.clone(), Answer::EmailEnd { end }));
        }
    };
    let beginning = lower.get(..cut)?.to_owned();
    (beginning.len() >= 6).then(|| (beginning.clone(), Answer::EmailBeginning { beginning }))
}
