//! Organisations, and the contact lists they sort contacts into.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::StoreError;
use super::keys::{NewKey, add_key};
use super::schema::{clients, contact_lists, contacts};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::key::ApiKey;
use crate::domain::phone::Region;

/// An organisation as operators see it.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub default_region: Region,
    pub created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients, check_for_backend(diesel::pg::Pg))]
struct ClientRow {
    id: Uuid,
    name: String,
    default_region: String,
    created_at: DateTime<Utc>,
}

impl From<ClientRow> for Client {
    fn from(row: ClientRow) -> Self {
        Client {
            id: ClientId::new(row.id),
            name: row.name,
            // The column is checked; a region that a later metadata no longer knows falls back.
            default_region: Region::from_str(&row.default_region).unwrap_or(Region::DEFAULT),
            created_at: row.created_at,
        }
    }
}

/// Makes a client together with its default contact list.
///
/// # Errors
/// [`StoreError::Exists`] where a client of that name exists.
pub fn create_client(connection: &mut PgConnection, name: &str, region: Region) -> Result<ClientId, StoreError> {
    connection.transaction(|connection| {
        let id = Uuid::now_v7();
        diesel::insert_into(clients::table)
            .values((
                clients::id.eq(id),
                clients::name.eq(name),
                clients::default_region.eq(region.as_str()),
            ))
            .execute(connection)?;
        let client = ClientId::new(id);
        ensure_list(connection, client, DEFAULT_LIST)?;
        Ok(client)
    })
}

/// Makes the first client where there is none yet, with a key; `false` where there is one. Two servers that
/// start at the same moment make one between them.
pub fn create_first_client(
    connection: &mut PgConnection,
    name: &str,
    key: &ApiKey,
    new: &NewKey,
) -> Result<bool, StoreError> {
    connection.transaction(|connection| {
        diesel::sql_query("LOCK TABLE clients IN SHARE ROW EXCLUSIVE MODE").execute(connection)?;
        if clients::table.count().get_result::<i64>(connection)? > 0 {
            return Ok(false);
        }
        let client = create_client(connection, name, Region::DEFAULT)?;
        add_key(connection, client, key, new)?;
        Ok(true)
    })
}

/// Every client, by name.
pub fn list_clients(connection: &mut PgConnection) -> Result<Vec<Client>, StoreError> {
    let rows = clients::table
        .select(ClientRow::as_select())
        .order(clients::name)
        .load(connection)?;
    Ok(rows.into_iter().map(Client::from).collect())
}

/// The client that an operator names by its id or its exact name; an id wins.
pub fn find_client(connection: &mut PgConnection, name_or_id: &str) -> Result<Option<Client>, StoreError> {
    if let Ok(id) = Uuid::from_str(name_or_id)
        && let Some(row) = clients::table
            .find(id)
            .select(ClientRow::as_select())
            .first(connection)
            .optional()?
    {
        return Ok(Some(row.into()));
    }
    let row = clients::table
        .filter(clients::name.eq(name_or_id))
        .select(ClientRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(Client::from))
}

/// The id of the client's list of that name, which is made where it doesn't exist.
pub fn ensure_list(connection: &mut PgConnection, client: ClientId, name: &str) -> Result<i64, StoreError> {
    diesel::insert_into(contact_lists::table)
        .values((
            contact_lists::client_id.eq(client.as_uuid()),
            contact_lists::name.eq(name),
        ))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(contact_lists::table
        .filter(contact_lists::client_id.eq(client.as_uuid()))
        .filter(contact_lists::name.eq(name))
        .select(contact_lists::id)
        .first(connection)?)
}

/// Whether the client has any contact.
pub fn has_contacts(connection: &mut PgConnection, client: ClientId) -> Result<bool, StoreError> {
    let any = contacts::table.filter(contacts::client_id.eq(client.as_uuid()));
    Ok(diesel::select(diesel::dsl::exists(any)).get_result(connection)?)
}
