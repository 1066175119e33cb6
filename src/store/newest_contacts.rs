//! `contacts_newest`, which a trigger keeps (`migrations/…_contacts_newest`), is kept small here.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};

use super::error::StoreError;

/// How many contacts it keeps, of all clients together. A term that is in one of two hundred is found among so many, and
/// of up to ten million contacts VACUUM has seen the others: it comes when a hundredth has changed.
pub const KEPT: i64 = 100_000;

/// Deleted at a time: a message to one of them waits for as long as that takes.
const DELETED_AT_ONCE: i64 = 5_000;

/// Raises the border where it is older than two days, to a day: else an import of last year's contacts would bring them
/// all here where few messages come. Also where there are a quarter more than `kept`, so that the newest `kept` stay
/// (fewer where more of them have one time).
///
/// Of millions, which an import may bring, it looks at some alone, whose newest are never newer than those of all: so it
/// takes as long as ever, and more remain, for the next time.
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

/// Deletes some of the contacts that are older than the border, and says whether there may be more of them. Those that a
/// writer has locked are left out: two who wait for each other would stop both. They are looked for before any is locked,
/// since that may take long.
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
