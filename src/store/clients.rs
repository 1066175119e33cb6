//! Clients (organisations) and their contact lists.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError, OptionalEmptyChangesetExtension};
use uuid::Uuid;

use super::error::StoreError;
use super::schema::{clients, contact_lists};
use super::transaction::transaction;
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::phone::Region;

/// A client as operators see it.
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
            // The column has a check. A region that newer phone metadata dropped falls back to the default.
            default_region: Region::from_str(&row.default_region).unwrap_or(Region::DEFAULT),
            created_at: row.created_at,
        }
    }
}

/// Makes a client together with its default contact list.
///
/// # Errors
/// [`StoreError::Exists`] if a client of that name exists.
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

/// Changes the client's name, its region, or both. Servers read its keys again, and with them the new region, within a
/// second. Returns `false` if the client doesn't exist. Without a name and a region it returns `true` and doesn't check
/// whether the client exists.
///
/// # Errors
/// [`StoreError::Exists`] if another client has the name.
pub fn edit_client(
    connection: &mut PgConnection,
    client: ClientId,
    name: Option<&str>,
    region: Option<Region>,
) -> Result<bool, StoreError> {
    let changes = (
        name.map(|name| clients::name.eq(name)),
        region
            .as_ref()
            .map(|region| clients::default_region.eq(region.as_str())),
    );
    let count = diesel::update(clients::table.find(client.as_uuid()))
        .set(changes)
        .execute(connection)
        .optional_empty_changeset()?;
    Ok(count.is_none_or(|count| count > 0))
}

/// Runs `make` in a transaction if no client exists; `None` if one exists. If two servers start at the same moment, one
/// makes the client, and the other waits and finds it.
///
/// # Errors
/// Those of `make`, and [`StoreError`].
pub fn create_first<T, E: From<StoreError>>(
    connection: &mut PgConnection,
    make: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<Option<T>, E> {
    transaction(connection, |connection| {
        // Locks the table, since a row that doesn't exist can't be locked.
        diesel::sql_query("LOCK TABLE clients IN SHARE ROW EXCLUSIVE MODE")
            .execute(connection)
            .map_err(StoreError::from)?;
        let count: i64 = clients::table
            .count()
            .get_result(connection)
            .map_err(StoreError::from)?;
        if count > 0 {
            Ok(None)
        } else {
            make(connection).map(Some)
        }
    })
}

/// All clients, ordered by name.
///
/// # Errors
/// [`StoreError`]
pub fn list_clients(connection: &mut PgConnection) -> Result<Vec<Client>, StoreError> {
    let rows = clients::table
        .select(ClientRow::as_select())
        .order(clients::name)
        .load(connection)?;
    Ok(rows.into_iter().map(Client::from).collect())
}

/// Finds a client by its id or its exact name. An id takes precedence.
///
/// # Errors
/// [`StoreError`]
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

/// Finds or makes the client's contact list of that name, and returns its id.
///
/// # Errors
/// [`StoreError`]
pub fn ensure_list(connection: &mut PgConnection, client: ClientId, name: &str) -> Result<i64, StoreError> {
    let find = |connection: &mut PgConnection| {
        contact_lists::table
            .filter(contact_lists::client_id.eq(client.as_uuid()))
            .filter(contact_lists::name.eq(name))
            .select(contact_lists::id)
            .first(connection)
    };
    if let Some(id) = find(connection).optional()? {
        return Ok(id);
    }
    let made = diesel::insert_into(contact_lists::table)
        .values((
            contact_lists::client_id.eq(client.as_uuid()),
            contact_lists::name.eq(name),
        ))
        .on_conflict_do_nothing()
        .execute(connection)?;
    if made > 0 {
        lock_client(connection, client)?;
    }
    Ok(find(connection)?)
}

/// Locks the client of a new contact list until the transaction ends, so that its erasure sees the list. The foreign key
/// of the list does the same, but a distributed database lacks it.
///
/// # Errors
/// [`StoreError`], also if the client does not exist any more.
pub(super) fn lock_client(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    let id: Option<Uuid> = clients::table
        .find(client.as_uuid())
        .select(clients::id)
        .for_key_share()
        .first(connection)
        .optional()?;
    let gone = || {
        let message = Box::new("the client does not exist any more".to_owned());
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, message)
    };
    id.ok_or_else(gone)?;
    Ok(())
}
