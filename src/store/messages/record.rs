//! Records messages: updates the activity of their contacts, and makes missing contacts.

use std::collections::HashSet;
use std::time::Instant;

use diesel::pg::PgConnection;
use diesel::result::Error as DieselError;

use super::find::{FoundContact, find_contacts};
use super::locked::{OnLocked, lock_contacts, update_contacts};
use super::missing::{insert_missing, missing_contacts};
use super::new_ids::give_new_ids;
use super::outcome::{MessageOutcome, Recorded};
use super::runs::run_length;
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::message::{Content, Message, Target};
use crate::store::clients::ensure_list;
use crate::store::error::StoreError;
use crate::store::locks::{lock_bulk_writes, lock_lines};
use crate::store::transaction::{is_open, retry_transaction, transaction};

/// Records messages, and returns the results in their order.
///
/// A message can attach an identity to a contact and so change which contact later messages resolve to.
/// `messages/runs.rs` splits the messages into runs that are safe to record in one transaction each, and
/// `shared_length` may end a run earlier. A run locks its contacts in the order of their ids, so that batches with the
/// same contacts wait for each other. If two batches still deadlock, one is retried. Messages are added to the locked
/// contact, not to the contact as it was found.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Late`] if `deadline` passes. The runs before the failed one are recorded, except in an
/// open transaction. A retry with the same messages records the rest.
pub fn record_messages(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
    deadline: Instant,
) -> Result<Vec<Recorded>, StoreError> {
    let mut results = Vec::with_capacity(messages.len());
    record_rest(connection, client, messages, &mut results, deadline)?;
    Ok(results)
}

/// Records the messages that have no result yet, and appends theirs. After an error a call with the same messages and
/// results continues with the run that failed.
///
/// # Errors
/// The same as [`record_messages`].
pub fn record_rest(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
    results: &mut Vec<Recorded>,
    deadline: Instant,
) -> Result<(), StoreError> {
    if is_open(connection) {
        // The failure of an earlier call has rolled back the messages that it had recorded.
        results.clear();
    }
    while let rest @ [_, ..] = &messages[results.len()..] {
        if Instant::now() > deadline {
            return Err(StoreError::Late);
        }
        let run = &rest[..run_length(rest)];
        results.extend(retry_transaction(connection, |connection| {
            record_run(connection, client, run)
        })?);
    }
    Ok(())
}

/// Records the messages that only change the activity of an existing contact, in one transaction. Never waits for a
/// contact that another writer has locked. Returns the results in the order of the messages; `None` means that the
/// message was not recorded and must be recorded on its own.
///
/// # Errors
/// [`StoreError`]; no message is recorded then.
pub fn record_together(
    connection: &mut PgConnection,
    client: ClientId,
    messages: &[Message],
) -> Result<Vec<Option<Recorded>>, StoreError> {
    transaction(connection, |connection| {
        let found = find_contacts(connection, client, messages)?;
        let before = lock_contacts(connection, client, &found, OnLocked::Skip)?;
        let mut contacts = before.clone();
        let record = |(message, found): (&Message, &FoundContact)| {
            if message.is_ahead(found.now) {
                return Some(MessageOutcome::Ahead.into());
            }
            if matches!(message.content, Content::NewIds(_)) {
                return None;
            }
            let Some(id) = found.contact_id else {
                return message.new_contact.is_none().then_some(MessageOutcome::NotFound.into());
            };
            let contact = contacts.get_mut(&id).filter(|contact| contact.is_meant_by(message))?;
            let keeps_phone = contact.keeps_phone(message);
            let mut changed = contact.clone();
            changed.add(message, &mut HashSet::new());
            if !changed.differs_only_in_activity(contact) {
                return None;
            }
            let outcome = if changed == *contact {
                MessageOutcome::Unchanged
            } else {
                MessageOutcome::Updated
            };
            *contact = changed;
            Some(Recorded { outcome, keeps_phone })
        };
        let results = messages.iter().zip(&found).map(record).collect();
        update_contacts(connection, client, &before, &contacts)?;
        Ok(results)
    })
}

