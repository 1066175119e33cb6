//! The demo: a client to try the APIs on, with a key and made-up contacts. They are seeded, so that everybody sees the same people.
//!
//! Domains are those that are reserved for examples (RFC 2606), but for the two that the APIs' vendors show.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::random::{ascii, pick};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::{ContactDraft, ContactError, ContactFields};
use crate::domain::key::{ApiKey, Format, LabelError, NewKey, Scope};
use crate::domain::phone::{Region, StoredPhone};
use crate::domain::window;
use crate::store::import::{self, Rules, Staging};
use crate::store::{PgConnection, StoreError, clients, keys};

/// How many contacts the demo has.
pub const CONTACTS: usize = 10_000;

/// The documented contact whose session window is open.
const WINDOW_EXAMPLE: &str = "+5492235961983";

/// How long ago its last message came.
const MESSAGE_AGE: TimeDelta = TimeDelta::minutes(5);

const SEED: u64 = 20_240_930;

/// The source of contacts that have none; every one that is made up here has one.
const RULES: Rules = Rules {
    default_source: Some("demo"),
    exact: false,
};

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

/// The name of the demo's client.
pub const CLIENT: &str = "Demo";

/// The file in the data directory that keeps the demo's key, for the next start to show it again.
const KEY_FILE: &str = "demo-key";

/// Why there is no demo; nothing of it was written to the database.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a made-up contact is none")]
    Refused(#[from] ContactError),
    #[error("its key's label is none")]
    Label(#[from] LabelError),
    #[error("the system has no random numbers")]
    Random(#[from] crate::domain::secret::RandomError),
    #[error("{} can't be read or written", .0.display())]
    KeyFile(PathBuf, #[source] io::Error),
}

/// Makes the demo in a database without any client: a client, its contacts, and a key that is kept in `data_dir`.
/// Where it has been made before, moves the contact whose session window is open forward to now, so that the
/// documented example can be seen on any day.
///
/// Gives a key that works, or `None` where the database has other clients and no demo: what is somebody's own is
/// never touched. Several processes may do this at the same time.
pub fn ensure(connection: &mut PgConnection, data_dir: &Path) -> Result<Option<ApiKey>, DemoError> {
    let file = data_dir.join(KEY_FILE);
    let made = clients::make_first(connection, |connection| {
        let client = clients::create_client(connection, CLIENT, Region::DEFAULT)?;
        import::import(connection, client, RULES, push_all)?;
        // Written before the transaction ends, since a key that nobody knows would be a demo that nobody can use.
        add_key(connection, client, &file)
    })?;
    if made.is_some() {
        return Ok(made);
    }
    let Some(key) = read_key(&file)? else {
        return Ok(None);
    };
    let Some(credential) = keys::read_key(connection, &key.hash())?.credential else {
        return Ok(None);
    };
    import::import(connection, credential.client, RULES, push_message_of_now)?;
    let has_all_scopes = Scope::ALL.iter().all(|scope| credential.scopes.contains(scope));
    // Earlier versions made a key that could not write. It still works, with the scopes that it has.
    if credential.ended || !has_all_scopes {
        return add_key(connection, credential.client, &file).map(Some);
    }
    Ok(Some(key))
}

fn add_key(connection: &mut PgConnection, client: ClientId, file: &Path) -> Result<ApiKey, DemoError> {
    let key = ApiKey::generate(Format::Mindo)?;
    let new = NewKey::new("demo", Scope::ALL.to_vec(), None)?;
    keys::add_key(connection, client, &key, &new)?;
    write_private(file, key.reveal()).map_err(|error| DemoError::KeyFile(file.to_owned(), error))?;
    Ok(key)
}

/// The key that is kept, which its owner alone may read from now on; `None` where there is none.
fn read_key(file: &Path) -> Result<Option<ApiKey>, DemoError> {
    let failed = |error| DemoError::KeyFile(file.to_owned(), error);
    match fs::read_to_string(file) {
        Ok(text) => {
            fs::set_permissions(file, Permissions::from_mode(0o600)).map_err(failed)?;
            Ok(ApiKey::parse(&text).ok())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Writes a file that its owner alone may read; whoever reads it meanwhile sees all of it or nothing.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(out, "{text}")?;
    out.sync_all()?;
    fs::rename(draft, file)
}

fn push_all(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    push_examples(staging)?;
    push_made_up(staging)
}

/// What a new message from the documented contact says: nothing but when it came.
fn push_message_of_now(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let message = ContactFields {
        phone: Some(StoredPhone::read(WINDOW_EXAMPLE, Region::DEFAULT)),
        platform: text(window::PLATFORM),
        last_inbound_at: Some(now - MESSAGE_AGE),
        ..ContactFields::default()
    };
    staging.push(ContactDraft::new(message, now)?)?;
    Ok(())
}

/// The two people whom the vendors' documentation shows.
fn push_examples(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let phone = |number| Some(StoredPhone::read(number, Region::DEFAULT));
    let juan = ContactFields {
        name: text("Juan Perez"),
        phone: phone(WINDOW_EXAMPLE),
        email: text("juan@ejemplo.com"),
        platform: text("whatsapp"),
        source: text("organic"),
        chat_status: text("UNATTENDED"),
        created_at: time("2025-01-15T10:30:00Z"),
        last_inbound_at: Some(now - MESSAGE_AGE),
        ..ContactFields::default()
    };
    let john = ContactFields {
        name: text("John Doe"),
        phone: phone("+56912345678"),
        email: text("john@example.com"),
        platform: text("whatsapp"),
        source: text("organic"),
        chat_status: text("ATTENDED"),
        created_at: time("2024-01-15T10:00:00Z"),
        last_message_at: time("2024-09-30T10:00:00Z"),
        ..ContactFields::default()
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
fn make_up(random: &mut ChaCha8Rng, number: usize, now: DateTime<Utc>) -> ContactFields {
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
    ContactFields {
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
        default_stage_id: None,
        ai_customer_id: None,
    }
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
        let all: Vec<ContactFields> = (2..CONTACTS).map(|number| make_up(&mut random, number, now)).collect();
        let mut phones = HashSet::new();
        for given in &all {
            ContactDraft::new(given.clone(), now).expect("a contact");
            if let Some(phone) = &given.phone {
                assert!(phone.resolved, "{phone:?}");
                assert!(phones.insert(phone.phone.clone()), "{phone:?} twice");
            }
            assert!(given.last_inbound_at <= given.last_message_at);
        }
        let share =
            |holds: fn(&ContactFields) -> bool| all.iter().filter(|given| holds(given)).count() * 100 / all.len();
        assert!((1..=4).contains(&share(|given| given.blocked == Some(true))));
        assert!((15..=25).contains(&share(|given| given.email.is_none())));
        assert!((10..=25).contains(&share(|given| given.phone.is_none())));
        assert!((3..=7).contains(&share(|given| given.last_message_at.is_none())));
        assert!((40..=60).contains(&share(|given| given.platform.as_deref() == Some("whatsapp"))));
    }
}
