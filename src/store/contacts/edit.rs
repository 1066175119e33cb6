//! Edits and deletes single contacts.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use uuid::Uuid;

use super::attributes::{lock_attributes, update_attributes};
use super::row::{ContactRow, find_contact};
use crate::domain::client::ClientId;
use crate::domain::contact::ContactEdit;
use crate::store::clients::ensure_list;
use crate::store::error::StoreError;
use crate::store::schema::contacts;
use crate::store::transaction::ATTEMPTS;

/// Why a contact was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("the client has no such contact")]
    NotFound,
    #[error("the contact would have no external id, phone or email left")]
    NoIdentity,
    /// The identity that the contact would have belongs to another contact of the channel.
    #[error("another contact of the channel has that identity")]
    Taken(#[source] StoreError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for EditError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(_) => EditError::Taken(error),
            error => EditError::Store(error),
        }
    }
}

impl From<DieselError> for EditError {
    fn from(error: DieselError) -> Self {
        StoreError::from(error).into()
    }
}

/// Edits the client's contact of that id, and returns the edited contact. Makes the list if it doesn't exist.
///
/// # Errors
/// [`EditError`]; the contact is unchanged then.
pub fn edit_contact(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    edit: &ContactEdit,
) -> Result<ContactRow, EditError> {
    let mut attempt = 1;
    loop {
        // A deadlock with a batch is possible, and retried: each may hold a lock that the other waits for.
        match connection.transaction(|connection| try_edit(connection, client, id, edit)) {
            Err(EditError::Store(StoreError::Contended)) if attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn try_edit(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    edit: &ContactEdit,
) -> Result<ContactRow, EditError> {
    // Makes the list before it locks the contact, as every writer does: the other order could deadlock.
    let list = edit.changes().contact_list.as_deref();
    let list = list.map(|name| ensure_list(connection, client, name)).transpose()?;
    let present = lock_attributes(connection, client, id)?.ok_or(EditError::NotFound)?;
    let mut wanted = present.clone();
    wanted.edit(edit, list);
    if !wanted.has_identity() {
        return Err(EditError::NoIdentity);
    }
    if wanted != present {
        update_attributes(connection, client, id, &wanted)?;
    }
    find_contact(connection, client, id)?.ok_or(EditError::NotFound)
}

/// Deletes the client's contact of that id. `false` if it doesn't exist.
///
/// # Errors
/// [`StoreError`]
pub fn delete_contact(connection: &mut PgConnection, client: ClientId, id: Uuid) -> Result<bool, StoreError> {
    let deleted = diesel::delete(contacts::table.find((client.as_uuid(), id))).execute(connection)?;
    Ok(deleted > 0)
}
