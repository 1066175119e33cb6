//! A contact with all that the server knows of it, by either of its ids.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::client::ClientId;
use crate::domain::contact_id::ContactId;
use crate::store::error::StoreError;
use crate::store::schema::{contact_lists, contacts};

/// A contact with both ids and all attributes.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
pub struct ContactDetails {
    pub id: Uuid,
    /// The integer that the lookup shows.
    pub serial_id: i64,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub platform: String,
    pub source: Option<String>,
    pub chat_status: String,
    pub blocked: bool,
    pub is_chat_read: bool,
    pub created_at: DateTime<Utc>,
    pub last_message_at: Option<DateTime<Utc>>,
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The list's name.
    #[diesel(select_expression = contact_lists::name)]
    pub contact_list: String,
    pub external_user_id: Option<String>,
    pub default_stage_id: Option<Uuid>,
    pub ai_customer_id: Option<Uuid>,
}

/// Finds the details of the client's contact of that id.
///
/// # Errors
/// [`StoreError`]
pub fn find_details(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
) -> Result<Option<ContactDetails>, StoreError> {
    let list = contact_lists::client_id
        .eq(client.as_uuid())
        .and(contact_lists::id.eq(contacts::contact_list_id));
    Ok(contacts::table
        .inner_join(contact_lists::table.on(list))
        .filter(contacts::client_id.eq(client.as_uuid()))
        .filter(contacts::id.eq(id))
        .select(ContactDetails::as_select())
        .first(connection)
        .optional()?)
}

/// The UUID of the client's contact with this id. An id that is a UUID already is not checked. The ids of a contact
/// never change, so a later transaction can use the result.
///
/// # Errors
/// [`StoreError`]
pub fn find_uuid(connection: &mut PgConnection, client: ClientId, id: ContactId) -> Result<Option<Uuid>, StoreError> {
    let serial_id = match id {
        ContactId::Uuid(id) => return Ok(Some(id)),
        ContactId::Integer(serial_id) => serial_id,
    };
    Ok(contacts::table
        .filter(contacts::client_id.eq(client.as_uuid()))
        .filter(contacts::serial_id.eq(serial_id))
        .select(contacts::id)
        .first(connection)
        .optional()?)
}
