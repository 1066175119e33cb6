//! Erases a client and everything that belongs to it, while other clients are served.
//!
//! The client's keys and webhooks go first, so that no server takes further requests for it. Then its contacts go in
//! slices, each in a short transaction. The client itself goes last, with its lists and the words that writers have added
//! since the slices. So an erasure that was interrupted can be run again.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::distribution;
use super::error::StoreError;
use super::fence::Fences;
use super::schema::{api_keys, clients, contact_lists, contact_words, contact_words_left, contacts, webhooks};
use super::transaction::retry_transaction;
use crate::domain::client::ClientId;

/// The most contacts, or words, that one transaction erases.
const SLICE: i64 = 1_000;

/// Attempts to delete the client's row. An attempt fails if a writer has added a contact since the last slice. Servers
/// notice within a second that the keys are gone, and then accept no further writes.
const ATTEMPTS: usize = 100;

/// The time within which every server notices that a key is gone, twice over.
const NOTICE: Duration = Duration::from_secs(2);

/// How long an erasure on a distributed database waits for transactions that began before it.
const WRITERS_LIMIT: Duration = Duration::from_secs(60);

/// Why a client was not erased completely. What was erased stays erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a transaction runs in the database that began before the client's keys were gone")]
    OldTransaction,
}

/// What belongs to a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Belongings {
    pub contacts: i64,
    pub keys: i64,
    pub webhooks: i64,
}

/// Counts what belongs to a client. Keys are counted whether they still work or not.
///
/// # Errors
/// [`StoreError`]
pub fn belongings(connection: &mut PgConnection, client: ClientId) -> Result<Belongings, StoreError> {
    let client = client.as_uuid();
    Ok(Belongings {
        contacts: contacts::table
            .filter(contacts::client_id.eq(client))
            .count()
            .get_result(connection)?,
        keys: api_keys::table
            .filter(api_keys::client_id.eq(client))
            .count()
            .get_result(connection)?,
        webhooks: webhooks::table
            .filter(webhooks::client_id.eq(client))
            .count()
            .get_result(connection)?,
    })
}

/// Erases the client. Calls `observe` with the number of contacts that are gone so far. Returns the number at the end.
/// A client that does not exist is no error.
///
/// # Errors
/// [`StoreError::Contended`] if writers kept adding contacts. [`EraseError::OldTransaction`] if the database is
/// distributed, and a transaction has not ended in a minute. Other [`StoreError`]s.
pub fn erase_client(
    connection: &mut PgConnection,
    client: ClientId,
    mut observe: impl FnMut(u64),
) -> Result<u64, EraseError> {
    retry_transaction(connection, |connection| {
        diesel::delete(api_keys::table.filter(api_keys::client_id.eq(client.as_uuid()))).execute(connection)?;
        diesel::delete(webhooks::table.filter(webhooks::client_id.eq(client.as_uuid()))).execute(connection)?;
        Ok(())
    })?;
    if distribution::is_distributed(connection)? && !await_writers(connection)? {
        return Err(EraseError::OldTransaction);
    }
    let mut erased = 0;
    for _ in 0..ATTEMPTS {
        erase_contacts(connection, client, &mut |contacts| {
            erased += contacts;
            observe(erased);
        })?;
        erase_words(connection, client)?;
        match retry_transaction(connection, |connection| erase_rest(connection, client)) {
            Ok(()) => return Ok(erased),
            // A new contact refers to a list of the client.
            Err(error) if error.is_reference() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Contended.into())
}

/// Waits until all servers have noticed that the keys are gone, and the writes of their requests have ended. On a
/// distributed database no foreign key refuses a contact of a client that is gone. A transaction that only reads counts
/// as well, such as a backup. Returns whether all have ended in time.
fn await_writers(connection: &mut PgConnection) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Now {
        #[diesel(sql_type = BigInt)]
        microseconds: i64,
    }
    thread::sleep(NOTICE);
    let fences = Fences::of(connection)?;
    let now: Now = sql_query("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS microseconds")
        .get_result(connection)?;
    let start = Instant::now();
    while fences.oldest_running(connection)? < now.microseconds {
        if start.elapsed() > WRITERS_LIMIT {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(true)
}

/// Erases the client without contacts. A distributed database has no foreign keys that would erase the lists and words.
///
/// The lock waits for writers that add a list, and keeps others from doing so ([`clients::lock_client`]). The lists go
/// first: a contact that a writer has added refers to one, and its words are visible afterwards.
///
/// [`clients::lock_client`]: super::clients::lock_client
fn erase_rest(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    let client = client.as_uuid();
    let locked = clients::table.find(client).select(clients::id).for_update();
    locked.first::<Uuid>(connection).optional()?;
    diesel::delete(contact_lists::table.filter(contact_lists::client_id.eq(client))).execute(connection)?;
    diesel::delete(contact_words_left::table.filter(contact_words_left::client_id.eq(client))).execute(connection)?;
    diesel::delete(contact_words::table.filter(contact_words::client_id.eq(client))).execute(connection)?;
    diesel::delete(clients::table.find(client)).execute(connection)?;
    Ok(())
}

/// The next contacts after the id $2, in the order in which other writers lock them. The position keeps each slice from
/// reading the index entries of all contacts that are gone.
const NEXT_CONTACTS: &str = "
    DELETE FROM contacts
    WHERE client_id = $1 AND id IN (
        SELECT id FROM contacts WHERE client_id = $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE)
    RETURNING id";

/// The trigger of `contacts` has queued the words of the slice, for a look whether other contacts have them. No other
/// contact of the client stays.
const WORDS_LEFT: &str = "DELETE FROM contact_words_left WHERE client_id = $1";

fn erase_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    observe: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Erased {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let mut last = Uuid::nil();
    loop {
        let erased: Vec<Erased> = retry_transaction(connection, |connection| {
            let erased = sql_query(NEXT_CONTACTS)
                .bind::<SqlUuid, _>(client.as_uuid())
                .bind::<SqlUuid, _>(last)
                .bind::<BigInt, _>(SLICE)
                .load(connection)?;
            sql_query(WORDS_LEFT)
                .bind::<SqlUuid, _>(client.as_uuid())
                .execute(connection)?;
            Ok(erased)
        })?;
        let Some(greatest) = erased.iter().map(|contact| contact.id).max() else {
            return Ok(());
        };
        last = greatest;
        observe(erased.len() as u64);
    }
}

/// The next words from the word $2 on.
const NEXT_WORDS: &str = "
    WITH erased AS (
        DELETE FROM contact_words
        WHERE client_id = $1 AND (word, id) IN (
            SELECT word, id FROM contact_words WHERE client_id = $1 AND word >= $2 ORDER BY word, id LIMIT $3)
        RETURNING word)
    SELECT max(word) AS last FROM erased";

fn erase_words(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Erased {
        #[diesel(sql_type = Nullable<Text>)]
        last: Option<String>,
    }
    let mut last = Some(String::new());
    while let Some(first) = last {
        last = retry_transaction(connection, |connection| {
            let erased: Erased = sql_query(NEXT_WORDS)
                .bind::<SqlUuid, _>(client.as_uuid())
                .bind::<Text, _>(&first)
                .bind::<BigInt, _>(SLICE)
                .get_result(connection)?;
            Ok(erased.last)
        })?;
    }
    Ok(())
}
