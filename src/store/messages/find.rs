//! Finds the contact of each message.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::statements::FIND;
use crate::domain::client::ClientId;
use crate::domain::message::{Direction, Message, Person, Target};
use crate::store::error::StoreError;
use crate::store::statement::Statement;

#[derive(QueryableByName)]
pub(super) struct FoundContact {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) contact_id: Option<Uuid>,
    /// The match key of the contact's phone.
    #[diesel(sql_type = Nullable<Text>)]
    phone_key: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ids_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    by_external_id: bool,
    /// Whether the contact had the message's ids when the message was sent, and has other ids now.
    #[diesel(sql_type = Bool)]
    pub(super) by_former_ids: bool,
    #[diesel(sql_type = Timestamptz)]
    pub(super) now: DateTime<Utc>,
}

impl FoundContact {
    /// The line, as platform and match key, that the message can give to the contact. `None` unless the contact has the
    /// message's external id, and has no phone or a phone on another line, as in `LockedContact::add`.
    pub(super) fn new_line<'a>(&self, message: &'a Message) -> Option<(&'a str, &'a str)> {
        let Target::Person(person) = &message.target else {
            return None;
        };
        let phone = &person.identifying_phone()?.stored;
        let replaces = || phone.resolved && message.direction() == Some(Direction::Inbound);
        let is_possible = self.by_external_id
            && message.completes()
            && !message.is_ahead(self.now)
            && Some(message.sent_at()) > self.ids_since
            && self.phone_key != phone.key
            && (self.phone_key.is_none() || replaces());
        is_possible.then_some((&person.platform, phone.key.as_deref()?))
    }

    /// Whether the message can move the contact from one line to another.
    pub(super) fn can_leave_its_line(&self, message: &Message) -> bool {
        self.phone_key.is_some() && self.new_line(message).is_some()
    }
}

pub(super) fn find_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
) -> Result<Vec<FoundContact>, StoreError> {
    // One vector per column. A message has a row for each reading of its phone, or one row without a phone.
    let mut items = Vec::new();
    let mut serial_ids = Vec::new();
    let mut platforms = Vec::new();
    let mut external_user_ids = Vec::new();
    let mut phones = Vec::new();
    let mut phone_keys = Vec::new();
    let mut extensions = Vec::new();
    let mut times = Vec::new();
    for (item, message) in (0_i64..).zip(messages) {
        let (serial_id, person) = match &message.target {
            Target::Contact(serial_id) => (Some(*serial_id), None),
            Target::Person(person) => (None, Some(person)),
        };
        let mut readings: Vec<_> = person.into_iter().flat_map(Person::readings).map(Some).collect();
        if readings.is_empty() {
            readings.push(None);
        }
        for reading in readings {
            items.push(item);
            serial_ids.push(serial_id);
            platforms.push(person.map(|person| person.platform.as_str()));
            external_user_ids.push(person.and_then(|person| person.external_user_id.as_deref()));
            phones.push(reading.map(|reading| reading.phone.as_str()));
            phone_keys.push(reading.map(|reading| reading.key.as_str()));
            extensions.push(reading.and_then(|reading| reading.extension.as_deref()));
            times.push(message.sent_at());
        }
    }
    Ok(Statement::new(|| FIND)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Array<BigInt>, _>(items)
        .bind::<Array<Nullable<BigInt>>, _>(serial_ids)
        .bind::<Array<Nullable<Text>>, _>(platforms)
        .bind::<Array<Nullable<Text>>, _>(external_user_ids)
        .bind::<Array<Nullable<Text>>, _>(phones)
        .bind::<Array<Nullable<Text>>, _>(phone_keys)
        .bind::<Array<Nullable<Text>>, _>(extensions)
        .bind::<Array<Timestamptz>, _>(times)
        .load(connection)?)
}
