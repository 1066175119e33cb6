//! The lookup: the contact that a phone number reaches.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::statement::{Bind, Statement};
use super::{PgConnection, StoreError};
use crate::domain::client::ClientId;
use crate::domain::phone::Reading;

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

/// All contacts that share a match key are few (a person's channels), so the statement reads them by the index
/// on the key, sums up over them, and keeps the first in the contract's order.
const LOOKUP: &str = "
    SELECT c.serial_id, c.name, c.phone, c.email, c.contact_list_id, l.name AS contact_list_name, c.source,
           c.created_at, c.any_inbound_at AS last_inbound_at, c.window_inbound_at AS last_window_inbound_at, now() AS now
    FROM (
        SELECT *,
               max(last_inbound_at) OVER (PARTITION BY phone_key) AS any_inbound_at,
               max(last_inbound_at) FILTER (WHERE platform = ?) OVER (PARTITION BY phone_key) AS window_inbound_at
        FROM contacts
        WHERE client_id = ? AND phone_key = ANY(?)
    ) c
    JOIN contact_lists l ON l.client_id = c.client_id AND l.id = c.contact_list_id
    ORDER BY array_position(?, c.phone_key), (c.phone = ANY(?)) DESC, c.last_message_at DESC NULLS LAST,
             c.created_at DESC, c.serial_id
    LIMIT 1";

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
        LOOKUP,
        vec![
            Bind::Text(crate::domain::window::PLATFORM.to_owned()),
            Bind::Uuid(client.as_uuid()),
            Bind::Texts(keys.clone()),
            Bind::Texts(keys),
            Bind::Texts(phones),
        ],
    );
    Ok(statement.get_result(connection).optional()?)
}
