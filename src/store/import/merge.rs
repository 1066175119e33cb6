//! Finds the contact that each copied row refers to, and merges the rows into the contacts.
//!
//! A row refers to the contact that has its identity *after* the import, so that importing the same rows again changes
//! nothing. Three passes find it; each sees the contacts as the earlier passes have left them:
//!
//! 1. rows with an external id: the contact that has it; otherwise a contact of the channel that is on the phone's line
//!    and has no external id, which adopts the id; otherwise a new contact;
//! 2. rows with a phone that identifies: the oldest contact of the channel on its line, the same number before an
//!    equivalent one; otherwise a new contact;
//! 3. rows with an email: the oldest contact of the channel that has the email; otherwise a new contact.
//!
//! A line is a match key and an extension. A contact adopts one id. First each number's contact adopts the first id
//! with the same number. Then the other contacts of a line, the oldest first, adopt the line's other ids in the order
//! of the rows.
//!
//! An exact import has one pass instead: a row refers to the contact that has the same identity, which is the external
//! id, otherwise the phone and its extension, otherwise the email.
//!
//! The oldest contact is the first by `created_at`, then by `serial_id`. New contacts get their `serial_id` in the
//! order of the rows.
//!
//! The rows alone can't violate a unique index. If a contact's identity is its phone, the rows change the phone only to
//! an equivalent number that no contact of the channel has: a contact with that number would have matched first. If a
//! contact's identity is its email, the rows change only the email's case. A concurrent writer can cause a violation;
//! then the merge is retried. The last attempt excludes all other writers of the client's contacts, so it succeeds.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid};

use super::phones::{RowSample, keep_in_contacts, keep_in_groups, kept_phones, replaced_phones};
use super::statements::{
    COUNT_ADOPTING, COUNT_DOUBLES, COUNT_DOUBTFUL, COUNT_KNOWN, COUNT_NEW, FIND_BY_EMAIL, FIND_BY_EXTERNAL_ID,
    FIND_BY_PHONE, FIND_EXACTLY, GROUPS, INSERT_CONTACTS, JOIN_PEOPLE, LOCK_ADOPTED, MAKE_LISTS, MERGE_ROWS,
    UPDATE_CONTACTS,
};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::DEFAULT_CHAT_STATUS;
use crate::store::clients::{ensure_list, lock_client};
use crate::store::error::StoreError;
use crate::store::locks::{lock_all_contacts, lock_all_lines, lock_bulk_writes, lock_imports, lock_pending_grams};
use crate::store::search_index;
use crate::store::transaction::ATTEMPTS;

/// How rows become contacts.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rules<'a> {
    /// The source of new contacts whose rows give none; with `None` they have no source.
    pub default_source: Option<&'a str>,
    /// Whether a row only refers to the contact of its own identity, and never to another one with its phone or email.
    pub exact: bool,
}

/// The number of contacts by the effect of the import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Merged {
    /// New contacts.
    pub created: u64,
    /// Existing contacts that the rows changed.
    pub updated: u64,
    /// Existing contacts that had all values already.
    pub unchanged: u64,
    /// Rows with the same invalid phone number as another row, or as an existing contact, but with
    /// another email. Only that number joined them. A spreadsheet may have truncated several
    /// numbers to this one.
    pub doubtful: u64,
    /// Rows whose phone was not written, because the contact has a better one, stored or in another row. Their other
    /// values were written.
    pub phones_kept: RowSample,
    /// Rows whose phone replaced the phone of an existing contact by another number, and not just by another notation.
    pub phones_replaced: RowSample,
}

/// With this many changes the import updates the planner's statistics itself, instead of leaving it to autovacuum.
const MANY: u64 = 1000;

/// With at least this many new contacts, the import rebuilds the search index instead of adding to it row by row. It
/// does so only if the index was empty.
const FIRST_LOAD: i64 = 10_000;

/// Merges the copied rows with each other and into the client's contacts.
pub(super) fn merge(connection: &mut PgConnection, client: ClientId, rules: Rules<'_>) -> Result<Merged, StoreError> {
    // Autovacuum doesn't analyze temporary tables.
    connection.batch_execute("ANALYZE import_rows")?;
    in_attempts(connection, client, ATTEMPTS, |connection, _| {
        try_merge(connection, client, rules)
    })
}

/// An error of an attempt to import.
pub(crate) trait Attempt: From<StoreError> + From<DieselError> {
    /// Whether a concurrent writer caused the error, so that another attempt may succeed.
    fn is_contention(&self) -> bool;
}

impl Attempt for StoreError {
    fn is_contention(&self) -> bool {
        StoreError::is_contention(self)
    }
}

