//! Raises the border between new and old periods of the index of grams (`migrations/…_name_search`).
//!
//! Contacts of the border's period and of later ones are stored under the prefix of their period, older contacts under
//! the prefix of their chunk. Only contacts of the period before the border can be under either one. A search asks for
//! both prefixes of that period, and for one prefix of each other period. So before the border rises, every contact of
//! the period before it is moved to its chunk:
//!
//! 1. **Fence.** The job waits until no transaction can write by a lower border (`store::fence`). Then writers store
//!    no contact under the prefix of the period before the border any more.
//! 2. **Move.** The job walks the contacts of that period, client by client, and moves those that are still under its
//!    prefix. It skips rows that a writer has locked, so it never waits for a writer, and a deadlock is impossible.
//! 3. **Raise.** If the walk has skipped no row, the border rises by one period. Otherwise a later walk moves the rest.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::error::StoreError;
use super::fence::Fences;
use super::transaction::transaction;

/// The periods before the running one that stay above the border. Most searches end within them.
const NEW_PERIODS: i32 = 3;

/// Contacts that one transaction looks at. A message to a contact that it moves waits until it has ended.
const CONTACTS_AT_ONCE: usize = 500;

/// The raise of the border, one step after the other. Keeps the place of the walk. A walk that was interrupted starts
/// again. Several servers can run it on one database: each skips the rows that another one moves.
#[derive(Default, Debug)]
pub struct BorderRaise {
    walk: Option<Walk>,
}

/// A walk through the contacts of the period before the border.
#[derive(Debug)]
struct Walk {
    border: i32,
    /// The clients that are left, the current one last.
    clients: Vec<Uuid>,
    /// The last contact that was read of the current client.
    after: Option<ContactRow>,
    has_skipped: bool,
}

#[derive(QueryableByName, Clone, Copy, Debug)]
struct ContactRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    last_message_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

impl BorderRaise {
    /// Makes the next step. Returns whether another step can follow at once.
    ///
    /// # Errors
    /// [`StoreError`]; the walk then starts again.
    pub fn step(&mut self, connection: &mut PgConnection) -> Result<bool, StoreError> {
        let Some(mut walk) = self.walk.take() else {
            self.walk = begin(connection)?;
            return Ok(self.walk.is_some());
        };
        if let Some(client) = walk.clients.last().copied() {
            walk.move_slice(connection, client)?;
            self.walk = Some(walk);
            return Ok(true);
        }
        if walk.has_skipped {
            return Ok(false);
        }
        sql_query("UPDATE contact_period_border SET border = border + 1, fence = NULL WHERE border = $1")
            .bind::<Integer, _>(walk.border)
            .execute(connection)?;
        Ok(true)
    }
}

/// Notes a fence if there is none. Begins a walk if the border should rise and no transaction can write by a lower border
/// any more.
fn begin(connection: &mut PgConnection) -> Result<Option<Walk>, StoreError> {
    #[derive(QueryableByName)]
    struct BorderRow {
        #[diesel(sql_type = Integer)]
        border: i32,
        #[diesel(sql_type = Nullable<BigInt>)]
        fence: Option<i64>,
        #[diesel(sql_type = Bool)]
        is_due: bool,
    }
    let fences = Fences::of(connection)?;
    // A raise commits without a fence. So each writer that read a lower border is older than the fence noted here.
    sql_query(format!(
        "UPDATE contact_period_border SET fence = {} WHERE fence IS NULL OR {}",
        fences.own, fences.is_foreign
    ))
    .execute(connection)?;
    let row: Option<BorderRow> =
        sql_query("SELECT border, fence, border < contact_period(now()) - $1 AS is_due FROM contact_period_border")
            .bind::<Integer, _>(NEW_PERIODS)
            .get_result(connection)
            .optional()?;
    let Some(BorderRow {
        border,
        fence: Some(fence),
        is_due: true,
    }) = row
    else {
        return Ok(None);
    };
    if fence > fences.oldest_running(connection)? {
        return Ok(None);
    }
    let clients: Vec<IdRow> = sql_query("SELECT id FROM clients").load(connection)?;
    Ok(Some(Walk {
        border,
        clients: clients.into_iter().map(|row| row.id).collect(),
        after: None,
        has_skipped: false,
    }))
}

impl Walk {
    /// Reads the next contacts of the client, and moves those that are not yet in their chunk.
    fn move_slice(&mut self, connection: &mut PgConnection, client: Uuid) -> Result<(), StoreError> {
        let period = self.border - 1;
        let read: Vec<ContactRow> = sql_query(
            "SELECT id, last_message_at FROM contacts
             WHERE client_id = $1 AND last_message_at >= contact_period_start($2)
                   AND last_message_at <= coalesce($3, contact_period_start($2 + 1))
                   AND (last_message_at < coalesce($3, contact_period_start($2 + 1)) OR id > $4)
             ORDER BY last_message_at DESC NULLS LAST, id
             LIMIT $5",
        )
        .bind::<SqlUuid, _>(client)
        .bind::<Integer, _>(period)
        .bind::<Nullable<Timestamptz>, _>(self.after.map(|row| row.last_message_at))
        .bind::<SqlUuid, _>(self.after.map_or(Uuid::max(), |row| row.id))
        .bind::<BigInt, _>(CONTACTS_AT_ONCE as i64)
        .load(connection)?;
        let ids: Vec<Uuid> = read.iter().map(|row| row.id).collect();
        if !ids.is_empty() {
            self.has_skipped |= !transaction(connection, |connection| move_all(connection, client, period, &ids))?;
        }
        self.after = read.last().copied().filter(|_| read.len() == CONTACTS_AT_ONCE);
        if self.after.is_none() {
            self.clients.pop();
        }
        Ok(())
    }
}

/// Of the contacts in $2, those that are under the prefix of the period $3. The prefix tells the period. So a contact that
/// has received a message in the meantime is not moved.
const LOCK_HERE: &str = "
    SELECT id FROM contact_texts
    WHERE client_id = $1 AND id = ANY($2) AND gram_prefix = contact_gram_prefix($1, $3, NULL)
    FOR NO KEY UPDATE SKIP LOCKED";

const IS_ANY_HERE: &str = "
    SELECT EXISTS (
        SELECT 1 FROM contact_texts
        WHERE client_id = $1 AND id = ANY($2) AND gram_prefix = contact_gram_prefix($1, $3, NULL)) AS is_any";

/// Moves those of the contacts that are under the period's prefix to their chunk. Returns whether none is left there.
fn move_all(connection: &mut PgConnection, client: Uuid, period: i32, ids: &[Uuid]) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = Bool)]
        is_any: bool,
    }
    let free: Vec<IdRow> = sql_query(LOCK_HERE)
        .bind::<SqlUuid, _>(client)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Integer, _>(period)
        .load(connection)?;
    let free: Vec<Uuid> = free.into_iter().map(|row| row.id).collect();
    if !free.is_empty() {
        sql_query(
            "UPDATE contact_texts SET gram_prefix = contact_gram_prefix($1, $3, $3 + 1)
             WHERE client_id = $1 AND id = ANY($2)",
        )
        .bind::<SqlUuid, _>(client)
        .bind::<Array<SqlUuid>, _>(&free)
        .bind::<Integer, _>(period)
        .execute(connection)?;
    }
    let left: Left = sql_query(IS_ANY_HERE)
        .bind::<SqlUuid, _>(client)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Integer, _>(period)
        .get_result(connection)?;
    Ok(!left.is_any)
}
