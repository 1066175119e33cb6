//! Finds the contact of each message.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::statements::FIND;
use crate::domain::client::ClientId;
use crate::domain::message::{Message, Target};
use crate::store::error::StoreError;
use crate::store::statement::Statement;

#[derive(QueryableByName)]
pub(super) struct FoundContact {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) contact_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    pub(super) now: DateTime<Utc>,
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
    for (item, message) in (0_i64..).zip(messages) {
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
            platforms.push(person.map(|person| person.platform.as_str()));
            external_user_ids.push(person.and_then(|person| person.external_user_id.as_deref()));
            phones.push(reading.map(|reading| reading.phone.as_str()));
            phone_keys.push(reading.map(|reading| reading.key.as_str()));
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
        .load(connection)?)
}
