//! Reads all contacts of a client from one snapshot, in bounded memory.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};

use super::error::StoreError;
use super::transaction::transaction;
use crate::domain::client::ClientId;

/// A contact with all its columns.
#[derive(Clone, Debug, QueryableByName)]
pub struct ExportedRow {
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone_as_given: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone_extension: Option<String>,
    #[diesel(sql_type = Bool)]
    pub phone_identifies: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Text)]
    pub platform: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<String>,
    #[diesel(sql_type = Text)]
    pub chat_status: String,
    #[diesel(sql_type = Bool)]
    pub blocked: bool,
    #[diesel(sql_type = Bool)]
    pub is_chat_read: bool,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_inbound_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub contact_list: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub external_user_id: Option<String>,
    #[diesel(sql_type = Nullable<Uuid>)]
    pub default_stage_id: Option<uuid::Uuid>,
    #[diesel(sql_type = Nullable<Uuid>)]
    pub ai_customer_id: Option<uuid::Uuid>,
    /// Whether another contact of the channel matches it in an import that isn't exact.
    #[diesel(sql_type = Bool)]
    pub has_double: bool,
    /// The time of the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
}

/// Oldest first, so that an import assigns new integer ids in the same order.
///
/// Two contacts of a channel are doubles in two cases. In the first case they share a line, which is a match key and an
/// extension, and at most one of them has an external id. In the second case they share an email, and one of them has
/// neither an external id nor a phone that identifies it. The statement marks one contact of each pair. In the first
/// case it marks the contact with an external id, otherwise the later contact. In the second case it marks the contact
/// that only its email identifies.
const CONTACTS: &str = "
DECLARE exported NO SCROLL CURSOR FOR
SELECT c.name, phone, phone_key, phone_as_given, phone_extension, phone_identifies, email, platform, source, chat_status,
    blocked, is_chat_read, created_at, last_message_at, last_inbound_at, lists.name AS contact_list, external_user_id,
    default_stage_id, ai_customer_id, now() AS now,
    CASE
        WHEN phone IS NOT NULL AND phone_identifies THEN EXISTS (
            SELECT 1 FROM contacts other
            WHERE other.client_id = $1 AND other.platform = c.platform AND other.phone_key = c.phone_key
                AND coalesce(other.phone_extension, '') = coalesce(c.phone_extension, '') AND other.phone_identifies
                AND other.external_user_id IS NULL
                AND (c.external_user_id IS NOT NULL OR other.serial_id < c.serial_id))
        WHEN external_user_id IS NULL THEN EXISTS (
            SELECT 1 FROM contacts other
            WHERE other.client_id = $1 AND other.platform = c.platform AND lower(other.email) = lower(c.email)
                AND other.id <> c.id)
        ELSE false
    END AS has_double
FROM contacts c
JOIN contact_lists lists ON lists.client_id = $1 AND lists.id = contact_list_id
WHERE c.client_id = $1
ORDER BY c.serial_id
";

/// Calls `take` with every contact of the client, oldest first. Concurrent writes are not seen.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// Those of `take`, which end the export, and [`StoreError`].
pub fn read_all<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    mut take: impl FnMut(ExportedRow) -> Result<(), E>,
) -> Result<(), E> {
    transaction(connection, |connection| {
        declare(connection, client).map_err(StoreError::from)?;
        loop {
            let rows: Vec<ExportedRow> = sql_query("FETCH 1000 FROM exported")
                .load(connection)
                .map_err(StoreError::from)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                take(row)?;
            }
        }
    })
}

fn declare(connection: &mut PgConnection, client: ClientId) -> QueryResult<()> {
    // By default the planner optimizes a cursor for its first tenth; an export reads all rows.
    connection.batch_execute("SET LOCAL cursor_tuple_fraction = 1")?;
    sql_query(CONTACTS)
        .bind::<Uuid, _>(client.as_uuid())
        .execute(connection)?;
    Ok(())
}
