//! Finds the contact that each copied row means, and merges them.
//!
//! A row means the contact that has its identity *after* the import, so that the same rows once more change
//! nothing. Three passes find it, each looking at what the one before leaves:
//!
//! 1. rows with an external id: the contact that has it; else the contact of the channel that has the phone and no
//!    external id, which adopts the first such id; else a new one;
//! 2. rows with a phone: the oldest contact of the channel that has the phone; else a new one;
//! 3. rows with an email alone: the oldest contact of the channel that has the email; else a new one.
//!
//! An exact import has one pass instead, in which a row means the contact that has the same identity: external id,
//! else phone, else email.
//!
//! "The oldest" is by `created_at`, then by `serial_id`; new contacts get theirs in the order of the rows.
//!
//! No unique index can stand in the way of that, whatever the rows say: a contact without an external id never
//! changes its phone, nor one with an email alone its email but in case. What can is another writer, and then
//! the merge is done anew.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid};

use super::statements::{
    COUNT_DOUBLES, COUNT_DOUBTFUL, COUNT_KNOWN, COUNT_NEW, FIND_BY_EMAIL, FIND_BY_EXTERNAL_ID, FIND_BY_PHONE,
    FIND_EXACTLY, GROUPS, INSERT_CONTACTS, LOCK_ADOPTED, MAKE_LISTS, MERGE_ROWS, UPDATE_CONTACTS,
};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::DEFAULT_CHAT_STATUS;
use crate::store::clients::ensure_list;
use crate::store::error::StoreError;
use crate::store::locks::{lock_all_lines, lock_imports};
use crate::store::search_index;
use crate::store::transaction::ATTEMPTS;

/// How rows become contacts.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rules<'a> {
    /// The source of new contacts whose rows give none; `None` leaves them without.
    pub default_source: Option<&'a str>,
    /// Whether a row means the contact of its own identity alone, and never another one that has its phone or email.
    pub exact: bool,
}

/// What became of the contacts that the rows speak of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Merged {
    pub created: u64,
    /// Existing contacts that the rows changed.
    pub updated: u64,
    /// Existing contacts that had everything already.
    pub unchanged: u64,
    /// Rows whose phone is no valid number, and alone made them one contact with rows, or with a contact that was
    /// there, of another email. Such a phone may be what a spreadsheet left of many.
    pub doubtful: u64,
}

/// From so many changes on, the planner's statistics are brought up to date at once instead of whenever the database
/// finds time.
const MANY: u64 = 1000;

/// So many new contacts are worth an index that is made anew where the database had none.
const FIRST_LOAD: i64 = 10_000;

/// Merges the copied rows with each other and with the client's contacts.
pub(super) fn merge(connection: &mut PgConnection, client: ClientId, rules: Rules<'_>) -> Result<Merged, StoreError> {
    lock_imports(connection, client)?;
    // Nobody else gathers statistics about temporary tables.
    connection.batch_execute("ANALYZE import_rows")?;
    let mut attempt = 1;
    loop {
        // Within a savepoint: what a failed attempt did is undone, the copied rows stay.
        let merged = connection.transaction(|connection| {
            if attempt == ATTEMPTS {
                // Rather than giving up, let whoever makes contacts wait for all of the merge.
                lock_all_lines(connection, client)?;
            }
            try_merge(connection, client, rules)
        });
        match merged {
            Err(error) if attempt < ATTEMPTS && error.is_contention() => attempt += 1,
            result => return result,
        }
    }
}

fn try_merge(connection: &mut PgConnection, client: ClientId, rules: Rules<'_>) -> Result<Merged, StoreError> {
    let run = |connection: &mut PgConnection, statement: &str| {
        sql_query(statement)
            .bind::<Uuid, _>(client.as_uuid())
            .execute(connection)
    };
    let default_list = ensure_list(connection, client, DEFAULT_LIST)?;
    run(connection, MAKE_LISTS)?;
    connection.batch_execute(GROUPS)?;
    let passes = if rules.exact {
        &[FIND_EXACTLY][..]
    } else {
        &[FIND_BY_EXTERNAL_ID, FIND_BY_PHONE, FIND_BY_EMAIL][..]
    };
    for pass in passes {
        run(connection, pass)?;
        connection.batch_execute("ANALYZE import_groups")?;
    }
    let adoption: Adoption = sql_query(LOCK_ADOPTED)
        .bind::<Uuid, _>(client.as_uuid())
        .get_result(connection)?;
    if adoption.locked < adoption.wanted {
        return Err(overtaken("another writer gave the contact an external id"));
    }
    let doubtful: CountRow = sql_query(COUNT_DOUBTFUL).get_result(connection)?;
    connection.batch_execute(MERGE_ROWS)?;
    connection.batch_execute("ANALYZE import_contacts")?;
    let updated = run(connection, UPDATE_CONTACTS)? as u64;
    let insert = |connection: &mut PgConnection| {
        let created = sql_query(INSERT_CONTACTS)
            .bind::<Uuid, _>(client.as_uuid())
            .bind::<BigInt, _>(default_list)
            .bind::<Nullable<Text>, _>(rules.default_source)
            .bind::<Text, _>(DEFAULT_CHAT_STATUS)
            .execute(connection)?;
        Ok::<_, StoreError>(created as u64)
    };
    let new: CountRow = sql_query(COUNT_NEW).get_result(connection)?;
    let created = if new.count >= FIRST_LOAD {
        search_index::rebuild_around(connection, insert)?
    } else {
        insert(connection)?
    };
    let known: CountRow = sql_query(COUNT_KNOWN).get_result(connection)?;
    if created + updated >= MANY {
        connection.batch_execute("ANALYZE contacts, contact_texts")?;
    }
    if created > 0 && !rules.exact {
        // Last of all, since whoever is making a contact waits from here on.
        lock_all_lines(connection, client)?;
        let doubles: CountRow = sql_query(COUNT_DOUBLES)
            .bind::<Uuid, _>(client.as_uuid())
            .get_result(connection)?;
        if doubles.count > 0 {
            return Err(overtaken("another writer made the contact"));
        }
    }
    Ok(Merged {
        created,
        updated,
        unchanged: known.count.unsigned_abs() - updated,
        doubtful: doubtful.count.unsigned_abs(),
    })
}

/// Another writer was faster, and the merge has to look again.
fn overtaken(reason: &str) -> StoreError {
    let reason = Box::new(reason.to_owned());
    StoreError::Exists(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, reason))
}

#[derive(QueryableByName)]
struct Adoption {
    #[diesel(sql_type = BigInt)]
    wanted: i64,
    #[diesel(sql_type = BigInt)]
    locked: i64,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}
