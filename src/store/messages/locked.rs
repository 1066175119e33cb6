//! Locked contacts, to which messages are added.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::find::FoundContact;
use super::statements::UPDATE;
use crate::domain::client::ClientId;
use crate::domain::message::{Activity, Message, Target};
use crate::store::error::StoreError;
use crate::store::schema::contacts;
use crate::store::statement::Statement;

/// A contact that no other writer changes until the transaction ends.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LockedContact {
    pub(super) id: Uuid,
    name: Option<String>,
    external_user_id: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_as_given: Option<String>,
    activity: Activity,
}

impl LockedContact {
    /// Whether the message still refers to the contact, by the rules of `messages/find.sql`.
    pub(super) fn is_meant_by(&self, message: &Message) -> bool {
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

    /// Whether both contacts are equal apart from their activity.
    pub(super) fn differs_only_in_activity(&self, other: &Self) -> bool {
        let activity = other.activity.clone();
        Self {
            activity,
            ..self.clone()
        } == *other
    }

    /// Adds the message. A message that can make contacts also fills in a missing name, phone and external id. Existing
    /// values stay, since a person may have typed them with more care. An external id in `adopted` belongs to another
    /// contact already.
    pub(super) fn add<'a>(&mut self, message: &'a Message, adopted: &mut HashSet<(&'a str, &'a str)>) {
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

/// How to treat contacts that another writer has locked.
pub(super) enum OnLocked {
    Wait,
    /// Leaves them out.
    Skip,
}

/// Locks and reads the contacts. A contact that was deleted after it was found is missing from the result.
pub(super) fn lock_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    found: &[FoundContact],
    locked: OnLocked,
) -> Result<BTreeMap<Uuid, LockedContact>, StoreError> {
    let ids: HashSet<Uuid> = found.iter().filter_map(|found| found.contact_id).collect();
    let query = contacts::table
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
    let rows: Vec<LockedRow> = match locked {
        OnLocked::Wait => query.load(connection)?,
        OnLocked::Skip => query.skip_locked().load(connection)?,
    };
    let contact = |(id, name, external_user_id, phone, activity): LockedRow| {
        let (phone, phone_key, phone_as_given) = phone;
        let (last_message_at, last_inbound_at, is_chat_read, chat_status) = activity;
        let contact = LockedContact {
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

type LockedRow = (
    Uuid,
    Option<String>,
    Option<String>,
    (Option<String>, Option<String>, Option<String>),
    (Option<DateTime<Utc>>, Option<DateTime<Utc>>, bool, String),
);

/// Writes the contacts that have changed.
pub(super) fn update_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    before: &BTreeMap<Uuid, LockedContact>,
    contacts: &BTreeMap<Uuid, LockedContact>,
) -> Result<(), StoreError> {
    let is_changed = |contact: &&LockedContact| before.get(&contact.id) != Some(contact);
    let contacts: Vec<&LockedContact> = contacts.values().filter(is_changed).collect();
    if contacts.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(contacts: &[&'a LockedContact], value: impl Fn(&'a LockedContact) -> T) -> Vec<T> {
        contacts.iter().map(|contact| value(contact)).collect()
    }
    fn texts<'a>(contacts: &[&'a LockedContact], value: fn(&LockedContact) -> &Option<String>) -> Vec<Option<&'a str>> {
        contacts.iter().map(|contact| value(contact).as_deref()).collect()
    }
    Statement::new(|| UPDATE)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Array<SqlUuid>, _>(column(&contacts, |contact| contact.id))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.name))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.external_user_id))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone_key))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone_as_given))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&contacts, |contact| contact.activity.last_message_at))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&contacts, |contact| contact.activity.last_inbound_at))
        .bind::<Array<Bool>, _>(column(&contacts, |contact| contact.activity.is_chat_read))
        .bind::<Array<Text>, _>(column(&contacts, |contact| contact.activity.chat_status.as_str()))
        .execute(connection)?;
    Ok(())
}
