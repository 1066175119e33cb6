//! Made-up records of people with phones: households and receptions that share a number, numbers with and without the
//! mobile 9 of Argentina or the 15, typing errors, and people who change their phone or email.

use std::collections::HashSet;

use contact_search::sample::people::People;
use icu_normalizer::DecomposingNormalizerBorrowed;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::labelled::{Labelled, Texts};

/// Every n-th person begins a reception.
const RECEPTION_EVERY: u32 = 400;

/// A prime: its multiples go through all numbers of eight digits without repeats.
const STRIDE: u64 = 67_004_173;
const NUMBERS: u64 = 100_000_000;

const PROVIDERS: [&str; 4] = ["gmail.com", "hotmail.com", "yahoo.com", "outlook.com"];

/// A person. All records of the person are made from it.
#[derive(Clone)]
struct Person {
    first: String,
    last: String,
    second_last: Option<String>,
    /// Eight digits after the area code 11.
    number: String,
    email: Option<String>,
}

/// The people who share a phone.
struct Sharing {
    number: String,
    last: Option<String>,
    domain: Option<String>,
    left: u32,
    names: HashSet<String>,
}

struct Maker {
    random: ChaCha8Rng,
    people: People,
    numbers: u64,
    locals: HashSet<String>,
    sharing: Option<Sharing>,
}

/// Makes the records of so many persons. Equal seeds give equal records.
pub fn make(persons: u32, seed: u64) -> Labelled {
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        people: People::new(seed),
        numbers: 0,
        locals: HashSet::new(),
        sharing: None,
    };
    let mut labelled = Labelled::default();
    for number in 0..persons {
        let person = maker.person(number);
        let is_shared = maker.sharing.is_some();
        let copies = match maker.random.random_range(0..100) {
            0..65 => 0,
            65..90 => 1,
            _ => 2,
        };
        labelled.push(maker.texts(&person).record(), number);
        for _ in 0..copies {
            labelled.push(maker.copy(&person, is_shared).record(), number);
        }
    }
    labelled
}

impl Maker {
    fn has_percent_chance(&mut self, percent: u32) -> bool {
        self.random.random_ratio(percent, 100)
    }

    /// A number that no other person has.
    fn new_number(&mut self) -> String {
        self.numbers += 1;
        // No area of Buenos Aires begins with 0 or 1.
        format!("{:08}", 20_000_000 + self.numbers * STRIDE % (NUMBERS - 20_000_000))
    }

    fn person(&mut self, number: u32) -> Person {
        if self.sharing.as_ref().is_none_or(|sharing| sharing.left == 0) {
            self.sharing = self.new_sharing(number);
        }
        let (mut first, mut last) = self.people.next().expect("people without end");
        let number = match &mut self.sharing {
            None => self.new_number(),
            Some(sharing) => {
                sharing.left -= 1;
                let key = |first: &str, last: &str| match sharing.last {
                    Some(_) => plain(first).chars().take(1).collect(),
                    None => format!("{}{}", plain(first).chars().next().unwrap_or('x'), plain(last)),
                };
                // Nobody could tell from `J. Platella` which of two people with this initial and one phone it is.
                while !sharing.names.insert(key(&first, &last)) {
                    (first, last) = self.people.next().expect("people without end");
                }
                last = sharing.last.clone().unwrap_or(last);
                sharing.number.clone()
            }
        };
        let second_last = self
            .has_percent_chance(25)
            .then(|| self.people.next().expect("people without end").1);
        let email = self.has_percent_chance(70).then(|| self.new_email(&first, &last));
        Person {
            first,
            last,
            second_last,
            number,
            email,
        }
    }

    fn new_sharing(&mut self, number: u32) -> Option<Sharing> {
        let is_reception = number % RECEPTION_EVERY == RECEPTION_EVERY - 1;
        if !is_reception && !self.has_percent_chance(8) {
            return None;
        }
        let last = (!is_reception && self.has_percent_chance(60)).then(|| self.people.next().expect("people").1);
        Some(Sharing {
            number: self.new_number(),
            last,
            domain: is_reception.then(|| format!("company{number}.com.ar")),
            left: if is_reception {
                self.random.random_range(20..60)
            } else {
                self.random.random_range(2..5)
            },
            names: HashSet::new(),
        })
    }

