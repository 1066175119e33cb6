//! Made-up records of people with phones: households and receptions that share a number, numbers with and without the
//! mobile 9 of Argentina or the 15, typing errors, and people who change their phone or email.

use std::collections::{HashMap, HashSet};

use contact_search::domain::duplicates::Record;
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
}

struct Maker {
    random: ChaCha8Rng,
    people: People,
    numbers: u64,
    locals: HashSet<String>,
    sharing: Option<Sharing>,
    /// The people of each phone, and of each email.
    owners: HashMap<String, Vec<u32>>,
}

/// Makes the records of `persons` people. Equal seeds give equal records.
pub fn make(persons: u32, seed: u64) -> Labelled {
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        people: People::new(seed),
        numbers: 0,
        locals: HashSet::new(),
        sharing: None,
        owners: HashMap::new(),
    };
    let mut labelled = Labelled::default();
    let mut people = Vec::new();
    for number in 0..persons {
        let person = maker.person(number);
        let copies = match maker.random.random_range(0..100) {
            0..65 => 0,
            65..90 => 1,
            _ => 2,
        };
        people.push(Owned {
            number: person.number.clone(),
            first_record: labelled.records.len(),
        });
        for identity in [Some(&person.number), person.email.as_ref()].into_iter().flatten() {
            maker.owners.entry(identity.clone()).or_default().push(number);
        }
        labelled.push(maker.texts(&person).record(), number);
        for _ in 0..copies {
            labelled.push(maker.copy(&person).record(), number);
        }
    }
    labelled.undecidable = find_undecidable(&labelled, &people, &maker.owners);
    labelled
}

/// The phone of a person, and the record with the full name.
struct Owned {
    number: String,
    first_record: usize,
}

/// The records that fit another owner of the person's phone or of the record's email as well: all words of the name are
/// words or initials of the other owner's full name. A record without a name fits everybody.
fn find_undecidable(labelled: &Labelled, people: &[Owned], owners: &HashMap<String, Vec<u32>>) -> HashSet<usize> {
    let fits = |record: &Record, person: u32| {
        let full = &labelled.records[people[person as usize].first_record];
        let fits_word = |word: &str| {
            let is_initial = word.chars().count() == 1;
            full.words()
                .any(|other| other == word || is_initial && other.starts_with(word))
        };
        record.words().all(fits_word)
    };
    let records = labelled.records.iter().zip(&labelled.persons).enumerate();
    let undecidable = records.filter(|(_, (record, person))| {
        let identities = [people[**person as usize].number.as_str(), record.email()];
        let mut others = identities.iter().filter_map(|identity| owners.get(*identity)).flatten();
        others.any(|other| other != *person && fits(record, *other))
    });
    undecidable.map(|(place, _)| place).collect()
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
        let (first, mut last) = self.people.next().expect("people without end");
        let phone = match &mut self.sharing {
            None => self.new_number(),
            Some(sharing) => {
                sharing.left -= 1;
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
            number: phone,
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
    fn copy(&mut self, person: &Person) -> Texts {
        let name = match self.random.random_range(0..100) {
            0..55 => person.name(),
            55..63 => self.mistype(&person.name()),
            63..71 => format!("{}, {}", person.last, person.first),
            71..76 => format!("{}. {}", person.first.chars().next().unwrap_or('X'), person.last),
            76..84 => format!("{} {}", person.first, person.last),
            84..92 => plain_words(&person.name()),
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
            (Some(email), 70..76) => self.mistype(email),
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
