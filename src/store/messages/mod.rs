//! Records messages with the contacts they are about.

mod runs;

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use self::runs::runs;
use super::clients::ensure_list;
use super::locks::claim;
use super::schema::contacts;
use super::statement::{Bind, Statement};
use super::{PgConnection, StoreError, attempt, take_turn, transaction};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::message::{Activity, Message, NewContact, Person, Target};

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageOutcome {
    /// It made the contact.
    Created,
    /// It changed the contact.
    Updated,
    /// The contact knew it, or later ones.
    Unchanged,
    /// There is no such contact.
    NotFound,
    /// It is more than five minutes ahead of the database's clock, and was left out.
    Ahead,
}

/// Records messages; what became of each, in their order.
///
/// A message that may give a contact its external id or its phone changes whom the ones after it mean; `messages/runs.rs`
/// says which are recorded together all the same, in one transaction. Together they lock the contacts in the order of
/// their ids, so that batches about the same ones wait for each other; where two wait in a circle all the same, one is
/// recorded anew. What is added is added to the contact as it is then.
///
/// # Errors
/// [`StoreError`], [`StoreError::Late`] where `deadline` passes. The runs before the one that failed are recorded by
/// then; the same messages again record the rest.
pub fn record_messages(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
    deadline: Instant,
) -> Result<Vec<MessageOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(messages.len());
    for run in runs(messages) {
        if Instant::now() > deadline {
            return Err(StoreError::Late);
        }
        outcomes.extend(attempt(connection, |connection| record_run(connection, client, run))?);
    }
    Ok(outcomes)
}

/// Records each of the messages that does no more than to say when somebody known wrote or was written to, all in one
/// transaction, and never waits for a contact that another writer has locked. What became of each, in their order; `None`
/// of those that are to be recorded by themselves.
///
/// # Errors
/// [`StoreError`]; nothing is recorded then.
pub fn record_together(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
) -> Result<Vec<Option<MessageOutcome>>, StoreError> {
    transaction(connection, |connection| {
        let found = find(connection, client, messages)?;
        let before = lock(connection, client, &found, Locked::Skip)?;
        let mut contacts = before.clone();
        let record = |(message, found): (&Message, &Found)| {
            if message.is_ahead(found.now) {
                return Some(MessageOutcome::Ahead);
            }
            let Some(id) = found.contact_id else {
                return message.new_contact.is_none().then_some(MessageOutcome::NotFound);
            };
            let contact = contacts.get_mut(&id).filter(|contact| contact.is_meant(message))?;
            let mut changed = contact.clone();
            changed.add(message, &mut HashSet::new());
            if !changed.is_called_as(contact) {
                return None;
            }
            let outcome = if changed == *contact {
                MessageOutcome::Unchanged
            } else {
                MessageOutcome::Updated
            };
            *contact = changed;
            Some(outcome)
        };
        let outcomes = messages.iter().zip(&found).map(record).collect();
        update(connection, client, &before, &contacts)?;
        Ok(outcomes)
    })
}

/// The most messages that are recorded together: contacts stay locked for as long as it takes, and who writes to one of
/// them waits.
pub const TOGETHER_MAX: usize = 100;

/// From so many messages on a run takes turns with the batches of contacts. Fewer, as a webhook tells of, are never kept
/// waiting by one.
const MANY: usize = 10;

fn record_run(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
) -> Result<Vec<MessageOutcome>, StoreError> {
    if messages.len() >= MANY {
        take_turn(connection, client)?;
    }
    let mut found = find(connection, client, messages)?;
    let mut made = HashSet::new();
    if missing_contacts(messages, &found).next().is_some() {
        let list = ensure_list(connection, client, DEFAULT_LIST)?;
        let lines: Vec<_> = missing_contacts(messages, &found)
            .filter_map(|missing| missing.line())
            .collect();
        claim(connection, client, &lines)?;
        found = find(connection, client, messages)?;
        made = insert(connection, client, list, missing_contacts(messages, &found))?;
        found = find(connection, client, messages)?;
    }
    let before = lock(connection, client, &found, Locked::Wait)?;
    // Between the look and the lock another writer may have made the contact somebody else, or erased it.
    let is_other = |(message, found): (&Message, &Found)| {
        let contact = found.contact_id.map(|id| before.get(&id));
        contact.is_some_and(|contact| contact.is_none_or(|contact| !contact.is_meant(message)))
    };
    if messages.iter().zip(&found).any(is_other) || missing_contacts(messages, &found).next().is_some() {
        return Err(DieselError::RollbackTransaction.into());
    }
    let mut contacts = before.clone();
    let mut outcomes = Vec::with_capacity(messages.len());
    let mut adopted = HashSet::new();
    for (message, found) in messages.iter().zip(&found) {
        outcomes.push(match found.contact_id.and_then(|id| contacts.get_mut(&id)) {
            _ if message.is_ahead(found.now) => MessageOutcome::Ahead,
            None => MessageOutcome::NotFound,
            // Only a later message of the batch makes the contact.
            Some(contact) if message.new_contact.is_none() && made.contains(&contact.id) => MessageOutcome::NotFound,
            Some(contact) => {
                let known = contact.clone();
                contact.add(message, &mut adopted);
                if made.remove(&contact.id) {
                    MessageOutcome::Created
                } else if *contact != known {
                    MessageOutcome::Updated
                } else {
                    MessageOutcome::Unchanged
                }
            }
        });
    }
    update(connection, client, &before, &contacts)?;
    Ok(outcomes)
}

