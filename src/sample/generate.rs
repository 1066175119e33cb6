//! Generates contacts by the million, for tests and measurements: one large client, and optionally many small ones
//! whose contacts share its indexes.
//!
//! Everything comes from a seed: equal seeds generate equal contacts, including their ids (UUIDs) and times. Emails,
//! names and phones are distributed as in CRMs of Latin America, so that searches meet terms of every frequency:
//! `gmail` is in a third of the contacts, `john` in 2 %, `ximena` in 0.1 %, `maria.lopez` in fewer.
//!
//! Names have a random stream of their own, so that a change of the names changes neither phones nor times.

use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::names::{Names, by_rank};
use super::random::{ascii, pick};
use super::vocabulary::{FIRST_NAMES, LAST_NAMES, SPECIAL_NAMES};
use crate::domain::contact::{ContactDraft, ContactError, ContactFields};
use crate::domain::phone::{Region, StoredPhone};
use crate::store::bulk_load::{self, BulkLoad, EmptyClient};
use crate::store::{PgConnection, StoreError};

/// The most contacts of one client, limited by the numbers available per country.
pub const CONTACTS_MAX: u64 = 50_000_000;

/// The usual time span of the last messages.
pub const YEARS: u32 = 2;

/// A small client has `SMALL_SHARE` contacts for every [`LARGE_SHARE`] of the large one.
const SMALL_SHARE: u64 = 3;
const LARGE_SHARE: u64 = 5_000;

/// The interval between calls of `progress`, in contacts.
const PROGRESS_EVERY: u64 = 1_000;

/// The milliseconds since 1970 in the UUID of the first contact. A constant, so that equal seeds generate equal UUIDs.
const FIRST_ID_AT: u64 = 1_751_284_800_000;

/// Mailbox providers, each with its share of all emails in percent. The empty name stands for all [`COMPANIES`].
const PROVIDERS: [(&str, u32); 5] = [
    ("gmail.com", 45),
    ("hotmail.com", 15),
    ("outlook.com", 10),
    ("yahoo.com", 8),
    ("", 22),
];

/// The number of companies with their own domain.
const COMPANIES: u32 = 50_000;

/// A country's mobile numbers: their prefixes, each followed by [`DIGITS`] digits, and the weight of the country in
/// percent.
const MOBILES: [(&[&str], u32); 5] = [
    (
        &[
            "+549112", "+549113", "+549114", "+549115", "+549116", "+549117", "+549118",
        ],
        40,
    ),
    (&["+5693", "+5694", "+5695", "+5696", "+5697", "+5698", "+5699"], 20),
    (&["+52552", "+52554", "+52555", "+52558", "+52333", "+52818"], 18),
    (&["+551199", "+551198", "+551197", "+552199", "+553198", "+554199"], 14),
    (&["+57300", "+57301", "+57310", "+57311", "+57312", "+57320"], 8),
];

/// The number of digits after a prefix.
const DIGITS: usize = 7;
const NUMBERS: u64 = 10_u64.pow(DIGITS as u32);

/// A prime: its multiples go through a country's numbers in an apparently random order, without repeats.
const STRIDE: u64 = 6_700_417;

/// Seconds.
const YEAR: f64 = 31_536_000.0;

/// Platforms by weight in percent, for contacts with and without a phone.
const PHONE_PLATFORMS: [(&str, u32); 4] = [("whatsapp", 75), ("web-whatsapp", 10), ("sms", 10), ("webchat", 5)];
const OTHER_PLATFORMS: [(&str, u32); 3] = [("instagram", 45), ("messenger", 30), ("webchat", 25)];

const STATUSES: [(&str, u32); 3] = [("UNATTENDED", 30), ("ATTENDED", 40), ("CLOSED", 30)];
const SOURCES: [(&str, u32); 3] = [("csv_import", 50), ("whatsapp_sync", 30), ("organic", 20)];

/// The clients and contacts to generate.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The name of the large client. The small clients have a number after it.
    pub client: String,
    /// The number of contacts of the large client.
    pub contacts: u64,
    pub small_clients: u64,
    pub seed: u64,
    /// The time span of the last messages in years. Recent days have more of them than older ones.
    pub years: u32,
}

impl Workload {
    /// The number of contacts of each small client.
    pub fn small_contacts(&self) -> u64 {
        (self.contacts * SMALL_SHARE).div_ceil(LARGE_SHARE)
    }

    /// The number of contacts of all clients.
    pub fn total(&self) -> u64 {
        self.contacts + self.small_clients * self.small_contacts()
    }

