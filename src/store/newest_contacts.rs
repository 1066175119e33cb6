//! Trims `contacts_newest`, which triggers fill (`migrations/…_contacts_newest`).

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::error::StoreError;
use super::transaction::transaction;

/// Rows that `contacts_newest` keeps, of all clients together. A walk of `store::search` reads at most 10,200
/// rows of a client.
///
/// A walk of `contacts` is fast where VACUUM has seen the rows. VACUUM runs after one percent of the contacts has
/// changed. With up to ten million contacts, one percent is at most `KEPT`, so VACUUM has seen the contacts that
/// `contacts_newest` lacks.
pub const KEPT: i64 = 100_000;

/// Rows that are deleted at once. A message to one of their contacts waits until they are deleted.
const DELETED_AT_ONCE: i64 = 5_000;

/// A moment, which can be infinite.
#[derive(QueryableByName)]
struct MomentRow {
    #[diesel(sql_type = Timestamptz)]
    moment: PgTimestamp,
}

/// The border. None of its writers lowers it, so a value that was read remains a lower bound.
fn read_border(connection: &mut PgConnection) -> QueryResult<Option<PgTimestamp>> {
    let border: Option<MomentRow> = sql_query("SELECT since AS moment FROM contacts_newest_border")
        .get_result(connection)
        .optional()?;
    Ok(border.map(|row| row.moment))
}

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
    let Some(border) = read_border(connection)? else {
        return Ok(());
    };
    let raised: Option<MomentRow> = sql_query(
        "WITH some_of_them AS MATERIALIZED (
             SELECT last_message_at FROM contacts_newest WHERE last_message_at >= $2 LIMIT $1 * 5
         )
         SELECT last_message_at + interval '1 microsecond' AS moment FROM some_of_them
         WHERE (SELECT count(*) FROM some_of_them) > $1 * 5 / 4
         ORDER BY last_message_at DESC OFFSET $1 LIMIT 1",
    )
    .bind::<BigInt, _>(kept)
    .bind::<Timestamptz, _>(border)
    .get_result(connection)
    .optional()?;
    if let Some(MomentRow { moment }) = raised {
        sql_query("UPDATE contacts_newest_border SET since = $1 WHERE since < $1")
            .bind::<Timestamptz, _>(moment)
            .execute(connection)?;
    }
    Ok(())
}

/// Of the rows $2, deletes those older than the border $3. The row of a contact that has received a message is newer.
const DELETE_ROWS: &str = "
    DELETE FROM contacts_newest
    WHERE client_id = $1 AND id IN (
        SELECT id FROM contacts_newest
        WHERE client_id = $1 AND id = ANY($2) AND last_message_at < $3
        FOR UPDATE SKIP LOCKED)";

/// Deletes one batch of rows older than the border, and returns whether more may exist. Skips rows that a writer has
/// locked, which avoids a deadlock. Finds the rows before it locks any, since the search may take long.
///
/// # Errors
/// [`StoreError`]
pub fn delete_old(connection: &mut PgConnection) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct OldRow {
        #[diesel(sql_type = SqlUuid)]
        client_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let Some(border) = read_border(connection)? else {
        return Ok(false);
    };
    let old: Vec<OldRow> = sql_query("SELECT client_id, id FROM contacts_newest WHERE last_message_at < $1 LIMIT $2")
        .bind::<Timestamptz, _>(border)
        .bind::<BigInt, _>(DELETED_AT_ONCE)
        .load(connection)?;
    let is_full = old.len() as i64 == DELETED_AT_ONCE;
    let mut by_client: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for OldRow { client_id, id } in old {
        by_client.entry(client_id).or_default().push(id);
    }
    let deleted = transaction(connection, |connection| {
        let mut deleted = 0;
        for (client, ids) in by_client {
            deleted += sql_query(DELETE_ROWS)
                .bind::<SqlUuid, _>(client)
                .bind::<Array<SqlUuid>, _>(ids)
                .bind::<Timestamptz, _>(border)
                .execute(connection)?;
        }
        Ok::<_, StoreError>(deleted)
    })?;
    Ok(is_full && deleted > 0)
}
