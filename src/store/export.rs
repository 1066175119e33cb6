//! Reads all contacts of a client, in bounded memory and as they are at one moment.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};

use super::error::StoreError;
use super::transaction::transaction;
use crate::domain::client::ClientId;

/// Everything that is said about a contact, and what an import of it would come upon.
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
    /// Whether an import that isn't exact sees the same person in another contact of the channel.
    #[diesel(sql_type = Bool)]
    pub has_double: bool,
    /// The database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
}

/// The oldest first, so that an import gives new integer ids in the same order.
///
/// A contact's double is one that an identity less than its own finds: by the phone, one without an external id and
/// one with; by the email, one that has nothing else and one that has. The rarer of the two asks for the other.
const CONTACTS: &str = "
DECLARE exported NO SCROLL CURSOR FOR
SELECT c.name, phone, phone_key, phone_as_given, email, platform, source, chat_status, blocked, is_chat_read, created_at,
    last_message_at, last_inbound_at, lists.name AS contact_list, external_user_id, default_stage_id,
    ai_customer_id, now() AS now,
    CASE
        WHEN external_user_id IS NOT NULL AND phone IS NOT NULL THEN EXISTS (
            SELECT FROM contacts other
            WHERE other.client_id = $1 AND other.platform = c.platform AND other.phone = c.phone
                AND other.external_user_id IS NULL)
        WHEN external_user_id IS NULL AND phone IS NULL THEN EXISTS (
            SELECT FROM contacts other
            WHERE other.client_id = $1 AND other.platform = c.platform AND lower(other.email) = lower(c.email)
                AND other.id <> c.id)
        ELSE false
    END AS has_double
FROM contacts c
JOIN contact_lists lists ON lists.client_id = $1 AND lists.id = contact_list_id
WHERE c.client_id = $1
ORDER BY c.serial_id
";

/// Gives every contact of the client to `take`, the oldest first. What is written meanwhile isn't seen.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// That of `take`, which ends the reading, and [`StoreError`].
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
    // All rows are wanted, not the first tenth of them.
    connection.batch_execute("SET LOCAL cursor_tuple_fraction = 1")?;
    sql_query(CONTACTS)
        .bind::<Uuid, _>(client.as_uuid())
        .execute(connection)?;
    Ok(())
}