    /// An email that nobody else has, unless it is that of a company's reception.
    fn new_email(&mut self, first: &str, last: &str) -> String {
        let (first, last) = (plain(first), plain(last));
        let company = self.sharing.as_ref().and_then(|sharing| sharing.domain.clone());
        if let Some(company) = &company
            && self.has_percent_chance(20)
        {
            return format!("info@{company}");
        }
        let domain = company.unwrap_or_else(|| PROVIDERS[self.random.random_range(0..PROVIDERS.len())].to_owned());
        loop {
            let number = self.random.random_range(1..1_000);
            let initial = first.chars().next().unwrap_or('x');
            let local = match self.random.random_range(0..5) {
                0 => format!("{first}.{last}"),
                1 => format!("{initial}{last}"),
                2 => format!("{first}{last}{number}"),
                3 => format!("{last}.{first}{number}"),
                _ => format!(
                    "{}{number}",
                    ["sol", "luna", "rocky", "boca", "river", "mar"][number % 6]
                ),
            };
            // Gmail ignores dots.
            if self.locals.insert(format!("{local}@{domain}").replace('.', "")) {
                return format!("{local}@{domain}");
            }
        }
    }

    /// The record as the person wrote it.
    fn texts(&mut self, person: &Person) -> Texts {
        Texts {
            name: person.name(),
            email: person.email.clone().unwrap_or_default(),
            phone: self.write_number(&person.number),
        }
    }

    /// A number in one of the notations of Argentina.
    fn write_number(&mut self, number: &str) -> String {
        let (start, end) = number.split_at(4);
        match self.random.random_range(0..6) {
            0 => format!("+54 9 11 {start}-{end}"),
            1 => format!("+54 11 {start}-{end}"),
            2 => format!("011 15 {start}-{end}"),
            3 => format!("(011) {start}-{end}"),
            4 => format!("54911{number}"),
            _ => format!("11 {start} {end}"),
        }
    }

    /// Another record of the person, as somebody else has written it later.
    fn copy(&mut self, person: &Person, is_shared: bool) -> Texts {
        let name = match self.random.random_range(0..100) {
            0..55 => person.name(),
            55..63 => self.mistype(&person.name()),
            63..71 => format!("{}, {}", person.last, person.first),
            71..76 => format!("{}. {}", person.first.chars().next().unwrap_or('X'), person.last),
            76..84 => format!("{} {}", person.first, person.last),
            84..92 => plain_words(&person.name()),
            // On a shared phone nobody could tell who this is.
            _ if is_shared => person.name(),
            92..97 => person.first.clone(),
            _ => String::new(),
        };
        let phone = match self.random.random_range(0..100) {
            0..75 => self.write_number(&person.number),
            75..87 => {
                let moved = self.new_number();
                self.write_number(&moved)
            }
            87..90 => {
                let mistyped = self.mistype_digit(&person.number);
                self.write_number(&mistyped)
            }
            _ => String::new(),
        };
        let email = match (&person.email, self.random.random_range(0..100)) {
            (Some(email), 0..60) => email.clone(),
            (Some(email), 60..65) => email.to_uppercase(),
            (Some(email), 65..70) => email.replacen('@', "+news@", 1),
            (Some(email), 70..76) => self.mistype_email(email),
            (_, 76..86) => self.new_email(&person.first, &person.last),
            _ => String::new(),
        };
        Texts { name, email, phone }
    }

    /// The text with one typing error.
    fn mistype(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let at = self.random.random_range(0..letters.len() - 1);
        match self.random.random_range(0..3) {
            0 => {
                letters.remove(at);
            }
            1 => letters.swap(at, at + 1),
            _ => letters[at] = char::from(self.random.random_range(b'a'..=b'z')),
        }
        letters.into_iter().collect()
    }

    /// The email with one typing error that makes no email of another person.
    fn mistype_email(&mut self, email: &str) -> String {
        loop {
            let mistyped = self.mistype(email);
            if self.locals.insert(mistyped.replace('.', "")) {
                return mistyped;
            }
        }
    }

    fn mistype_digit(&mut self, number: &str) -> String {
        let mut digits: Vec<u8> = number.bytes().map(|digit| digit - b'0').collect();
        let at = self.random.random_range(1..digits.len());
        digits[at] = (digits[at] + self.random.random_range(1..10)) % 10;
        digits.iter().map(u8::to_string).collect()
    }
}

impl Person {
    fn name(&self) -> String {
        let words = [Some(&self.first), Some(&self.last), self.second_last.as_ref()];
        let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        words.join(" ")
    }
}

/// The text in lower case without accents.
fn plain_words(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text).to_lowercase();
    decomposed
        .chars()
        .filter(|letter| !('\u{300}'..='\u{36f}').contains(letter))
        .collect()
}

/// The letters and digits of the text in lower case without accents.
fn plain(text: &str) -> String {
    plain_words(text).chars().filter(char::is_ascii_alphanumeric).collect()
}
