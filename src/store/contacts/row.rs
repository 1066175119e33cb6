//! A contact as the search API shows it.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::domain::client::ClientId;
use crate::store::error::StoreError;
use crate::store::schema::contacts;

/// A contact as the search API shows it.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
pub struct ContactRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Text)]
    pub platform: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub chat_status: String,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    pub client_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub ai_customer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub default_stage_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    pub blocked: bool,
    #[diesel(sql_type = Bool)]
    pub is_chat_read: bool,
}

/// Finds the client's contact of that id.
///
/// # Errors
/// [`StoreError`]
pub fn find_contact(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
) -> Result<Option<ContactRow>, StoreError> {
    Ok(contacts::table
        .find((client.as_uuid(), id))
        .select(ContactRow::as_select())
        .first(connection)
        .optional()?)
}
