//! Makes the contacts of messages that have none.

use std::collections::HashSet;

use diesel::prelude::*;
use uuid::Uuid;

use super::find::FoundContact;
use crate::domain::client::ClientId;
use crate::domain::message::{Activity, Message, NewContact, Person, Target};
use crate::store::error::StoreError;
use crate::store::schema::contacts;

/// A message that makes its contact.
pub(super) struct MissingContact<'a> {
    message: &'a Message,
    person: &'a Person,
    new_contact: &'a NewContact,
}

impl<'a> MissingContact<'a> {
    /// The line, as platform and match key. Two writers that make the same person have the same
    /// line.
    pub(super) fn line(&self) -> Option<(&'a str, &'a str)> {
        let key = self.person.identifying_phone()?.stored.key.as_deref()?;
        Some((&self.person.platform, key))
    }
}

/// An identity of a contact that a message of the run makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum NewIdentity<'a> {
    /// Platform and external id.
    ExternalId(&'a str, &'a str),
    /// Platform, match key and extension.
    Line(&'a str, &'a str, Option<&'a str>),
}

pub(super) fn missing_contacts<'a>(
    messages: &'a [Message],
    found: &[FoundContact],
) -> impl Iterator<Item = MissingContact<'a>> {
    let is_missing =
        |(message, found): &(&Message, &FoundContact)| found.contact_id.is_none() && !message.is_ahead(found.now);
    let missing = messages.iter().zip(found).filter(is_missing);
    missing.filter_map(|(message, _)| match (&message.target, &message.new_contact) {
        (Target::Person(person), Some(new_contact)) => Some(MissingContact {
            message,
            person,
            new_contact,
        }),
        _ => None,
    })
}

/// Makes the contacts, each with the times of its first message, and returns their ids. Skips a
/// person that an earlier message or another writer has just made: the next `find_contacts` finds
/// that contact.
pub(super) fn insert_missing<'a>(
    connection: &mut PgConnection,
    client: ClientId,
    list: i64,
    missing_contacts: impl Iterator<Item = MissingContact<'a>>,
) -> Result<HashSet<Uuid>, StoreError> {
    let mut taken = HashSet::new();
    let mut rows = Vec::new();
    for missing in missing_contacts {
        let MissingContact {
            message,
            person,
            new_contact,
        } = missing;
        let platform = person.platform.as_str();
        let id = person
            .external_user_id
            .as_deref()
            .map(|id| NewIdentity::ExternalId(platform, id));
        let mut lines = person
            .readings()
            .map(|reading| NewIdentity::Line(platform, &reading.key, reading.extension.as_deref()));
        if id.is_some_and(|id| taken.contains(&id)) || lines.any(|line| taken.contains(&line)) {
            continue;
        }
        taken.extend(id);
        let extension = || person.identifying_phone()?.stored.extension.as_deref();
        taken.extend(
            missing
                .line()
                .map(|(platform, key)| NewIdentity::Line(platform, key, extension())),
        );
        let mut activity = Activity::default();
        activity.add(message);
        let phone = person.identifying_phone().map(|phone| &phone.stored);
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
            contacts::phone_extension.eq(phone.and_then(|phone| phone.extension.as_deref())),
            contacts::phone_identifies.eq(phone.is_none_or(|phone| phone.identifies)),
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
