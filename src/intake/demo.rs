//! Made-up contacts for the demo: seeded, so that everybody sees the same people.
//!
//! Domains are those that are reserved for examples (RFC 2606), but for the two that the APIs' vendors show.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::{ContactDraft, Given, Refusal};
use crate::domain::phone::{Region, StoredPhone};
use crate::store::import::{self, Staging};
use crate::store::{PgConnection, StoreError, clients};

/// How many contacts the demo has.
pub const CONTACTS: usize = 10_000;

const SEED: u64 = 20_240_930;

const FIRST_NAMES: [&str; 24] = [
    "Ana",
    "Sofía",
    "María",
    "Valentina",
    "Camila",
    "Lucía",
    "Julia",
    "Emma",
    "Juan",
    "José",
    "Mateo",
    "Santiago",
    "Benjamín",
    "Lucas",
    "Pedro",
    "John",
    "Carlos",
    "Diego",
    "Laura",
    "Paula",
    "João",
    "Beatriz",
    "Andrés",
    "Zoe",
];

const LAST_NAMES: [&str; 24] = [
    "González",
    "Rodríguez",
    "López",
    "Pérez",
    "Fernández",
    "García",
    "Martínez",
    "Silva",
    "Santos",
    "Rojas",
    "Díaz",
    "Muñoz",
    "Hernández",
    "Ramírez",
    "Torres",
    "Castro",
    "Souza",
    "Oliveira",
    "Vargas",
    "Núñez",
    "Smith",
    "Quiroga",
    "Ibáñez",
    "Zapata",
];

/// A mobile number's beginning, how many digits follow it, and the weight of its country in hundredths.
const MOBILES: [(&str, usize, u32); 5] = [
    ("+549113", 7, 45),
    ("+569", 8, 20),
    ("+5255", 8, 15),
    ("+55119", 8, 12),
    ("+57300", 7, 8),
];

/// Channels by weight in hundredths, and whether the channel has ids of its own.
const PLATFORMS: [(&str, bool, u32); 7] = [
    ("whatsapp", false, 50),
    ("web-whatsapp", false, 8),
    ("webchat", true, 12),
    ("instagram", true, 12),
    ("messenger", true, 8),
    ("sms", false, 8),
    ("playground", true, 2),
];

const LISTS: [(&str, u32); 4] = [
    (DEFAULT_LIST, 60),
    ("Newsletter", 20),
    ("Clientes 2025", 15),
    ("VIP", 5),
];
const STATUSES: [(&str, u32); 3] = [("UNATTENDED", 30), ("ATTENDED", 40), ("CLOSED", 30)];
const SOURCES: [(&str, u32); 5] = [
    ("organic", 30),
    ("csv_import", 30),
    ("whatsapp_sync", 25),
    ("instagram_sync", 10),
    ("manual", 5),
];
const DOMAINS: [(&str, u32); 4] = [("example.com", 45), ("example.org", 25), ("example.net", 15), ("", 15)];

/// Why the demo was not filled in; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a made-up contact is none")]
    Refused(#[from] Refusal),
}

/// Fills in the demo's contacts where the client has none; where it has, moves the contact whose session
/// window is open forward to now, so that the documented example can be seen on any day.
pub fn fill(connection: &mut PgConnection, client: ClientId) -> Result<(), DemoError> {
    let is_filled = clients::has_contacts(connection, client)?;
    import::import(connection, client, |staging| {
        push_examples(staging)?;
        if !is_filled {
            push_made_up(staging)?;
        }
        Ok::<_, DemoError>(())
    })?;
    Ok(())
}

/// The two people whom the vendors' documentation shows.
fn push_examples(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let phone = |number| Some(StoredPhone::read(number, Region::DEFAULT));
    let juan = Given {
        name: text("Juan Perez"),
        phone: phone("+5492235961983"),
        email: text("juan@ejemplo.com"),
        platform: text("whatsapp"),
        source: text("organic"),
        chat_status: text("UNATTENDED"),
        created_at: time("2025-01-15T10:30:00Z"),
        last_inbound_at: Some(now - TimeDelta::minutes(5)),
        ..Given::default()
    };
    let john = Given {
        name: text("John Doe"),
        phone: phone("+56912345678"),
        email: text("john@example.com"),
        platform: text("whatsapp"),
        source: text("organic"),
        chat_status: text("ATTENDED"),
        created_at: time("2024-01-15T10:00:00Z"),
        last_message_at: time("2024-09-30T10:00:00Z"),
        ..Given::default()
    };
    for given in [juan, john] {
        staging.push(ContactDraft::new(given, now)?)?;
    }
    Ok(())
}

