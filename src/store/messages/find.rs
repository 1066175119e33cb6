//! The contact that each message is about.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::domain::client::ClientId;
use crate::domain::message::{Message, Target};
use crate::store::error::StoreError;
use crate::store::statement::{Bind, Statement};

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
