//! Removes words that no contact has any more from `contact_words`, the dictionary of a client's words.
//!
//! A writer adds a word only if the dictionary lacks it. So a word must stay while a running transaction relies on it.
//! Each word goes through three steps, one in each run:
//!
//! 1. **Leaving.** A word of `contact_words_left` that no contact has is marked. From now on writers add the word anew,
//!    as if the marked one were not there. Searches still read it.
//! 2. **Fence.** A later transaction notes its id (`store::fence`).
//! 3. **Removal.** When all transactions that rely on the word have ended, every contact of those writers is visible. If
//!    one has the word, the mark is taken away. Otherwise the word is removed.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::error::StoreError;
use super::fence::Fences;
use super::transaction::transaction;

/// The most words of a client that one transaction marks, and the most that one removes.
const WORDS_AT_ONCE: usize = 500;

/// Of the words in $2, those that a contact of the client $1 has. Words have neither quotes nor backslashes.
const USED: &str = include_str!("unused_words.sql");

/// A row with a word, of `contact_words` or `contact_words_left`.
#[derive(QueryableByName)]
struct WordRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct ClientRow {
    #[diesel(sql_type = SqlUuid)]
    client_id: Uuid,
}

/// Takes the words of every client one step further. Returns whether `contact_words_left` may have more
/// words.
///
/// # Errors
/// [`StoreError`]
pub fn remove_unused_words(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let fences = Fences::of(connection)?;
    let oldest = fences.oldest_running(connection)?;
    for client in clients(
        connection,
        "SELECT DISTINCT client_id FROM contact_words WHERE is_leaving",
    )? {
        transaction(connection, |connection| remove(connection, client, oldest))?;
        transaction(connection, |connection| set_fence(connection, client, fences))?;
    }
    let mut may_be_more = false;
    for client in clients(connection, "SELECT DISTINCT client_id FROM contact_words_left")? {
        may_be_more |= transaction(connection, |connection| mark(connection, client))?;
    }
    Ok(may_be_more)
}

fn clients(connection: &mut PgConnection, statement: &str) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<ClientRow> = sql_query(statement).load(connection)?;
    Ok(rows.into_iter().map(|row| row.client_id).collect())
}

/// The third step, for words whose fence is at most `oldest`.
fn remove(connection: &mut PgConnection, client: Uuid, oldest: i64) -> Result<(), StoreError> {
    let words: Vec<WordRow> =
        sql_query("SELECT id, word FROM contact_words WHERE client_id = $1 AND is_leaving AND fence <= $2 LIMIT $3")
            .bind::<SqlUuid, _>(client)
            .bind::<BigInt, _>(oldest)
            .bind::<BigInt, _>(WORDS_AT_ONCE as i64)
            .load(connection)?;
    let used = used(connection, client, &words)?;
    let (used, unused): (Vec<&WordRow>, Vec<&WordRow>) = words.iter().partition(|row| used.contains(&row.word));
    let ids = |rows: Vec<&WordRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    sql_query("UPDATE contact_words SET is_leaving = false, fence = NULL WHERE client_id = $1 AND is_leaving AND id = ANY($2)")
        .bind::<SqlUuid, _>(client)
        .bind::<Array<BigInt>, _>(ids(used))
        .execute(connection)?;
    sql_query("DELETE FROM contact_words WHERE client_id = $1 AND is_leaving AND id = ANY($2)")
        .bind::<SqlUuid, _>(client)
        .bind::<Array<BigInt>, _>(ids(unused))
        .execute(connection)?;
    Ok(())
}

/// The second step.
fn set_fence(connection: &mut PgConnection, client: Uuid, fences: &Fences) -> Result<(), StoreError> {
    sql_query(format!(
        "UPDATE contact_words SET fence = {} WHERE client_id = $1 AND is_leaving AND (fence IS NULL OR {})",
        fences.own, fences.is_foreign
    ))
    .bind::<SqlUuid, _>(client)
    .execute(connection)?;
    Ok(())
}

/// The first step. Returns whether the client may have more words to look at.
fn mark(connection: &mut PgConnection, client: Uuid) -> Result<bool, StoreError> {
    let left: Vec<WordRow> = sql_query("SELECT id, word FROM contact_words_left WHERE client_id = $1 LIMIT $2")
        .bind::<SqlUuid, _>(client)
        .bind::<BigInt, _>(WORDS_AT_ONCE as i64)
        .load(connection)?;
    let used = used(connection, client, &left)?;
    let unused = left.iter().map(|row| &row.word).filter(|word| !used.contains(word));
    sql_query("UPDATE contact_words SET is_leaving = true WHERE client_id = $1 AND word = ANY($2) AND NOT is_leaving")
        .bind::<SqlUuid, _>(client)
        .bind::<Array<Text>, _>(unused.collect::<Vec<_>>())
        .execute(connection)?;
    sql_query("DELETE FROM contact_words_left WHERE client_id = $1 AND id = ANY($2)")
        .bind::<SqlUuid, _>(client)
        .bind::<Array<BigInt>, _>(left.iter().map(|row| row.id).collect::<Vec<_>>())
        .execute(connection)?;
    Ok(left.len() == WORDS_AT_ONCE)
}

/// Of these words, those that a contact has.
fn used(connection: &mut PgConnection, client: Uuid, words: &[WordRow]) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct UsedWord {
        #[diesel(sql_type = Text)]
        word: String,
    }
    let mut words: Vec<&String> = words.iter().map(|row| &row.word).collect();
    words.sort_unstable();
    words.dedup();
    let used: Vec<UsedWord> = sql_query(USED)
        .bind::<SqlUuid, _>(client)
        .bind::<Array<Text>, _>(words)
        .load(connection)?;
    Ok(used.into_iter().map(|row| row.word).collect())
}
