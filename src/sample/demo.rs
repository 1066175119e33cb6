//! The demo: a client with a key and generated contacts, to try the APIs. The random seed is fixed, so the contacts are
//! the same everywhere.
//!
//! Email domains are reserved for examples (RFC 2606), except for `ejemplo.com`, which is in the documentation of one
//! of the APIs' vendors.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::random::{ascii, pick};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::{ContactDraft, ContactError, ContactFields, DEFAULT_PLATFORM};
use crate::domain::key::{ApiKey, Format, LabelError, NewKey, Scope};
use crate::domain::phone::{Region, StoredPhone};
use crate::domain::window;
use crate::store::import::{self, Rules, Staging};
use crate::store::{PgConnection, StoreError, clients, keys};

/// The number of contacts in the demo.
pub const CONTACTS: usize = 10_000;

/// The documented contact with an open session window.
const WINDOW_EXAMPLE: &str = "+5492235961983";

/// The age of that contact's last message.
const MESSAGE_AGE: TimeDelta = TimeDelta::minutes(5);

const SEED: u64 = 20_240_930;

/// The import rules. Every row that creates the demo has a source. Only the row with a later message of the documented
/// contact has none. If that contact was deleted, this row creates it again, with the default source.
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

/// The prefix of a mobile number, the number of digits after it, and the weight of its country in percent.
const MOBILES: [(&str, usize, u32); 5] = [
    ("+549113", 7, 45),
    ("+569", 8, 20),
    ("+5255", 8, 15),
    ("+55119", 8, 12),
    ("+57300", 7, 8),
];

/// Platforms by weight in percent, and whether the platform has its own contact ids.
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

/// The name of the demo client.
pub const CLIENT: &str = "Demo";

/// The file in the data directory that stores the demo's key. Later starts print the key again.
const KEY_FILE: &str = "demo-key";

/// Why the demo could not be created or updated. If the demo didn't exist, nothing was written to the database.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a generated contact is invalid")]
    InvalidContact(#[from] ContactError),
    #[error("the label of the demo's key is invalid")]
    Label(#[from] LabelError),
    #[error("the operating system has no random numbers")]
    Random(#[from] crate::domain::secret::RandomError),
    #[error("{} can't be read or written", .0.display())]
    KeyFile(PathBuf, #[source] io::Error),
}

/// Creates the demo in a database without clients: a client, its contacts, and a key that is stored
/// in `data_dir`. If the demo exists already, gives the documented contact an inbound message of
/// five minutes ago, so that its session window is open on any day.
///
/// Returns a valid key. Returns `None` if the database has clients and `data_dir` stores no key of theirs, because this
/// function never changes the user's own data. Several processes can call it at the same time.
///
/// # Errors
/// A [`DemoError`] if the database fails, or if the key's file can't be read or written.
pub fn ensure(connection: &mut PgConnection, data_dir: &Path) -> Result<Option<ApiKey>, DemoError> {
    let file = data_dir.join(KEY_FILE);
    let made = clients::create_first(connection, |connection| {
        let client = clients::create_client(connection, CLIENT, Region::DEFAULT)?;
        import::import(connection, client, RULES, push_all)?;
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
    import::import(connection, credential.client, RULES, push_recent_message)?;
    let has_all_scopes = Scope::ALL.iter().all(|scope| credential.scopes.contains(scope));
    // Earlier versions created a key that could not write. It keeps working, with its own scopes.
    if credential.ended || !has_all_scopes {
        return add_key(connection, credential.client, &file).map(Some);
    }
    Ok(Some(key))
}

/// Adds a key and writes its file. The file is written before the commit, so that no key is stored that nobody has.
fn add_key(connection: &mut PgConnection, client: ClientId, file: &Path) -> Result<ApiKey, DemoError> {
    let key = ApiKey::generate(Format::Mindo)?;
    let new = NewKey::new("demo", Scope::ALL.to_vec(), None)?;
    keys::add_shown_key(connection, client, &key, &new, || {
        write_private(file, key.reveal()).map_err(|error| DemoError::KeyFile(file.to_owned(), error))
    })?;
    Ok(key)
}

/// The stored key, or `None` if there is none. Makes the file readable only by its owner.
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

/// Writes a file that only its owner can read. A concurrent reader sees all of it or nothing.
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
    push_generated(staging)
}

/// A new message from the documented contact. It changes only the contact's message times.
fn push_recent_message(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let message = ContactFields {
        phone: Some(StoredPhone::read(WINDOW_EXAMPLE, Region::DEFAULT, DEFAULT_PLATFORM)),
        platform: text(window::PLATFORM),
        last_inbound_at: Some(now - MESSAGE_AGE),
        ..ContactFields::default()
    };
    staging.push(ContactDraft::new(message, now)?)?;
    Ok(())
}

/// The two contacts from the vendors' documentation.
fn push_examples(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let phone = |number| Some(StoredPhone::read(number, Region::DEFAULT, DEFAULT_PLATFORM));
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

fn push_generated(staging: &mut Staging<'_>) -> Result<(), DemoError> {
    let now = staging.now();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for number in 2..CONTACTS {
        staging.push(ContactDraft::new(generate_contact(&mut random, number, now), now)?)?;
    }
    Ok(())
}

/// Generates the contact with this number. The number makes each contact unique.
fn generate_contact(random: &mut ChaCha8Rng, number: usize, now: DateTime<Utc>) -> ContactFields {
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
    // 7919 has no common factor with 10, so no two contacts get the same digits.
    let digits = (number * 7_919) % 10_usize.pow(u32::try_from(length).unwrap_or(7));
    let phone = format!("{start}{digits:0length$}");

    // A platform without its own ids identifies its contacts by phone.
    let has_phone = !has_ids || random.random_ratio(1, 2);
    let has_email = random.random_ratio(4, 5);
    let created_at = now - TimeDelta::minutes(random.random_range(600_000..1_500_000));
    let last_message_at = random.random_ratio(95, 100).then(|| {
        // Squared, so that recent days have more messages than older ones.
        let age = random.random_range(0.0_f64..1.0).powi(2) * 550_000.0;
        now - TimeDelta::seconds(600 + (age * 60.0) as i64)
    });
    let last_inbound_at = last_message_at
        .filter(|_| random.random_ratio(3, 5))
        .map(|at| (at - TimeDelta::minutes(random.random_range(0..3_000))).max(created_at));
    ContactFields {
        name: random.random_ratio(97, 100).then(|| format!("{first} {last}")),
        phone: has_phone.then(|| StoredPhone::read(&phone, Region::DEFAULT, platform)),
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
    fn generated_contacts_are_valid_varied_and_unique() {
        let now = Utc::now();
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let all: Vec<ContactFields> = (2..CONTACTS)
            .map(|number| generate_contact(&mut random, number, now))
            .collect();
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
