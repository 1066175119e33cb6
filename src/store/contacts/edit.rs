//! Edits and deletes single contacts.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use uuid::Uuid;

use super::attributes::{lock_attributes, update_attributes};
use crate::domain::client::ClientId;
use crate::domain::contact::ContactEdit;
use crate::store::clients::ensure_list;
use crate::store::error::StoreError;
use crate::store::locks::lock_lines;
use crate::store::schema::contacts;
use crate::store::transaction::ATTEMPTS;

/// Why a contact was not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EditRefusal {
    /// The client has no such contact.
    NotFound,
    /// The contact would have no external id, phone or email left.
    NoIdentity,
    /// The contact has a phone of more worth than the given one.
    WorsePhone,
    /// The identity that the contact would have belongs to another contact of the channel.
    Taken,
}

/// Why the transaction of an edit is rolled back.
enum Failure {
    Refused(EditRefusal),
    Store(StoreError),
}

impl From<EditRefusal> for Failure {
    fn from(refusal: EditRefusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(_) => Failure::Refused(EditRefusal::Taken),
            error => Failure::Store(error),
        }
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        StoreError::from(error).into()
    }
}

/// A function that reads the client's contact of that id: [`find_contact`](super::find_contact), for example.
pub type Find<R> = fn(&mut PgConnection, ClientId, Uuid) -> Result<Option<R>, StoreError>;

/// Edits the client's contact of that id, and returns what `find` reads of the edited contact. Makes the list if it
/// doesn't exist. If the edit is refused, the contact is unchanged.
///
/// # Errors
/// [`StoreError`]; the contact is unchanged then.
pub fn edit_contact<R>(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    edit: &ContactEdit,
    find: Find<R>,
) -> Result<Result<R, EditRefusal>, StoreError> {
    let mut attempt = 1;
    loop {
        // A deadlock with a batch is possible, and retried: each may hold a lock that the other waits for.
        match connection.transaction(|connection| try_edit(connection, client, id, edit, find)) {
            Err(Failure::Store(StoreError::Contended)) if attempt < ATTEMPTS => attempt += 1,
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Refused(refusal)) => return Ok(Err(refusal)),
            Ok(row) => return Ok(Ok(row)),
        }
    }
}

fn try_edit<R>(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    edit: &ContactEdit,
    find: Find<R>,
) -> Result<R, Failure> {
    // Makes the list before it locks the contact, as every writer does: the other order could deadlock.
    let list = edit.changes().contact_list.as_deref();
    let list = list.map(|name| ensure_list(connection, client, name)).transpose()?;
    let platform: String = contacts::table
        .find((client.as_uuid(), id))
        .select(contacts::platform)
        .first(connection)
        .optional()?
        .ok_or(EditRefusal::NotFound)?;
    let phone = edit.phone(&platform);
    let given = phone.as_ref().and_then(Option::as_ref);
    // Locks the new line, so that no concurrent writer makes a contact on it. As in an upsert, the line is locked
    // before the contact.
    if let Some(key) = given
        .filter(|phone| phone.identifies)
        .and_then(|phone| phone.key.as_deref())
    {
        lock_lines(connection, client, &[(&platform, key)])?;
    }
    let present = lock_attributes(connection, client, id)?.ok_or(EditRefusal::NotFound)?;
    if given.is_some_and(|phone| present.has_better_phone(phone)) {
        return Err(EditRefusal::WorsePhone.into());
    }
    let mut wanted = present.clone();
    wanted.edit(edit, phone.as_ref().map(Option::as_ref), list);
    if present.has_identity() && !wanted.has_identity() {
        return Err(EditRefusal::NoIdentity.into());
    }
    if wanted.external_user_id.is_none()
        && wanted.line() != present.line()
        && let Some((key, extension)) = wanted.line()
        && is_line_taken(connection, client, &platform, key, extension)?
    {
        return Err(EditRefusal::Taken.into());
    }
    if wanted != present {
        update_attributes(connection, client, id, &wanted)?;
    }
    Ok(find(connection, client, id)?.ok_or(EditRefusal::NotFound)?)
}

/// Whether the channel has a contact without an external id on the line, whose identity is that line.
fn is_line_taken(
    connection: &mut PgConnection,
    client: ClientId,
    platform: &str,
    key: &str,
    extension: Option<&str>,
) -> QueryResult<bool> {
    let on_line = contacts::table
        .filter(contacts::client_id.eq(client.as_uuid()))
        .filter(contacts::platform.eq(platform))
        .filter(contacts::phone_key.eq(key))
        .filter(contacts::phone_extension.is_not_distinct_from(extension))
        .filter(contacts::phone_identifies)
        .filter(contacts::external_user_id.is_null());
    diesel::select(exists(on_line)).get_result(connection)
}

/// Deletes the client's contact of that id. `false` if it doesn't exist.
///
/// # Errors
/// [`StoreError`]
pub fn delete_contact(connection: &mut PgConnection, client: ClientId, id: Uuid) -> Result<bool, StoreError> {
    let deleted = diesel::delete(contacts::table.find((client.as_uuid(), id))).execute(connection)?;
    Ok(deleted > 0)
}
