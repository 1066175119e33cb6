//! The requests: lookups, and searches by classes of terms. Terms that must match stored values come from the client's
//! own contacts. A seed determines all requests.

use std::collections::HashMap;

use anyhow::ensure;
use contact_search::domain::client::ClientId;
use contact_search::store::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::client::{Expected, Request};

const SEED: u64 = 1;

/// Terms per class, for classes whose terms come from the data.
const TERMS: usize = 20;

/// The number of phones to look up.
pub const LOOKUPS: usize = 100;

/// A client with at least this many contacts surely has a match for a term that 2 % of all contacts
/// match.
const MANY: u64 = 1_000;

/// The most frequent email domains.
const PROVIDERS: [&str; 4] = ["gmail.com", "hotmail.com", "outlook.com", "yahoo.com"];

/// Terms that no generated contact has.
const NOWHERE: [&str; 4] = [
    "nobody@nowhere.invalid",
    "maria.lopez@nowhere",
    "xqzwkvj",
    "gmail.com.nowhere",
];

/// Prefix of numbers in a country that no made-up contact is from. Seven digits follow it.
const ELSEWHERE: &str = "+3461";

pub fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(SEED)
}

/// The columns of a contact that requests are made from.
#[derive(Clone, Debug, QueryableByName)]
pub struct Person {
    #[diesel(sql_type = BigInt)]
    serial_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Text)]
    pub platform: String,
}

impl Person {
    /// The phone without its `+`.
    pub fn digits(&self) -> Option<&str> {
        self.phone.as_deref().map(|phone| phone.trim_start_matches('+'))
    }
}

/// Random contacts of the client, with possible repeats.
pub fn pick_people(connection: &mut PgConnection, client: ClientId, count: usize) -> anyhow::Result<Vec<Person>> {
    #[derive(QueryableByName)]
    struct Range {
        #[diesel(sql_type = BigInt)]
        first: i64,
        #[diesel(sql_type = BigInt)]
        last: i64,
    }
    let range: Range =
        diesel::sql_query("SELECT min(serial_id) AS first, max(serial_id) AS last FROM contacts WHERE client_id = $1")
            .bind::<Uuid, _>(client.as_uuid())
            .get_result(connection)?;
    let mut random = random();
    let wanted: Vec<i64> = (0..count)
        .map(|_| random.random_range(range.first..=range.last))
        .collect();
    let people: Vec<Person> = diesel::sql_query(
        "SELECT serial_id, phone, phone_key, name, email, platform FROM contacts WHERE client_id = $1 AND serial_id = ANY($2)",
    )
    .bind::<Uuid, _>(client.as_uuid())
    .bind::<Array<BigInt>, _>(&wanted)
    .load(connection)?;
    let people: HashMap<i64, Person> = people.into_iter().map(|person| (person.serial_id, person)).collect();
    Ok(wanted.iter().filter_map(|id| people.get(id).cloned()).collect())
}

/// Contacts of the client that have a phone and whose last message is in an earlier period than today's. The gram index
/// has separate entries for each period.
pub fn pick_silent(connection: &mut PgConnection, client: ClientId, count: usize) -> anyhow::Result<Vec<Person>> {
    let people = diesel::sql_query(
        "SELECT serial_id, phone, phone_key, name, email, platform FROM contacts
         WHERE client_id = $1 AND phone IS NOT NULL AND last_message_at < now() - interval '25 days'
         ORDER BY hashint8(serial_id) LIMIT $2",
    );
    Ok(people
        .bind::<Uuid, _>(client.as_uuid())
        .bind::<BigInt, _>(i64::try_from(count)?)
        .load(connection)?)
}

/// Builds the requests of one caller about one client.
pub struct Asker<'a> {
    /// The caller's key.
    pub key: &'a str,
    /// The number of the client's contacts.
    pub contacts: u64,
    /// Some of the contacts, with and without phone and email.
    pub people: &'a [Person],
}

/// Requests of one kind, with similar latencies.
pub struct Class {
    pub name: &'static str,
    pub requests: Vec<Request>,
}