/// The number of messages that can be recorded together, now that their contacts are found.
///
/// A message that can move its contact to another line is the last one, since later messages no longer find the contact
/// on its former line. A message that finds its contact by former ids is recorded alone, since a message before it
/// can give those ids to another contact.
fn shared_length(run: &[Message], found: &[FoundContact]) -> usize {
    for (index, (message, found)) in run.iter().zip(found).enumerate() {
        if found.by_former_ids {
            return index.max(1);
        }
        if found.can_leave_its_line(message) {
            return index + 1;
        }
    }
    run.len()
}

/// Runs of this size or more wait for the client's bulk lock; smaller ones, such as those of a webhook, never do.
const BULK_RUN: usize = 10;

/// Records the first messages of a run, at least one, and returns their results.
fn record_run(connection: &mut PgConnection, client: ClientId, run: &[Message]) -> Result<Vec<Recorded>, StoreError> {
    if let [message] = run
        && let (Target::Person(former), Content::NewIds(new)) = (&message.target, &message.content)
    {
        let outcome = give_new_ids(connection, client, former, new, message)?;
        return Ok(vec![outcome.into()]);
    }
    if run.len() >= BULK_RUN {
        lock_bulk_writes(connection, client)?;
    }
    let mut found = find_contacts(connection, client, run)?;
    let messages = &run[..shared_length(run, &found)];
    found.truncate(messages.len());
    let new_lines = messages
        .iter()
        .zip(&found)
        .filter_map(|(message, found)| found.new_line(message));
    let lines: Vec<_> = missing_contacts(messages, &found)
        .filter_map(|missing| missing.line())
        .chain(new_lines)
        .collect();
    let mut created = HashSet::new();
    if missing_contacts(messages, &found).next().is_some() {
        let list = ensure_list(connection, client, DEFAULT_LIST)?;
        lock_lines(connection, client, &lines)?;
        found = find_contacts(connection, client, messages)?;
        created = insert_missing(connection, client, list, missing_contacts(messages, &found))?;
        found = find_contacts(connection, client, messages)?;
    } else if !lines.is_empty() {
        lock_lines(connection, client, &lines)?;
        found = find_contacts(connection, client, messages)?;
    }
    let before = lock_contacts(connection, client, &found, OnLocked::Wait)?;
    // Before the lock another writer may have deleted the contact, or changed its identity.
    let is_stale = |(message, found): (&Message, &FoundContact)| {
        let contact = found.contact_id.map(|id| before.get(&id));
        contact.is_some_and(|contact| contact.is_none_or(|contact| !contact.is_meant_by(message)))
    };
    if messages.iter().zip(&found).any(is_stale)
        || missing_contacts(messages, &found).next().is_some()
        || shared_length(messages, &found) < messages.len()
    {
        return Err(DieselError::RollbackTransaction.into());
    }
    let mut contacts = before.clone();
    let mut results = Vec::with_capacity(messages.len());
    let mut adopted = HashSet::new();
    for (index, (message, found)) in messages.iter().zip(&found).enumerate() {
        let mut keeps_phone = false;
        let outcome = match found.contact_id.and_then(|id| contacts.get_mut(&id)) {
            _ if message.is_ahead(found.now) => MessageOutcome::Ahead,
            None => MessageOutcome::NotFound,
            // A later message of the batch made the contact, so for this one it does not exist yet.
            Some(contact) if message.new_contact.is_none() && created.contains(&contact.id) => MessageOutcome::NotFound,
            // Another writer has just changed the contact. The next attempt ends the run here.
            Some(contact) if index + 1 < messages.len() && contact.leaves_its_line(message) => {
                return Err(DieselError::RollbackTransaction.into());
            }
            Some(contact) => {
                let known = contact.clone();
                keeps_phone = contact.keeps_phone(message);
                contact.add(message, &mut adopted);
                if created.remove(&contact.id) {
                    MessageOutcome::Created
                } else if *contact != known {
                    MessageOutcome::Updated
                } else {
                    MessageOutcome::Unchanged
                }
            }
        };
        results.push(Recorded { outcome, keeps_phone });
    }
    update_contacts(connection, client, &before, &contacts)?;
    Ok(results)
}