fn push_made_up(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for number in 2..CONTACTS {
        staging.push(ContactDraft::new(make_up(&mut random, number, now), now)?)?;
    }
    Ok(())
}

/// The contact of that number, which sees to it that no two are the same.
fn make_up(random: &mut ChaCha8Rng, number: usize, now: DateTime<Utc>) -> Given {
    let (platform, has_ids, _) = pick(random, &PLATFORMS, |choice| choice.2);
    let first = FIRST_NAMES[random.random_range(0..FIRST_NAMES.len())];
    let last = LAST_NAMES[random.random_range(0..LAST_NAMES.len())];
    let (domain, _) = pick(random, &DOMAINS, |choice| choice.1);
    let (first_ascii, last_ascii) = (ascii(first), ascii(last));
    let domain = if domain.is_empty() {
        format!("{last_ascii}.example")
    } else {
        domain.to_owned()
    };
    let (start, length, _) = pick(random, &MOBILES, |choice| choice.2);
    // 7919 is a prime, so that multiples of it leave each remainder of a power of ten once.
    let digits = (number * 7_919) % 10_usize.pow(u32::try_from(length).unwrap_or(7));
    let phone = format!("{start}{digits:0length$}");

    // A channel without ids of its own knows its contacts by their phone.
    let has_phone = !has_ids || random.random_ratio(1, 2);
    let has_email = random.random_ratio(4, 5);
    let created_at = now - TimeDelta::minutes(random.random_range(600_000..1_500_000));
    let last_message_at = random.random_ratio(95, 100).then(|| {
        // Squared, so that recent days have more messages than those long ago.
        let age = random.random_range(0.0_f64..1.0).powi(2) * 550_000.0;
        now - TimeDelta::seconds(600 + (age * 60.0) as i64)
    });
    let last_inbound_at = last_message_at
        .filter(|_| random.random_ratio(3, 5))
        .map(|at| (at - TimeDelta::minutes(random.random_range(0..3_000))).max(created_at));
    Given {
        name: random.random_ratio(97, 100).then(|| format!("{first} {last}")),
        phone: has_phone.then(|| StoredPhone::read(&phone, Region::DEFAULT)),
        email: has_email.then(|| format!("{first_ascii}.{last_ascii}{number}@{domain}")),
        platform: text(platform),
        source: text(pick(random, &SOURCES, |choice| choice.1).0),
        chat_status: text(pick(random, &STATUSES, |choice| choice.1).0),
        blocked: Some(random.random_ratio(2, 100)),
        is_chat_read: Some(random.random_ratio(7, 10)),
        created_at: Some(created_at),
        last_message_at,
        last_inbound_at,
        contact_list: text(pick(random, &LISTS, |choice| choice.1).0),
        external_user_id: has_ids.then(|| format!("{platform}-{number}")),
    }
}

/// One of the choices, by their weights.
fn pick<T: Copy>(random: &mut ChaCha8Rng, choices: &[T], weight: impl Fn(&T) -> u32) -> T {
    let total = choices.iter().map(&weight).sum();
    let mut left = random.random_range(0..total);
    for choice in choices {
        match left.checked_sub(weight(choice)) {
            Some(rest) => left = rest,
            None => return *choice,
        }
    }
    choices[0]
}

/// A name as people write it in an email.
fn ascii(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|letter| match letter {
            'á' | 'ã' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' => 'u',
            'ñ' => 'n',
            other => other,
        })
        .collect()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn made_up_contacts_are_valid_varied_and_no_two_the_same() {
        let now = Utc::now();
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let all: Vec<Given> = (2..CONTACTS).map(|number| make_up(&mut random, number, now)).collect();
        let mut phones = HashSet::new();
        for given in &all {
            ContactDraft::new(given.clone(), now).expect("a contact");
            if let Some(phone) = &given.phone {
                assert!(phone.resolved, "{phone:?}");
                assert!(phones.insert(phone.phone.clone()), "{phone:?} twice");
            }
            assert!(given.last_inbound_at <= given.last_message_at);
        }
        let share = |holds: fn(&Given) -> bool| all.iter().filter(|given| holds(given)).count() * 100 / all.len();
        assert!((1..=4).contains(&share(|given| given.blocked == Some(true))));
        assert!((15..=25).contains(&share(|given| given.email.is_none())));
        assert!((10..=25).contains(&share(|given| given.phone.is_none())));
        assert!((3..=7).contains(&share(|given| given.last_message_at.is_none())));
        assert!((40..=60).contains(&share(|given| given.platform.as_deref() == Some("whatsapp"))));
    }
}
