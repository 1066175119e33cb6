//! The requests to `GET /api/v1/search`: classes of names, alone and with another word.

use rand::RngExt;

use crate::client::{Expected, Request};
use crate::terms::{Asker, Class, classes, random};

/// Terms per class.
const TERMS: usize = 20;

/// Letters that no generated name has next to each other in any order.
const ODD_LETTERS: &[u8] = b"qxzwkvj";

/// A contact's name, split into its words, with the values of the contact that a query can have beside a name.
struct Named<'a> {
    words: Vec<&'a str>,
    digits: Option<&'a str>,
    email: Option<&'a str>,
}

impl Named<'_> {
    fn full(&self) -> String {
        self.words.join(" ")
    }

    fn first(&self) -> &str {
        self.words[0]
    }

    fn last(&self) -> &str {
        self.words[self.words.len() - 1]
    }

    /// The place of the longest word.
    fn longest(&self) -> usize {
        let length = |at: &usize| self.words[*at].chars().count();
        (0..self.words.len()).max_by_key(length).unwrap_or_default()
    }
}

impl Asker<'_> {
    fn find(&self, query: &str, expected: Expected) -> Request {
        Request::get(self.key, "/api/v1/search", &[("q", query)], expected)
    }

    /// The people whose names have two to four words of three letters or more.
    fn named(&self) -> impl Iterator<Item = Named<'_>> {
        self.people.iter().filter_map(|person| {
            let name = person.name.as_deref()?;
            let words: Vec<&str> = name.split_whitespace().collect();
            let is_plain = |word: &&str| word.chars().count() >= 3 && word.chars().all(char::is_alphabetic);
            let is_latin = name.chars().any(|letter| ('A'..='ɏ').contains(&letter));
            let is_usual = (2..=4).contains(&words.len()) && words.iter().all(is_plain) && is_latin;
            is_usual.then(|| Named {
                words,
                digits: person.digits(),
                email: person.email.as_deref(),
            })
        })
    }

    /// Every class of names.
    pub fn names(&self) -> anyhow::Result<Vec<Class>> {
        let some = |query: String| self.find(&query, Expected::FoundSome);
        let full = self.named().map(|named| some(named.full()));
        let prefix = self.named().enumerate().map(|(at, named)| {
            let word = if at % 2 == 0 { named.last() } else { named.first() };
            some(word.chars().take(3).collect())
        });
        let substring = self.named().filter_map(|named| {
            let word = named.words[named.longest()];
            (word.chars().count() >= 6).then(|| some(word.chars().skip(1).take(4).collect()))
        });
        let typo = self.named().filter_map(|named| {
            let at = named.longest();
            let wrong = mistype(named.words[at])?;
            // A first name and a surname, as people type them.
            let other = if at == 0 { named.last() } else { named.first() };
            Some(some(format!("{other} {wrong}")))
        });
        let swapped = self
            .named()
            .map(|named| some(format!("{} {}", named.last(), named.first())));
        let digits = self.named().filter_map(|named| {
            let digits = named.digits?;
            Some(some(format!(
                "{} {}",
                named.first(),
                &digits[digits.len().checked_sub(4)?..]
            )))
        });
        let domain = self.named().filter_map(|named| {
            let email = named.email?;
            Some(some(format!("{} {}", named.first(), &email[email.find('@')?..])))
        });
        let mut random = random();
        let mut odd = || {
            let length = random.random_range(5..=8);
            let letters = (0..length).map(|_| char::from(ODD_LETTERS[random.random_range(0..ODD_LETTERS.len())]));
            letters.collect::<String>()
        };
        let none = |query: String| self.find(&query, Expected::FoundNone);
        let no_hit: Vec<Request> = (0..TERMS).map(|_| none(odd())).collect();
        let first_names = self.named().take(TERMS);
        let no_surname = first_names.map(|named| none(format!("{} {}", named.first(), odd())));
        classes([
            ("name-full", full.take(TERMS).collect()),
            ("name-prefix", prefix.take(TERMS).collect()),
            ("name-substring", substring.take(TERMS).collect()),
            ("name-typo", typo.take(TERMS).collect()),
            ("name-swapped", swapped.take(TERMS).collect()),
            ("name-no-hit, one word", no_hit),
            ("name-no-hit, two words", no_surname.collect()),
            ("name-and-digits", digits.take(TERMS).collect()),
            ("name-and-domain", domain.take(TERMS).collect()),
        ])
    }
}

/// The word with its middle letter replaced, or `None` if it is too short for a typo to be recognised.
fn mistype(word: &str) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 5 {
        return None;
    }
    let middle = letters.len() / 2;
    letters[middle] = if letters[middle] == 'e' { 'i' } else { 'e' };
    Some(letters.into_iter().collect())
}
