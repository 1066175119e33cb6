//! Locked contacts, to which messages are added.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::find::FoundContact;
use super::former_ids::{self, FormerIds};
use super::statements::UPDATE;
use crate::domain::client::ClientId;
use crate::domain::contact::PhoneWorth;
use crate::domain::message::{Activity, Direction, Message, Person, Target};
use crate::domain::phone::StoredPhone;
use crate::store::error::StoreError;
use crate::store::schema::contacts;
use crate::store::statement::Statement;

/// A contact that no other writer changes until the transaction ends.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LockedContact {
    pub(super) id: Uuid,
    name: Option<String>,
    external_user_id: Option<String>,
    phone: StoredColumns,
    former: FormerIds,
    activity: Activity,
}

/// The columns of a contact's phone.
#[derive(Clone, PartialEq, Eq, Queryable)]
struct StoredColumns {
    phone: Option<String>,
    key: Option<String>,
    as_given: Option<String>,
    extension: Option<String>,
    identifies: bool,
}

impl StoredColumns {
    /// The line, if the phone identifies the contact.
    fn line(&self) -> Option<String> {
        let key = self.key.as_deref().filter(|_| self.identifies)?;
        Some(former_ids::line(key, self.extension.as_deref()))
    }
}

impl From<&StoredPhone> for StoredColumns {
    fn from(stored: &StoredPhone) -> Self {
        Self {
            phone: stored.phone.clone(),
            key: stored.key.clone(),
            as_given: Some(stored.as_given.clone()),
            extension: stored.extension.clone(),
            identifies: stored.identifies,
        }
    }
}

impl LockedContact {
    /// Whether the message still refers to the contact, by the rules of `messages/find.sql`.
    pub(super) fn is_meant_by(&self, message: &Message) -> bool {
        let Target::Person(person) = &message.target else {
            return true;
        };
        let asked = person.external_user_id.as_ref();
        let own = &self.phone;
        let is_reached = person.readings().any(|reading| {
            let is_line = own.phone.as_ref() == Some(&reading.phone) || own.key.as_ref() == Some(&reading.key);
            is_line && own.extension == reading.extension && own.identifies
        });
        match (asked, self.external_user_id.as_ref()) {
            (Some(asked), Some(own)) if asked == own => true,
            _ if self.former.are_of(person, message.sent_at()) => true,
            (Some(_), Some(_)) => false,
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

    /// Whether the message moves the contact from one line to another: the contact has the message's external id, and
    /// the person writes from a new number. An older message does not bring the former number back. An invalid number
    /// replaces no number.
    pub(super) fn leaves_its_line(&self, message: &Message) -> bool {
        let Target::Person(person) = &message.target else {
            return false;
        };
        let phone = person.phone.as_ref().filter(|phone| phone.stored.resolved);
        message.direction() == Some(Direction::Inbound)
            && message.completes()
            && person.external_user_id.is_some()
            && person.external_user_id == self.external_user_id
            && phone.is_some_and(|phone| self.phone.key.is_some() && self.phone.key != phone.stored.key)
            && Some(message.sent_at()) >= self.activity.last_inbound_at
            && !self.former.is_late(message.sent_at())
    }

    /// Whether the message has a phone for the contact, and the contact keeps its own phone, because it is better.
    pub(super) fn keeps_phone(&self, message: &Message) -> bool {
        let Target::Person(Person { phone: Some(given), .. }) = &message.target else {
            return false;
        };
        let own = &self.phone;
        message.completes() && PhoneWorth::is_kept(own.phone.as_deref(), own.identifies, &given.stored)
    }

    /// Adds the message. A message that completes contacts also fills in a missing name, phone and external id.
    /// Existing values stay, since somebody may have typed them with more care. Only a number that the contact has left
    /// is replaced. A message from before the contact's last change of ids fills in no ids. An external id in `adopted`
    /// belongs to another contact already.
    pub(super) fn add<'a>(&mut self, message: &'a Message, adopted: &mut HashSet<(&'a str, &'a str)>) {
        let leaves_its_line = self.leaves_its_line(message);
        self.activity.add(message);
        let Target::Person(person) = &message.target else {
            return;
        };
        if let Some(new_contact) = &message.new_contact
            && self.name.is_none()
        {
            self.name.clone_from(&new_contact.name);
        }
        if !message.completes() || self.former.is_late(message.sent_at()) {
            return;
        }
        if leaves_its_line {
            self.former = FormerIds {
                ids_since: Some(message.sent_at()),
                former_line: self.phone.line(),
                former_external_user_id: self.external_user_id.clone(),
            };
        }
        if let Some(phone) = person.identifying_phone()
            && (self.phone.phone.is_none() || leaves_its_line)
        {
            self.phone = (&phone.stored).into();
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
            (
                contacts::phone,
                contacts::phone_key,
                contacts::phone_as_given,
                contacts::phone_extension,
                contacts::phone_identifies,
            ),
            FormerIds::as_select(),
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
    let contact = |(id, name, external_user_id, phone, former, activity): LockedRow| {
        let (last_message_at, last_inbound_at, is_chat_read, chat_status) = activity;
        let contact = LockedContact {
            id,
            name,
            external_user_id,
            phone,
            former,
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
    StoredColumns,
    FormerIds,
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
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone.phone))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone.key))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone.as_given))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.phone.extension))
        .bind::<Array<Bool>, _>(column(&contacts, |contact| contact.phone.identifies))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&contacts, |contact| contact.activity.last_message_at))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&contacts, |contact| contact.activity.last_inbound_at))
        .bind::<Array<Bool>, _>(column(&contacts, |contact| contact.activity.is_chat_read))
        .bind::<Array<Text>, _>(column(&contacts, |contact| contact.activity.chat_status.as_str()))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&contacts, |contact| contact.former.ids_since))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.former.former_line))
        .bind::<Array<Nullable<Text>>, _>(texts(&contacts, |contact| &contact.former.former_external_user_id))
        .execute(connection)?;
    Ok(())
}
