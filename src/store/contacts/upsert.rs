//! Upserts: finds the contact a draft refers to, and updates or creates it.
//!
//! The rules are those of an import (`import/merge.rs`). The first rule that fits decides:
//!
//! 1. A draft with an external id refers to the contact that has it; otherwise to the oldest contact of the channel on
//!    the phone's line without an external id, which adopts the id; otherwise to a new contact.
//! 2. A draft with a phone refers to the oldest contact of the channel on its line; otherwise to a new contact.
//! 3. A draft with an email alone refers to the oldest contact of the channel that has the email; otherwise to a new
//!    contact.
//!
//! A line is a match key and an extension. On a line the same number comes before an equivalent one. A phone that
//! identifies nobody has no line, and counts as not given here.
//!
//! A concurrent writer can change the contact before it is locked, or make the same contact first. Then the upsert
//! looks again. The locks of `store/locks.rs` keep two writers from making one person twice.

use std::time::Instant;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use strum::IntoStaticStr;
use uuid::Uuid;

use super::attributes::{Attributes, PhoneOutcome, lock_attributes, update_attributes};
use super::candidate::find_candidate;
use super::list_ids::ListIds;
use super::row::{ContactRow, find_contact};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::{ContactDraft, ContactError, ContactFields};
use crate::store::error::StoreError;
use crate::store::locks::{lock_bulk_writes, lock_lines};
use crate::store::schema::contacts;
use crate::store::transaction::{ATTEMPTS, database_now, is_open, retry_transaction};

/// The effect of an upsert on its contact. As a static string, it is its name in lower case: `created`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum UpsertOutcome {
    Created,
    Updated,
    /// The contact had all values already, and nothing was written.
    Unchanged,
}

/// The contact of an upsert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upserted {
    pub outcome: UpsertOutcome,
    pub id: Uuid,
    pub serial_id: i64,
    /// Whether the contact kept its phone, because it is better than the given one. All else was written.
    pub keeps_phone: bool,
}

/// Upserts one contact, and returns the resulting contact and the effect of the upsert.
///
/// Fields that aren't given stay, and so does a phone of more worth than the given one. Times of messages only move
/// forward. `created_at` is only used for a new contact. A new contact without a source gets `api`, and one without a
/// list gets the client's default list.
///
/// # Errors
/// [`StoreError::Contended`] if all attempts lost to concurrent writers, and others of [`StoreError`].
pub fn upsert_contact(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
) -> Result<(ContactRow, Upserted), StoreError> {
    retry_transaction(connection, |connection| {
        let upserted = upsert(connection, &mut ListIds::new(client), draft)?;
        let row = find_contact(connection, client, upserted.id)?.ok_or(StoreError::Contended)?;
        Ok((row, upserted))
    })
}

/// Contacts of a batch per transaction. They stay locked until it ends, and other writers of them wait.
const CHUNK: usize = 100;

/// Upserts many contacts in the given order, each like [`upsert_contact`], and appends their outcomes. Contacts that
/// have an outcome already are skipped. An invalid contact gets its own error and doesn't stop the others.
///
/// # Errors
/// [`StoreError::Contended`] as in [`upsert_contact`], and [`StoreError::Late`] if `deadline` passes. The contacts with
/// an outcome are written already, except in an open transaction. Another call with the same contacts and outcomes
/// writes the rest.
pub fn upsert_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    given: &[ContactFields],
    outcomes: &mut Vec<Result<Upserted, ContactError>>,
    deadline: Instant,
) -> Result<(), StoreError> {
    if is_open(connection) {
        // The failure of an earlier call has rolled back the contacts that it had written.
        outcomes.clear();
    }
    let now = database_now(connection)?;
    let rest = given[outcomes.len()..].iter().cloned();
    let drafts: Vec<_> = rest.map(|given| ContactDraft::new(given, now)).collect();
    for chunk in drafts.chunks(CHUNK) {
        outcomes.extend(retry_transaction(connection, |connection| {
            upsert_chunk(connection, client, chunk, deadline)
        })?);
    }
    Ok(())
}

fn upsert_chunk(
    connection: &mut PgConnection,
    client: ClientId,
    drafts: &[Result<ContactDraft, ContactError>],
    deadline: Instant,
) -> Result<Vec<Result<Upserted, ContactError>>, StoreError> {
    lock_bulk_writes(connection, client)?;
    let mut lists = ListIds::new(client);
    lists.prepare(connection, drafts.iter().flatten())?;
    drafts
        .iter()
        .map(|draft| match draft {
            _ if Instant::now() > deadline => Err(StoreError::Late),
            Ok(draft) => upsert(connection, &mut lists, draft).map(Ok),
            Err(refusal) => Ok(Err(refusal.clone())),
        })
        .collect()
}

fn upsert(connection: &mut PgConnection, lists: &mut ListIds, draft: &ContactDraft) -> Result<Upserted, StoreError> {
    let client = lists.client;
    let given = draft.given();
    let list = given
        .contact_list
        .as_deref()
        .map(|name| lists.id(connection, name))
        .transpose()?;
    let line = given.phone.as_ref().filter(|phone| phone.identifies);
    let line = line.and_then(|phone| phone.key.as_deref());
    let line = line.map(|line| (draft.platform(), line));
    let mut has_lock = false;
    for _ in 0..ATTEMPTS {
        if let Some(found) = find_candidate(connection, client, draft)? {
            let Some(present) = lock_attributes(connection, client, found.id)? else {
                continue;
            };
            if !found.is_unchanged(&present) {
                // Another writer has just changed the contact. The next attempt must not keep it locked.
                return Err(DieselError::RollbackTransaction.into());
            }
            let mut wanted = present.clone();
            let phone = wanted.merge(given, list);
            let outcome = if wanted == present {
                UpsertOutcome::Unchanged
            } else {
                update_attributes(connection, client, found.id, &wanted)?;
                UpsertOutcome::Updated
            };
            return Ok(Upserted {
                outcome,
                id: found.id,
                serial_id: found.serial_id,
                keeps_phone: phone == PhoneOutcome::Kept,
            });
        }
        let list = list.map_or_else(|| lists.id(connection, DEFAULT_LIST), Ok)?;
        if !has_lock {
            lock_lines(connection, client, line.as_slice())?;
            has_lock = true;
            // Only a draft with a line searches again. Without one, a unique index excludes a second contact.
            if line.is_some() {
                continue;
            }
        }
        if let Some(created) = insert(connection, client, draft, list)? {
            return Ok(created);
        }
    }
    Err(StoreError::Contended)
}

/// Makes the contact; `None` if another writer has just made a contact of its identity.
fn insert(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
    list: i64,
) -> QueryResult<Option<Upserted>> {
    let given = draft.given();
    let mut attributes = Attributes::blank(list);
    attributes.merge(given, None);
    let id = Uuid::now_v7();
    let serial_id = diesel::insert_into(contacts::table)
        .values((
            contacts::client_id.eq(client.as_uuid()),
            contacts::id.eq(id),
            contacts::platform.eq(draft.platform()),
            given.created_at.map(|at| contacts::created_at.eq(at)),
            attributes,
        ))
        .on_conflict_do_nothing()
        .returning(contacts::serial_id)
        .get_result(connection)
        .optional()?;
    Ok(serial_id.map(|serial_id| Upserted {
        outcome: UpsertOutcome::Created,
        id,
        serial_id,
        keeps_phone: false,
    }))
}
