//! Trims `contacts_newest`, which a trigger fills (`migrations/…_contacts_newest`).

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};

use super::error::StoreError;

/// Rows that `contacts_newest` keeps, of all clients together. They suffice for the walk of a search if one contact in
/// two hundred has the term.
///
/// A walk of `contacts` is fast where VACUUM has seen the rows. VACUUM runs after one percent of the contacts has
/// changed. With up to ten million contacts, one percent is at most `KEPT`, so VACUUM has seen the contacts that
/// `contacts_newest` lacks.
pub const KEPT: i64 = 100_000;

/// Rows per DELETE. A message to one of their contacts waits until the DELETE has finished.
const DELETED_AT_ONCE: i64 = 5_000;

/// Raises the border, which is the time of the oldest message that `contacts_newest` keeps. The
/// border moves in two cases. A border older than two days moves to one day ago: otherwise, in a
/// database with few messages, an import of last year's contacts would copy all of them into
/// `contacts_newest`. If the table has a quarter more than `kept` rows, the border moves so that
/// the newest `kept` remain (fewer if many share one time).
///
/// Reads a sample of at most 5×`kept` rows, so that the cost stays constant. The newest rows of a
/// sample are never newer than those of the table, so the border never rises too far. After a large
/// import the border needs several rounds.
///
/// # Errors
/// [`StoreError`]
pub fn raise_border(connection: &mut PgConnection, kept: i64) -> Result<(), StoreError> {
    connection.batch_execute(
        "UPDATE contacts_newest_border SET since = now() - interval '1 day' WHERE since < now() - interval '2 days'",
    )?;
    sql_query(
        "WITH some_of_them AS MATERIALIZED (
             SELECT last_message_at FROM contacts_newest
             WHERE last_message_at >= (SELECT since FROM contacts_newest_border)
             LIMIT $1 * 5
         )
         UPDATE contacts_newest_border
         SET since = beyond.last_message_at + interval '1 microsecond'
         FROM (SELECT last_message_at FROM some_of_them
               WHERE (SELECT count(*) FROM some_of_them) > $1 * 5 / 4
               ORDER BY last_message_at DESC OFFSET $1 LIMIT 1) AS beyond
         WHERE since <= beyond.last_message_at",
    )
    .bind::<BigInt, _>(kept)
    .execute(connection)?;
    Ok(())
}

/// Deletes one batch of rows older than the border, and returns whether more may exist. Skips rows that a writer has
/// locked, which avoids a deadlock. Finds the rows before it locks any, since the search may take long.
///
/// # Errors
/// [`StoreError`]
pub fn delete_old(connection: &mut PgConnection) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Done {
        #[diesel(sql_type = Bool)]
        may_be_more: bool,
    }
    let done: Done = sql_query(
        "WITH old AS MATERIALIZED (
             SELECT ctid AS place FROM contacts_newest
             WHERE last_message_at < (SELECT since FROM contacts_newest_border)
             LIMIT $1
         ), free AS MATERIALIZED (
             SELECT ctid AS place FROM contacts_newest WHERE ctid = ANY(ARRAY(SELECT place FROM old))
             FOR UPDATE SKIP LOCKED
         ), deleted AS (
             DELETE FROM contacts_newest WHERE ctid = ANY(ARRAY(SELECT place FROM free)) RETURNING 1
         )
         SELECT (SELECT count(*) FROM old) = $1 AND EXISTS (SELECT FROM deleted) AS may_be_more",
    )
    .bind::<BigInt, _>(DELETED_AT_ONCE)
    .get_result(connection)?;
    Ok(done.may_be_more)
}