/// The contact of each message.
///
/// A person is whoever has the external id on the channel; else who has the phone there, and where an external id is
/// asked for no other one. For a phone the readings are gone through in their order (national in the client's region
/// first, as the lookup does), and for each the contact that stores that very number comes before one whose number only
/// reaches the same line, since the same person may be written both ways (a WhatsApp id has Argentina's 9, the address
/// book hasn't). Of several the oldest is meant, as for every write. Another channel's contact is never meant, though it
/// has the number: who wrote on WhatsApp has not written an SMS.
const FIND: &str = "
SELECT DISTINCT ON (item) found.id AS contact_id, now() AS now
FROM unnest(?, ?, ?, ?, ?, ?) WITH ORDINALITY
    AS asked (item, serial_id, platform, external_user_id, phone, phone_key, reading)
LEFT JOIN LATERAL (
    SELECT id, 1 AS rank, created_at, contacts.serial_id FROM contacts
    WHERE client_id = ? AND contacts.serial_id = asked.serial_id
    UNION ALL
    SELECT id, 2, created_at, contacts.serial_id FROM contacts
    WHERE client_id = ? AND contacts.platform = asked.platform
        AND contacts.external_user_id = asked.external_user_id
    UNION ALL
    SELECT id, 3, created_at, contacts.serial_id FROM contacts
    WHERE client_id = ? AND contacts.platform = asked.platform AND contacts.phone = asked.phone
        AND contacts.external_user_id IS NULL
    UNION ALL
    SELECT id, CASE WHEN contacts.phone = asked.phone THEN 3 ELSE 4 END, created_at, contacts.serial_id FROM contacts
    WHERE client_id = ? AND contacts.platform = asked.platform AND contacts.phone_key = asked.phone_key
        AND (contacts.external_user_id IS NULL OR asked.external_user_id IS NULL)
) AS found ON true
ORDER BY item, found.id IS NULL, reading, rank, created_at, found.serial_id
";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    contact_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

fn find(connection: &mut PgConnection, client: ClientId, messages: &[Message]) -> Result<Vec<Found>, StoreError> {
    // A column each; a message has as many rows as its phone has readings.
    let mut items = Vec::new();
    let mut serial_ids = Vec::new();
    let mut platforms = Vec::new();
    let mut external_user_ids = Vec::new();
    let mut phones = Vec::new();
    let mut phone_keys = Vec::new();
    for (item, message) in (0..).zip(messages) {
        let (serial_id, person) = match &message.target {
            Target::Contact(serial_id) => (Some(*serial_id), None),
            Target::Person(person) => (None, Some(person)),
        };
        let readings = person
            .and_then(|person| person.phone.as_ref())
            .map(|phone| &phone.readings);
        for reading in 0..readings.map_or(1, Vec::len) {
            let reading = readings.map(|readings| &readings[reading]);
            items.push(item);
            serial_ids.push(serial_id);
            platforms.push(person.map(|person| person.platform.clone()));
            external_user_ids.push(person.and_then(|person| person.external_user_id.clone()));
            phones.push(reading.map(|reading| reading.phone.clone()));
            phone_keys.push(reading.map(|reading| reading.key.clone()));
        }
    }
    let client = || Bind::Uuid(client.as_uuid());
    let statement = Statement::new(
        || FIND,
        vec![
            Bind::BigInts(items),
            Bind::BigIntsOrNull(serial_ids),
            Bind::TextsOrNull(platforms),
            Bind::TextsOrNull(external_user_ids),
            Bind::TextsOrNull(phones),
            Bind::TextsOrNull(phone_keys),
            client(),
            client(),
            client(),
            client(),
        ],
    );
    Ok(statement.load(connection)?)
}

/// A message that makes the contact it is about.
struct Missing<'a> {
    message: &'a Message,
    person: &'a Person,
    new_contact: &'a NewContact,
}