impl Asker<'_> {
    fn phones(&self) -> impl Iterator<Item = &str> {
        self.people.iter().filter_map(Person::digits)
    }

    fn emails(&self) -> impl Iterator<Item = &str> {
        self.people.iter().filter_map(|person| person.email.as_deref())
    }

    fn look_up(&self, phone: &str, expected: Expected) -> Request {
        Request::get(self.key, "/api/v1/contact-lookup/", &[("phone", phone)], expected)
    }

    fn search(&self, parameters: &[(&str, &str)], expected: Expected) -> Request {
        Request::get(self.key, "/api/public/contacts/search", parameters, expected)
    }

    /// Lookups of stored numbers, and of unknown ones.
    pub fn lookups(&self) -> anyhow::Result<Vec<Class>> {
        let mut random = random();
        let hits = self.people.iter().filter_map(|person| person.phone.as_deref());
        let hits = hits.take(LOOKUPS).map(|phone| self.look_up(phone, Expected::Found));
        let misses = (0..LOOKUPS).map(|_| {
            let phone = format!("{ELSEWHERE}{:07}", random.random_range(0..10_000_000));
            self.look_up(&phone, Expected::NotFound)
        });
        classes([("lookup, hit", hits.collect()), ("lookup, miss", misses.collect())])
    }

    /// Every class of searches.
    pub fn searches(&self) -> anyhow::Result<Vec<Class>> {
        let common = if self.contacts >= MANY {
            Expected::Some
        } else {
            Expected::Any
        };
        let email = |term: &str, expected| self.search(&[("email", term)], expected);
        let phone = |term: &str, expected| self.search(&[("phone", term)], expected);
        let domain = |email: &str| email.find('@').map_or(String::new(), |at| email[at..].to_owned());
        let is_company = |email: &&str| {
            !PROVIDERS
                .iter()
                .any(|provider| email.ends_with(&format!("@{provider}")))
        };
        // The last digits of a number.
        let end = |digits: &str, count: usize| digits[digits.len().saturating_sub(count)..].to_owned();
        classes([
            ("selective", vec![email("maria.lopez", Expected::Any)]),
            ("rare-name", vec![email("ximena", Expected::Any)]),
            ("frequent", vec![email("john", common)]),
            ("provider", vec![email("gmail", common)]),
            ("one-char", vec![email("@", Expected::Some)]),
            ("two-chars, jo", vec![email("jo", common)]),
            ("two-chars, zq", vec![email("zq", Expected::Any)]),
            (
                "domain",
                // A small client may have no email with a company's domain.
                self.emails()
                    .filter(is_company)
                    .chain(self.emails())
                    .take(TERMS)
                    .map(|address| email(&domain(address), Expected::Some))
                    .collect(),
            ),
            (
                "full-email",
                self.emails()
                    .take(TERMS)
                    .map(|address| email(address, Expected::Some))
                    .collect(),
            ),
            (
                "no-hit",
                NOWHERE.iter().map(|term| email(term, Expected::None)).collect(),
            ),
            (
                "phone-full",
                self.phones()
                    .take(TERMS)
                    .map(|digits| phone(&format!("+{digits}"), Expected::Some))
                    .collect(),
            ),
            (
                "phone-8",
                self.phones()
                    .take(TERMS)
                    .map(|digits| phone(&end(digits, 8), Expected::Some))
                    .collect(),
            ),
            (
                "phone-4",
                self.phones()
                    .take(TERMS)
                    .map(|digits| phone(&end(digits, 4), Expected::Some))
                    .collect(),
            ),
            ("phone-prefix", vec![phone("+569", common)]),
            ("phone-repeat", vec![phone("9999999999", Expected::Any)]),
            (
                "or-both",
                // A rare phone with a frequent email term, and a frequent phone term with a rare email.
                self.phones()
                    .zip(self.emails())
                    .take(TERMS / 2)
                    .flat_map(|(digits, address)| {
                        [
                            self.search(&[("phone", digits), ("email", "john")], Expected::Some),
                            self.search(&[("phone", "+569"), ("email", address)], Expected::Some),
                        ]
                    })
                    .collect(),
            ),
        ])
    }

    /// Searches for random parts, of 1 to 20 characters, of stored phones and emails.
    pub fn pieces(&self, count: usize) -> Vec<Request> {
        let mut random = random();
        let mut piece = |text: &str| {
            let length = random.random_range(1..=20.min(text.len()));
            let start = random.random_range(0..=text.len() - length);
            // The generated values are ASCII.
            text[start..start + length].to_owned()
        };
        let people = self.people.iter().cycle();
        people
            .enumerate()
            .filter_map(|(at, person)| {
                let (name, value) = match at % 2 {
                    0 => ("phone", person.digits()?),
                    _ => ("email", person.email.as_deref()?),
                };
                Some(self.search(&[(name, &piece(value))], Expected::Some))
            })
            .take(count)
            .collect()
    }

    /// Searches for random texts of 1 to 20 characters. One in four consists of digits and is sent as `phone`.
    pub fn texts(&self, count: usize) -> Vec<Request> {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789.@_-%\\+";
        let mut random = random();
        let mut text = |letters: &[u8]| -> String {
            let length = random.random_range(1..=20);
            (0..length)
                .map(|_| char::from(letters[random.random_range(0..letters.len())]))
                .collect()
        };
        (0..count)
            .map(|at| match at % 4 {
                0 => self.search(&[("phone", &text(b"0123456789"))], Expected::Any),
                _ => self.search(&[("email", &text(LETTERS))], Expected::Any),
            })
            .collect()
    }
}

/// # Errors
/// If a class has no request.
pub fn classes<const N: usize>(named: [(&'static str, Vec<Request>); N]) -> anyhow::Result<Vec<Class>> {
    for (name, requests) in &named {
        ensure!(!requests.is_empty(), "no contact fits the class {name}");
    }
    Ok(named.map(|(name, requests)| Class { name, requests }).into())
}