    /// The name and the number of contacts of every client.
    fn clients(&self) -> impl Iterator<Item = (String, u64)> {
        let small = (1..=self.small_clients).map(|number| (format!("{} {number}", self.client), self.small_contacts()));
        std::iter::once((self.client.clone(), self.contacts)).chain(small)
    }
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    #[error("the client '{0}' already has contacts: name another one with --client")]
    NotEmpty(String),
    #[error("a generated contact is invalid")]
    InvalidContact(#[from] ContactError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates missing clients and fills all of them, or writes nothing. Calls `progress` with the number of contacts so
/// far.
///
/// # Errors
/// [`GenerateError::NotEmpty`] if one of the clients has contacts.
pub fn generate(
    connection: &mut PgConnection,
    workload: &Workload,
    progress: &mut dyn FnMut(u64),
) -> Result<(), GenerateError> {
    bulk_load::load_contacts(connection, |load| {
        let mut made = 0;
        for (stream, (name, count)) in (0..).zip(workload.clients()) {
            let Some(client) = load.empty_client(&name)? else {
                return Err(GenerateError::NotEmpty(name));
            };
            let people = People::new(workload.seed, stream, workload.years, load.now());
            fill_client(load, client, people, count, &mut || {
                made += 1;
                if made % PROGRESS_EVERY == 0 {
                    progress(made);
                }
            })?;
        }
        progress(made);
        Ok(())
    })
}

fn fill_client(
    load: &mut BulkLoad<'_>,
    client: EmptyClient,
    mut people: People,
    count: u64,
    made_one: &mut dyn FnMut(),
) -> Result<(), GenerateError> {
    let now = load.now();
    for number in 0..count {
        let (id, given) = people.generate_contact(number);
        load.push(client, id, ContactDraft::new(given, now)?)?;
        made_one();
    }
    Ok(())
}

/// A progress bar for `total` contacts on standard error. It is drawn only on a terminal.
pub fn bar(total: u64) -> impl FnMut(u64) {
    let bar = ProgressBar::new(total);
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {percent:>3} % {human_pos} of {human_len}, {eta} left {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    move |made| {
        bar.set_position(made);
        if made == total {
            bar.set_message("(finishing)");
        }
    }
}

/// Generates the contacts of one client.
struct People {
    random: ChaCha8Rng,
    first_names: Vec<(&'static str, u32)>,
    last_names: Vec<(&'static str, u32)>,
    names: Names,
    /// The time of the latest message. In a running system that is now.
    latest: DateTime<Utc>,
    /// The offset of the client's first number within every country's numbers.
    first_phone: u64,
    /// The greatest age of a last message, in seconds.
    oldest: f64,
}

impl People {
    /// Every client has its own random stream of the seed, so that its contacts do not depend on the size of other
    /// clients.
    fn new(seed: u64, stream: u64, years: u32, latest: DateTime<Utc>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self {
            first_phone: random.random_range(0..NUMBERS),
            random,
            first_names: by_rank(FIRST_NAMES),
            last_names: by_rank(LAST_NAMES),
            names: Names::new(seed, stream),
            latest,
            oldest: f64::from(years) * YEAR,
        }
    }

    /// Generates the contact with this number. The number makes each contact unique.
    fn generate_contact(&mut self, number: u64) -> (Uuid, ContactFields) {
        let first = self.first_name();
        let last = pick(&mut self.random, &self.last_names, |name| name.1).0;
        let person = self.names.person(first, last);
        let has_phone = self.has_percent_chance(95);
        let platforms: &[_] = if has_phone { &PHONE_PLATFORMS } else { &OTHER_PLATFORMS };
        let platform = pick(&mut self.random, platforms, |choice| choice.1).0;
        // In seconds. Squared, so that recent days have more messages than older ones.
        let age = self.random.random_range(0.0_f64..1.0).powi(2) * self.oldest;
        let last_message_at = self.latest - TimeDelta::microseconds((age * 1e6) as i64);
        let created_at = last_message_at - TimeDelta::seconds(self.random.random_range(0..100_000_000));
        let has_message = self.has_percent_chance(98);
        let has_inbound = has_message && self.has_percent_chance(60);
        let last_inbound_at = last_message_at - TimeDelta::seconds(self.random.random_range(0..200_000));
        let given = ContactFields {
            name: self.has_percent_chance(97).then_some(person.shown),
            phone: has_phone.then(|| StoredPhone::read(&self.phone(number), Region::DEFAULT, platform)),
            email: self
                .has_percent_chance(80)
                .then(|| self.email(&person.first, &person.last)),
            platform: Some(platform.to_owned()),
            source: Some(pick(&mut self.random, &SOURCES, |choice| choice.1).0.to_owned()),
            chat_status: Some(pick(&mut self.random, &STATUSES, |choice| choice.1).0.to_owned()),
            blocked: Some(self.has_percent_chance(2)),
            is_chat_read: Some(self.has_percent_chance(70)),
            created_at: Some(created_at),
            last_message_at: has_message.then_some(last_message_at),
            last_inbound_at: has_inbound.then(|| last_inbound_at.max(created_at)),
            contact_list: None,
            default_stage_id: None,
            ai_customer_id: None,
            // A contact with neither phone nor email needs another identity.
            external_user_id: (!has_phone || platform == "webchat").then(|| format!("{platform}-{number}")),
        };
        (self.id(number), given)
    }

    fn has_percent_chance(&mut self, percent: u32) -> bool {
        self.random.random_ratio(percent, 100)
    }

    fn first_name(&mut self) -> &'static str {
        let mut left = self.random.random_range(0..10_000);
        for (name, share) in SPECIAL_NAMES {
            match u32::checked_sub(left, share) {
                Some(rest) => left = rest,
                None => return name,
            }
        }
        pick(&mut self.random, &self.first_names, |name| name.1).0
    }

    fn phone(&mut self, number: u64) -> String {
        let (starts, _) = pick(&mut self.random, &MOBILES, |choice| choice.1);
        let at = (self.first_phone + number * STRIDE) % (starts.len() as u64 * NUMBERS);
        let start = starts[(at / NUMBERS) as usize];
        format!("{start}{:0DIGITS$}", at % NUMBERS)
    }

    fn email(&mut self, first: &str, last: &str) -> String {
        let (first, last) = (ascii(first), ascii(last));
        let mut address = match self.random.random_range(0..10) {
            0..5 => format!("{first}.{last}"),
            5..7 => format!("{first}{last}"),
            7 => format!("{first}_{last}"),
            8 => first,
            _ => format!("{}{last}", &first[..1]),
        };
        if self.random.random() {
            address += &self.random.random_range(1..2_000).to_string();
        }
        match pick(&mut self.random, &PROVIDERS, |choice| choice.1).0 {
            "" => address + "@" + &self.company(),
            provider => address + "@" + provider,
        }
    }

    /// A company's domain: `perez.com`, `perez7.com`.
    fn company(&mut self) -> String {
        let company = self.random.random_range(0..COMPANIES) as usize;
        let owner = ascii(self.last_names[company % self.last_names.len()].0);
        match company / self.last_names.len() {
            0 => format!("{owner}.com"),
            number => format!("{owner}{number}.com"),
        }
    }

    /// A UUID of version 7, one millisecond after the previous contact's, so that ids ascend as for real contacts.
    fn id(&mut self, number: u64) -> Uuid {
        uuid::Builder::from_unix_timestamp_millis(FIRST_ID_AT + number, &self.random.random()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contact::DEFAULT_PLATFORM;
    use std::collections::HashSet;

    fn latest() -> DateTime<Utc> {
        "2025-06-30T12:00:00Z".parse().unwrap()
    }

    fn people(stream: u64, count: u64) -> Vec<(Uuid, ContactFields)> {
        let mut people = People::new(7, stream, 2, latest());
        (0..count).map(|number| people.generate_contact(number)).collect()
    }

    #[test]
    fn every_country_has_enough_numbers_and_all_are_valid() {
        for (starts, _) in MOBILES {
            assert!(starts.len() as u64 * NUMBERS >= CONTACTS_MAX && !STRIDE.is_multiple_of(starts.len() as u64));
            for start in starts {
                for tail in (0..NUMBERS).step_by(9_973) {
                    let number = format!("{start}{tail:0DIGITS$}");
                    let phone = StoredPhone::read(&number, Region::DEFAULT, DEFAULT_PLATFORM);
                    assert_eq!((phone.resolved, phone.phone), (true, Some(number)));
                }
            }
        }
    }

    #[test]
    fn shares_are_as_in_a_crm() {
        const COUNT: u64 = 40_000;
        let all = people(0, COUNT);
        let per_mille = |holds: &dyn Fn(&ContactFields) -> bool| {
            all.iter().filter(|(_, given)| holds(given)).count() as u64 * 1000 / COUNT
        };
        let email_has =
            |term: &'static str| per_mille(&|given| given.email.as_ref().is_some_and(|email| email.contains(term)));
        let phone_starts = |start: &'static str| {
            per_mille(&|given| {
                given
                    .phone
                    .as_ref()
                    .is_some_and(|phone| phone.as_given.starts_with(start))
            })
        };
        for (what, share, expected) in [
            ("no email", per_mille(&|given| given.email.is_none()), 190..211),
            ("no phone", per_mille(&|given| given.phone.is_none()), 45..56),
            (
                "no message",
                per_mille(&|given| given.last_message_at.is_none()),
                17..24,
            ),
            ("john", email_has("john"), 18..23),
            ("ximena", email_has("ximena"), 0..3),
            ("maria.lopez", email_has("maria.lopez"), 0..2),
            ("gmail", email_has("@gmail.com"), 345..376),
            ("hotmail", email_has("@hotmail.com"), 110..131),
            ("outlook", email_has("@outlook.com"), 70..91),
            ("yahoo", email_has("@yahoo.com"), 55..75),
            ("Argentina", phone_starts("+549"), 360..400),
            ("Chile", phone_starts("+569"), 175..206),
            ("Mexico", phone_starts("+52"), 155..187),
            ("Brazil", phone_starts("+55"), 120..147),
            ("Colombia", phone_starts("+57"), 65..88),
        ] {
            assert!(expected.contains(&share), "{what}: {share}");
        }
        let has_number = |given: &ContactFields| {
            let email = given.email.as_deref().and_then(|email| email.split('@').next());
            email.is_some_and(|name| name.ends_with(|c: char| c.is_ascii_digit()))
        };
        assert!((380..421).contains(&per_mille(&has_number)));
        assert!(email_has("maria.lopez") < email_has("john"));
        assert!(
            all.iter()
                .any(|(_, given)| given.email.as_ref().is_some_and(|email| email.contains("maria.lopez")))
        );
        assert!(
            all.iter()
                .all(|(_, given)| given.last_inbound_at <= given.last_message_at)
        );
        let emails = all.iter().filter_map(|(_, given)| given.email.as_ref());
        assert!(
            emails
                .clone()
                .all(|email| email.is_ascii() && !email.contains(char::is_uppercase))
        );
        let domains: HashSet<&str> = emails.filter_map(|email| email.split('@').nth(1)).collect();
        assert!(domains.len() > 5_000, "{}", domains.len());
    }

    #[test]
    fn last_messages_spread_over_the_given_years_most_of_them_recent() {
        const DAY: i64 = 86_400;
        for years in [2, 10] {
            let mut people = People::new(7, 0, years, latest());
            let ages: Vec<i64> = (0..10_000)
                .filter_map(|number| people.generate_contact(number).1.last_message_at)
                .map(|at| (latest() - at).num_seconds() / DAY)
                .collect();
            let span = i64::from(years) * 365;
            assert!(ages.iter().all(|age| (0..span).contains(age)));
            let older_than = |days| ages.iter().filter(|age| **age >= days).count() * 100 / ages.len();
            // Half of the contacts are in the last quarter of the time, and a tenth in the first fifth.
            assert!((46..54).contains(&older_than(span / 4)), "{}", older_than(span / 4));
            assert!(
                (8..13).contains(&older_than(span * 4 / 5)),
                "{}",
                older_than(span * 4 / 5)
            );
        }
    }

    #[test]
    fn an_email_has_the_names_of_its_person() {
        let all = people(0, 20_000);
        let with_both = all
            .iter()
            .filter_map(|(_, given)| Some((given.name.as_ref()?, given.email.as_ref()?)));
        let (mut count, mut of_name) = (0, 0);
        for (name, email) in with_both {
            count += 1;
            let local = email.split('@').next().unwrap_or_default();
            let mut words = name.split_whitespace().map(ascii).filter(|word| word.len() > 1);
            of_name += usize::from(words.any(|word| local.contains(&word)));
        }
        // The others are contacts with an initial, with the name of a business, or in another script.
        assert!(of_name * 100 > count * 90, "{of_name} of {count}");
    }

    #[test]
    fn contacts_are_unique_within_a_client_and_across_streams() {
        let all = people(0, 60_000);
        let ids: HashSet<Uuid> = all.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), all.len());
        assert!(all.is_sorted_by_key(|(id, _)| *id));
        let phones: Vec<&String> = all
            .iter()
            .filter_map(|(_, given)| Some(&given.phone.as_ref()?.as_given))
            .collect();
        assert_eq!(phones.iter().collect::<HashSet<_>>().len(), phones.len());
        assert!(people(1, 100).iter().all(|(id, _)| !ids.contains(id)));
        let of = |people: &[(Uuid, ContactFields)]| format!("{people:?}");
        assert_eq!(of(&people(0, 100)), of(&all[..100]));
    }
}
