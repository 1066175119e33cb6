//! Advisory locks of writers; they end with their transaction.
//!
//! A line is a platform and a match key here: all extensions of a number share one lock. The locks on lines keep
//! concurrent writers from making one person twice. A unique index can't: a person with a phone alone and the same
//! person with phone and external id belong to different indexes, and one line has several numbers (`+54…`, `+549…`).
//! So a writer that has found no contact, and is about to make one with a phone, locks the line, looks again, and only
//! then makes the contact.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid};

use super::error::StoreError;
use super::statement::Statement;
use crate::domain::client::ClientId;

/// Takes the per-line locks in sorted order, and a shared lock on the client so that [`lock_all_lines`] can exclude
/// every writer.
const LOCK_LINES: &str = "
    SELECT pg_advisory_xact_lock_shared(hashtextextended('creation ' || $1, 0))
    UNION ALL
    SELECT pg_advisory_xact_lock(line)
    FROM (
        SELECT DISTINCT hashtextextended(concat_ws(' ', 'creation', $1, platform, phone_key), 0) AS line
        FROM unnest($2::text[], $3::text[]) AS person (platform, phone_key)
        ORDER BY line
    ) AS lines";

/// Locks lines, given as platform and match key. Waits for writers that are making contacts on them. A writer that
/// makes a contact without a phone also calls this, without lines, so that [`lock_all_lines`] excludes it.
pub(super) fn lock_lines(
    connection: &mut PgConnection,
    client: ClientId,
    lines: &[(&str, &str)],
) -> Result<(), StoreError> {
    let (platforms, keys): (Vec<&str>, Vec<&str>) = lines.iter().copied().unzip();
    Statement::new(|| LOCK_LINES)
        .bind::<Text, _>(client.to_string())
        .bind::<Array<Text>, _>(platforms)
        .bind::<Array<Text>, _>(keys)
        .execute(connection)?;
    Ok(())
}

const LOCK_ALL_LINES: &str = "SELECT pg_advisory_xact_lock(hashtextextended('creation ' || $1, 0))";

/// Locks all lines of the client: waits for writers that are making contacts, and makes later ones wait.
pub(super) fn lock_all_lines(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    Statement::new(|| LOCK_ALL_LINES)
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}

/// Locks the client for a transaction that writes many contacts. Each such transaction locks contacts in an order of
/// its own, so two at a time could deadlock. Edits and upserts of one contact, runs of few messages, and imports before
/// their last attempt don't take this lock.
pub(super) fn lock_bulk_writes(connection: &mut PgConnection, client: ClientId) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('contacts ' || $1, 0))")
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}

/// Locks the contacts in the order in which other writers lock several contacts.
const LOCK_ALL_CONTACTS: &str = "
    SELECT count(*)
    FROM (SELECT 1 FROM contacts WHERE client_id = $1 ORDER BY id FOR NO KEY UPDATE) AS locked";

/// Makes all other writers of the client's contacts wait, those of new contacts too. Waits for the present writers.
///
/// The caller must hold the lock on bulk writes. A bulk write locks contacts first and lines later, so without that
/// lock both could wait for each other.
pub(super) fn lock_all_contacts(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    lock_all_lines(connection, client)?;
    diesel::sql_query(LOCK_ALL_CONTACTS)
        .bind::<Uuid, _>(client.as_uuid())
        .execute(connection)?;
    Ok(())
}

/// Locks the client for an import, or for a recheck that writes its changes, so that they run one after the other.
/// Other writers don't take this lock.
pub(super) fn lock_imports(connection: &mut PgConnection, client: ClientId) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))")
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}

/// Locks the list of pending grams for a transaction that adds or changes many contacts. Until the transaction ends,
/// [`crate::store::search_index::insert_pending_grams`] does not empty the list. Waits while it empties it.
///
/// While another session empties the list, a writer only appends
/// to it. A writer of many contacts does that faster than the other session empties it. So the list would grow, and
/// every search would read it, until the writer ends.
///
/// `contact_texts_add` takes the same lock. If a server holds it, only a statement with 100 contacts or more waits.
pub(super) fn lock_pending_grams(connection: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock_shared(hashtextextended('pending grams', 0))")
        .execute(connection)?;
    Ok(())
}
