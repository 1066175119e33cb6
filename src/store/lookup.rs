//! The lookup: the contact that a phone number reaches.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::error::StoreError;
use super::statement::{Bind, Statement};
use crate::domain::client::ClientId;
use crate::domain::phone::Reading;
use crate::domain::window;

/// A found contact, with what is known of everybody who shares its match key.
#[derive(Clone, Debug, QueryableByName)]
pub struct LookupRow {
    #[diesel(sql_type = BigInt)]
    pub serial_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub contact_list_id: i64,
    #[diesel(sql_type = Text)]
    pub contact_list_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// The latest inbound message on any channel.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The latest inbound message on the platform that has a session window.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_window_inbound_at: Option<DateTime<Utc>>,
    /// The database's clock, by which the window is judged.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
}

/// The statement for one question: the arrays of its readings' keys and phones, the preferred reading first.
/// Binds the platform and the client besides.
///
/// All contacts that share a match key are few (a person's channels), so the statement reads them by the index
/// on the key, sums up over them, and keeps the first in the contract's order.
macro_rules! lookup {
    (keys: $keys:literal, phones: $phones:literal) => {
        concat!(
            "
    SELECT c.serial_id, c.name, c.phone, c.email, c.contact_list_id, l.name AS contact_list_name, c.source,
           c.created_at, c.any_inbound_at AS last_inbound_at, c.window_inbound_at AS last_window_inbound_at, now() AS now
    FROM (
        SELECT *,
               max(last_inbound_at) OVER (PARTITION BY phone_key) AS any_inbound_at,
               max(last_inbound_at) FILTER (WHERE platform = ?) OVER (PARTITION BY phone_key) AS window_inbound_at
        FROM contacts
        WHERE client_id = ? AND phone_key = ANY(",
            $keys,
            ")
    ) c
    JOIN contact_lists l ON l.client_id = c.client_id AND l.id = c.contact_list_id
    ORDER BY array_position(",
            $keys,
            ", c.phone_key), (c.phone = ANY(",
            $phones,
            ")) DESC, c.last_message_at DESC NULLS LAST, c.created_at DESC, c.serial_id
    LIMIT 1"
        )
    };
}

/// What [`find_by_phone`] asks, public for measurements to ask the same. Its `?` stand for the platform, the client,
/// the keys, the keys again, and the phones.
pub const LOOKUP: &str = lookup!(keys: "?", phones: "?");

/// Each question is asked on its own, so that the index is read for its few contacts and nothing else.
const LOOKUP_ALL: &str = concat!(
    "
    SELECT asked.question, found.*
    FROM (
        SELECT question, array_agg(key ORDER BY place) AS keys, array_agg(phone ORDER BY place) AS phones
        FROM unnest(?, ?, ?) WITH ORDINALITY AS reading (question, key, phone, place)
        GROUP BY question
    ) asked
    CROSS JOIN LATERAL (",
    lookup!(keys: "asked.keys", phones: "asked.phones"),
    "
    ) found"
);

/// The contact that the first of `readings` reaches, else the next; `None` where none does.
///
/// Among several contacts of one match key the asked E.164 comes before one that is only equivalent, then the
/// latest message (none last), the newest, the smallest integer id.
pub fn find_by_phone(
    connection: &mut PgConnection,
    client: ClientId,
    readings: &[Reading],
) -> Result<Option<LookupRow>, StoreError> {
    if readings.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = readings.iter().map(|reading| reading.key.clone()).collect();
    let phones = readings.iter().map(|reading| reading.phone.clone()).collect();
    let statement = Statement::new(
        || LOOKUP,
        vec![
            Bind::Text(window::PLATFORM.to_owned()),
            Bind::Uuid(client.as_uuid()),
            Bind::Texts(keys.clone()),
            Bind::Texts(keys),
            Bind::Texts(phones),
        ],
    );
    Ok(statement.get_result(connection).optional()?)
}

/// What [`find_by_phone`] finds for each of `questions`, in their order, by one statement.
pub fn find_all_by_phone(
    connection: &mut PgConnection,
    client: ClientId,
    questions: &[Vec<Reading>],
) -> Result<Vec<Option<LookupRow>>, StoreError> {
    #[derive(QueryableByName)]
    struct BatchRow {
        #[diesel(sql_type = BigInt)]
        question: i64,
        #[diesel(embed)]
        row: LookupRow,
    }
    let readings = || {
        (0..)
            .zip(questions)
            .flat_map(|(at, readings)| readings.iter().map(move |reading| (at, reading)))
    };
    let statement = Statement::new(
        || LOOKUP_ALL,
        vec![
            Bind::BigInts(readings().map(|(at, _)| at).collect()),
            Bind::Texts(readings().map(|(_, reading)| reading.key.clone()).collect()),
            Bind::Texts(readings().map(|(_, reading)| reading.phone.clone()).collect()),
            Bind::Text(window::PLATFORM.to_owned()),
            Bind::Uuid(client.as_uuid()),
        ],
    );
    let mut answers = vec![None; questions.len()];
    for found in statement.load::<BatchRow>(connection)? {
        if let Some(answer) = usize::try_from(found.question).ok().and_then(|at| answers.get_mut(at)) {
            *answer = Some(found.row);
        }
    }
    Ok(answers)
}