impl<'a> Missing<'a> {
    /// What two writers that make one person have in common: platform and match key.
    fn line(&self) -> Option<(&'a str, &'a str)> {
        let key = self.person.phone.as_ref()?.stored.key.as_deref()?;
        Some((&self.person.platform, key))
    }
}

fn missing_contacts<'a>(messages: &'a [Message], found: &[Found]) -> impl Iterator<Item = Missing<'a>> {
    let is_missing = |(message, found): &(&Message, &Found)| found.contact_id.is_none() && !message.is_ahead(found.now);
    let missing = messages.iter().zip(found).filter(is_missing);
    missing.filter_map(|(message, _)| match (&message.target, &message.new_contact) {
        (Target::Person(person), Some(new_contact)) => Some(Missing {
            message,
            person,
            new_contact,
        }),
        _ => None,
    })
}

/// Makes the contacts, each with its first message's times, and gives their ids. Somebody may be missing twice, and
/// another writer may have been faster: they are found after.
fn insert<'a>(
    connection: &mut PgConnection,
    client: ClientId,
    list: i64,
    missing_contacts: impl Iterator<Item = Missing<'a>>,
) -> Result<HashSet<Uuid>, StoreError> {
    let mut taken = HashSet::new();
    let mut rows = Vec::new();
    for missing in missing_contacts {
        let Missing {
            message,
            person,
            new_contact,
        } = missing;
        let platform = person.platform.as_str();
        let id = person.external_user_id.as_ref().map(|id| (platform, id.as_str(), "id"));
        let readings = person.phone.iter().flat_map(|phone| &phone.readings);
        let mut lines = readings.map(|reading| (platform, reading.key.as_str(), "line"));
        if id.is_some_and(|id| taken.contains(&id)) || lines.any(|line| taken.contains(&line)) {
            continue;
        }
        taken.extend(id);
        taken.extend(missing.line().map(|(platform, key)| (platform, key, "line")));
        let mut activity = Activity::default();
        activity.add(message);
        let phone = person.phone.as_ref().map(|phone| &phone.stored);
        rows.push((
            contacts::client_id.eq(client.as_uuid()),
            contacts::id.eq(Uuid::now_v7()),
            contacts::contact_list_id.eq(list),
            contacts::name.eq(new_contact.name.as_deref()),
            contacts::source.eq(new_contact.source),
            contacts::platform.eq(&person.platform),
            contacts::external_user_id.eq(person.external_user_id.as_deref()),
            contacts::phone.eq(phone.and_then(|phone| phone.phone.as_deref())),
            contacts::phone_key.eq(phone.and_then(|phone| phone.key.as_deref())),
            contacts::phone_as_given.eq(phone.map(|phone| phone.as_given.as_str())),
            contacts::last_message_at.eq(activity.last_message_at),
            contacts::last_inbound_at.eq(activity.last_inbound_at),
            contacts::is_chat_read.eq(activity.is_chat_read),
            contacts::chat_status.eq(activity.chat_status),
        ));
    }
    let made = diesel::insert_into(contacts::table)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(contacts::id)
        .get_results(connection)?;
    Ok(made.into_iter().collect())
}

/// A contact that nobody else changes until the transaction ends.
#[derive(Clone, PartialEq, Eq)]
struct Contact {
    id: Uuid,
    name: Option<String>,
    external_user_id: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_as_given: Option<String>,
    activity: Activity,
}

impl Contact {
    /// Whether the message finds the contact as it is now; [`FIND`] says how it does.
    fn is_meant(&self, message: &Message) -> bool {
        let Target::Person(person) = &message.target else {
            return true;
        };
        let asked = person.external_user_id.as_ref();
        let mut readings = person.phone.iter().flat_map(|phone| &phone.readings);
        let is_reached = readings.any(|reading| {
            self.phone.as_ref() == Some(&reading.phone) || self.phone_key.as_ref() == Some(&reading.key)
        });
        match (asked, self.external_user_id.as_ref()) {
            (Some(asked), Some(own)) => asked == own,
            _ => is_reached,
        }
    }

    /// Whether both are the same but for their activity.
    fn is_called_as(&self, other: &Self) -> bool {
        let activity = other.activity.clone();
        Self {
            activity,
            ..self.clone()
        } == *other
    }

    /// Adds the message, and where it may make contacts also what this one lacks: what there is stays, since somebody
    /// may have written it with more care. An external id that `adopted` has went to another contact.
    fn add<'a>(&mut self, message: &'a Message, adopted: &mut HashSet<(&'a str, &'a str)>) {
        self.activity.add(message);
        let (Some(new_contact), Target::Person(person)) = (&message.new_contact, &message.target) else {
            return;
        };
        if self.name.is_none() {
            self.name.clone_from(&new_contact.name);
        }
        if let Some(phone) = &person.phone
            && self.phone.is_none()
        {
            self.phone.clone_from(&phone.stored.phone);
            self.phone_key.clone_from(&phone.stored.key);
            self.phone_as_given = Some(phone.stored.as_given.clone());
        }
        if let Some(id) = &person.external_user_id
            && self.external_user_id.is_none()
            && adopted.insert((&person.platform, id))
        {
            self.external_user_id = Some(id.clone());
        }
    }
}