/// Runs `work` in a savepoint, and retries it if a concurrent writer made it fail. A failed attempt is rolled back, and
/// the copied rows stay. The last one of the `attempts` makes all other writers of the client's contacts wait, so it
/// succeeds. `work` gets the ids of the lists that this attempt has made already.
pub(crate) fn in_attempts<T, E: Attempt>(
    connection: &mut PgConnection,
    client: ClientId,
    attempts: usize,
    mut work: impl FnMut(&mut PgConnection, &[i64]) -> Result<T, E>,
) -> Result<T, E> {
    lock_imports(connection, client)?;
    let mut attempt = 1;
    loop {
        let outcome = connection.transaction(|connection| {
            let mut made_lists = Vec::new();
            if attempt == attempts {
                // Each writer makes its lists before it locks lines or contacts, so the import does so, too.
                lock_bulk_writes(connection, client)?;
                made_lists = make_lists(connection, client)?.made;
                lock_all_contacts(connection, client)?;
            }
            work(connection, &made_lists)
        });
        match outcome {
            Err(error) if attempt < attempts && error.is_contention() => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn try_merge(connection: &mut PgConnection, client: ClientId, rules: Rules<'_>) -> Result<Merged, StoreError> {
    let default_list = make_lists(connection, client)?.default;
    connection.batch_execute(GROUPS)?;
    let passes = if rules.exact {
        &[FIND_EXACTLY][..]
    } else {
        &[FIND_BY_EXTERNAL_ID, FIND_BY_PHONE, FIND_BY_EMAIL][..]
    };
    for (place, pass) in passes.iter().enumerate() {
        run(connection, client, pass)?;
        connection.batch_execute("ANALYZE import_groups")?;
        if place == 0 && !rules.exact {
            keep_in_groups(connection, client)?;
        }
    }
    let adopting: CountRow = sql_query(COUNT_ADOPTING).get_result(connection)?;
    if count_locked(connection, client, LOCK_ADOPTED)? < adopting.count {
        return Err(overtaken("another writer gave the contact an external id"));
    }
    let doubtful: CountRow = sql_query(COUNT_DOUBTFUL).get_result(connection)?;
    merge_rows(connection, client)?;
    let merged = Merged {
        doubtful: doubtful.count.unsigned_abs(),
        ..write_contacts(connection, client, default_list, rules.default_source)?
    };
    if merged.created > 0 && !rules.exact {
        // Last, since writers of new contacts wait from here until the commit.
        lock_all_lines(connection, client)?;
        let doubles: CountRow = sql_query(COUNT_DOUBLES)
            .bind::<Uuid, _>(client.as_uuid())
            .get_result(connection)?;
        if doubles.count > 0 {
            return Err(overtaken("another writer made the contact"));
        }
    }
    Ok(merged)
}

/// Runs a statement that locks contacts, and returns their number. A statement that counted the locked rows itself would
/// have `FOR UPDATE` in a subquery, which Citus can't run.
pub(crate) fn count_locked(connection: &mut PgConnection, client: ClientId, statement: &str) -> QueryResult<i64> {
    run(connection, client, statement).map(|rows| rows as i64)
}

fn run(connection: &mut PgConnection, client: ClientId, statement: &str) -> QueryResult<usize> {
    sql_query(statement)
        .bind::<Uuid, _>(client.as_uuid())
        .execute(connection)
}

/// Merges the rows of each entity of `import_groups` into `import_contacts`.
pub(crate) fn merge_rows(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    connection.batch_execute(MERGE_ROWS)?;
    connection.batch_execute("ANALYZE import_contacts")?;
    run(connection, client, JOIN_PEOPLE)?;
    keep_in_contacts(connection, client)
}

/// Writes `import_contacts` into the client's contacts. Counts no doubtful rows.
pub(crate) fn write_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    default_list: i64,
    default_source: Option<&str>,
) -> Result<Merged, StoreError> {
    lock_pending_grams(connection)?;
    let phones_kept = kept_phones(connection)?;
    let phones_replaced = replaced_phones(connection, client)?;
    let updated = run(connection, client, UPDATE_CONTACTS)? as u64;
    let insert = |connection: &mut PgConnection| {
        let created = sql_query(INSERT_CONTACTS)
            .bind::<Uuid, _>(client.as_uuid())
            .bind::<BigInt, _>(default_list)
            .bind::<Nullable<Text>, _>(default_source)
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
    Ok(Merged {
        created,
        updated,
        unchanged: known.count.unsigned_abs() - updated,
        doubtful: 0,
        phones_kept,
        phones_replaced,
    })
}

/// The ids of contact lists.
pub(crate) struct Lists {
    pub default: i64,
    /// Those that did not exist before, without the default list.
    pub made: Vec<i64>,
}

/// Makes the default list and the lists that the rows name.
pub(crate) fn make_lists(connection: &mut PgConnection, client: ClientId) -> Result<Lists, StoreError> {
    let default = ensure_list(connection, client, DEFAULT_LIST)?;
    let made: Vec<ListRow> = sql_query(MAKE_LISTS)
        .bind::<Uuid, _>(client.as_uuid())
        .load(connection)?;
    if !made.is_empty() {
        lock_client(connection, client)?;
    }
    Ok(Lists {
        default,
        made: made.into_iter().map(|list| list.id).collect(),
    })
}

#[derive(QueryableByName)]
struct ListRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The error for a concurrent writer that was faster: the merge is retried.
pub(crate) fn overtaken(reason: &str) -> StoreError {
    let reason = Box::new(reason.to_owned());
    StoreError::Exists(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, reason))
}

#[derive(QueryableByName)]
pub(crate) struct CountRow {
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}