/// What becomes of contacts that another writer has locked.
enum Locked {
    Wait,
    /// They are left out.
    Skip,
}

/// Locks the contacts that were found, and reads them as they are then. One that is gone by now is missing.
fn lock(
    connection: &mut PgConnection,
    client: ClientId,
    found: &[Found],
    locked: Locked,
) -> Result<BTreeMap<Uuid, Contact>, StoreError> {
    let ids: HashSet<Uuid> = found.iter().filter_map(|found| found.contact_id).collect();
    let wanted = contacts::table
        .filter(contacts::client_id.eq(client.as_uuid()))
        .filter(contacts::id.eq_any(ids))
        .order(contacts::id)
        .for_no_key_update()
        .select((
            contacts::id,
            contacts::name,
            contacts::external_user_id,
            (contacts::phone, contacts::phone_key, contacts::phone_as_given),
            (
                contacts::last_message_at,
                contacts::last_inbound_at,
                contacts::is_chat_read,
                contacts::chat_status,
            ),
        ));
    let rows: Vec<ContactRow> = match locked {
        Locked::Wait => wanted.load(connection)?,
        Locked::Skip => wanted.skip_locked().load(connection)?,
    };
    let contact = |(id, name, external_user_id, phone, activity): ContactRow| {
        let (phone, phone_key, phone_as_given) = phone;
        let (last_message_at, last_inbound_at, is_chat_read, chat_status) = activity;
        let contact = Contact {
            id,
            name,
            external_user_id,
            phone,
            phone_key,
            phone_as_given,
            activity: Activity {
                last_message_at,
                last_inbound_at,
                is_chat_read,
                chat_status,
            },
        };
        (id, contact)
    };
    Ok(rows.into_iter().map(contact).collect())
}

type ContactRow = (
    Uuid,
    Option<String>,
    Option<String>,
    (Option<String>, Option<String>, Option<String>),
    (Option<DateTime<Utc>>, Option<DateTime<Utc>>, bool, String),
);

const UPDATE: &str = "
UPDATE contacts
SET name = said.name, external_user_id = said.external_user_id, phone = said.phone, phone_key = said.phone_key,
    phone_as_given = said.phone_as_given, last_message_at = said.last_message_at,
    last_inbound_at = said.last_inbound_at, is_chat_read = said.is_chat_read, chat_status = said.chat_status,
    updated_at = now()
FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    AS said (id, name, external_user_id, phone, phone_key, phone_as_given, last_message_at, last_inbound_at,
             is_chat_read, chat_status)
WHERE contacts.client_id = ? AND contacts.id = said.id
";

/// Writes the contacts that are not as they were before.
fn update(
    connection: &mut PgConnection,
    client: ClientId,
    before: &BTreeMap<Uuid, Contact>,
    contacts: &BTreeMap<Uuid, Contact>,
) -> Result<(), StoreError> {
    let is_changed = |contact: &&Contact| before.get(&contact.id) != Some(contact);
    let contacts: Vec<&Contact> = contacts.values().filter(is_changed).collect();
    if contacts.is_empty() {
        return Ok(());
    }
    fn column<T>(contacts: &[&Contact], value: impl Fn(&Contact) -> T) -> Vec<T> {
        contacts.iter().map(|contact| value(contact)).collect()
    }
    let texts =
        |value: fn(&Contact) -> &Option<String>| Bind::TextsOrNull(column(&contacts, |contact| value(contact).clone()));
    let statement = Statement::new(
        || UPDATE,
        vec![
            Bind::Uuids(column(&contacts, |contact| contact.id)),
            texts(|contact| &contact.name),
            texts(|contact| &contact.external_user_id),
            texts(|contact| &contact.phone),
            texts(|contact| &contact.phone_key),
            texts(|contact| &contact.phone_as_given),
            Bind::TimesOrNull(column(&contacts, |contact| contact.activity.last_message_at)),
            Bind::TimesOrNull(column(&contacts, |contact| contact.activity.last_inbound_at)),
            Bind::Bools(column(&contacts, |contact| contact.activity.is_chat_read)),
            Bind::Texts(column(&contacts, |contact| contact.activity.chat_status.clone())),
            Bind::Uuid(client.as_uuid()),
        ],
    );
    statement.execute(connection)?;
    Ok(())
}
