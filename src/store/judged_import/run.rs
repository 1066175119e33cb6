//! Judges the staged rows, and writes those that their verdicts allow.
//!
//! A check takes seconds to minutes, and other writers must not wait for it. So the rows are judged by a copy of the
//! contacts. They are written if no other writer has made one of these changes since the copy:
//!
//! 1. A change of a contact that a row updates. These contacts are locked. Their names, emails, external ids and phones
//!    must be as in the copy.
//! 2. A new or changed contact that has the external id, the match key or the email of a written row, case aside. This
//!    is checked at the end, when all lines are locked, as in every import.
//!
//! Otherwise the attempt is rolled back, and the rows are judged again. The last attempt makes all other writers of the
//! client's contacts wait before it copies the contacts, so it succeeds.
//!
//! Other changes go unnoticed in the first attempt, for example a new contact with an alias of a row's mailbox, or with
//! a similar name.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid};

use super::statements::{
    COUNT_CHANGED, DELETE_LEFT_OUT, DELETE_UNUSED_LISTS, FIND_COLLISIONS, FIND_TARGETS, FOLLOW_TARGETS, LEAVE_OUT,
    LOCK_TARGETS, MAKE_GROUPS, SAMPLE_LEFT_OUT, TABLES,
};
use crate::domain::client::ClientId;
use crate::domain::duplicates::Verdict;
use crate::store::check::{self, CheckRules, KnownContacts, copy_contacts, judge_rows};
use crate::store::error::StoreError;
use crate::store::import::{
    Attempt, COUNT_KNOWN, CountRow, GROUPS, Merged, RowSample, Staging, count_locked, in_attempts, make_lists,
    merge_rows, overtaken, write_contacts,
};
use crate::store::locks::lock_all_lines;
use crate::store::transaction::transaction;

/// How often the rows are judged. Another judgement takes as long as the first one, so the second one is the last.
const JUDGEMENTS: usize = 2;

/// What to do with lines whose verdict is not `new`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OnDuplicate {
    /// They are not written.
    Skip,
    /// Duplicates update their contacts. Conflicts are not written.
    Update,
    /// Refuses the import if any line is a duplicate or a conflict.
    Refuse,
}

/// How judged rows become contacts.
#[derive(Clone, Copy, Debug)]
pub struct JudgeRules<'a> {
    pub on_duplicate: OnDuplicate,
    pub check: CheckRules,
    /// The source of new contacts whose rows give none; with `None` they have no source.
    pub default_source: Option<&'a str>,
}

/// The lines that are not written.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LeftOut {
    /// The skipped rows. A line has one row per phone.
    pub rows: u64,
    /// Duplicates, by their first rows.
    pub duplicates: RowSample,
    /// Conflicts, by their first rows.
    pub conflicts: RowSample,
}

/// The effect of an import by verdicts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    pub merged: Merged,
    /// The number of lines by verdict.
    pub verdicts: Vec<(Verdict, u64)>,
    pub left_out: LeftOut,
}

/// Why an import by verdicts wrote nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Lines are duplicates or conflicts, and [`OnDuplicate::Refuse`] was chosen.
    NotNew {
        /// The number of lines by verdict.
        verdicts: Vec<(Verdict, u64)>,
        left_out: LeftOut,
    },
    /// The contacts of these rows would get the identity of another contact.
    Collisions {
        /// The number of lines by verdict.
        verdicts: Vec<(Verdict, u64)>,
        rows: RowSample,
    },
}

/// Why an attempt failed.
enum Failure {
    Store(StoreError),
    Refused(Refusal),
}

impl<E> From<E> for Failure
where
    StoreError: From<E>,
{
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl Attempt for Failure {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_contention())
    }
}

/// Imports the rows that `fill` adds into the client's contacts, in one transaction. The verdicts decide which rows are
/// written, and which contacts they are about. The rows are merged as [`crate::store::import::import`] does. A row's
/// number must be its line times [`crate::store::import::ROWS_PER_LINE`], plus its index within the line. Calls
/// `observe` with the number of contacts read so far.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// Those of `fill`, [`Refusal`], and [`StoreError`]; [`StoreError::Exists`] or [`StoreError::Contended`] if other
/// programs, which don't take the locks of this store, wrote the same contacts at every attempt. No contact is written
/// then.
pub fn import_judged<E: From<StoreError> + From<Refusal>>(
    connection: &mut PgConnection,
    client: ClientId,
    rules: JudgeRules<'_>,
    fill: impl FnOnce(&mut Staging<'_>) -> Result<(), E>,
    observe: &mut dyn FnMut(u64),
) -> Result<Judged, E> {
    transaction(connection, |connection| {
        let mut staging = Staging::begin(connection)?;
        let prepared = staging.connection().batch_execute(TABLES);
        prepared.map_err(StoreError::from)?;
        fill(&mut staging)?;
        staging.flush()?;
        let outcome = in_attempts(connection, client, JUDGEMENTS, |connection, made_lists| {
            try_import(connection, client, rules, made_lists, observe)
        });
        outcome.map_err(|failure| match failure {
            Failure::Store(error) => E::from(error),
            Failure::Refused(refusal) => refusal.into(),
        })
    })
}

fn try_import(
    connection: &mut PgConnection,
    client: ClientId,
    rules: JudgeRules<'_>,
    made_lists: &[i64],
    observe: &mut dyn FnMut(u64),
) -> Result<Judged, Failure> {
    connection.batch_execute(check::TABLES)?;
    copy_contacts(connection, client)?;
    judge_rows(connection, KnownContacts::Copied, rules.check, &mut |read| {
        observe(read);
        Ok::<_, StoreError>(())
    })?;
    let verdicts = count_verdicts(connection)?;
    let left_out = leave_out(connection, rules.on_duplicate)?;
    if rules.on_duplicate == OnDuplicate::Refuse && left_out.rows > 0 {
        return Err(Failure::Refused(Refusal::NotNew { verdicts, left_out }));
    }
    sql_query(DELETE_UNUSED_LISTS)
        .bind::<Uuid, _>(client.as_uuid())
        .bind::<Array<BigInt>, _>(made_lists)
        .execute(connection)?;
    let default_list = make_lists(connection, client)?.default;
    connection.batch_execute(GROUPS)?;
    group_rows(connection, client)?;
    let targets: CountRow = sql_query(COUNT_KNOWN).get_result(connection)?;
    if count_locked(connection, client, LOCK_TARGETS)? < targets.count {
        return Err(overtaken("another writer changed the contact").into());
    }
    merge_rows(connection, client)?;
    let rows = find_collisions(connection, client)?;
    if rows.count > 0 {
        check_unchanged(connection, client)?;
        return Err(Failure::Refused(Refusal::Collisions { verdicts, rows }));
    }
    let merged = write_contacts(connection, client, default_list, rules.default_source)?;
    if merged.created + merged.updated > 0 {
        // Last, since writers of new contacts wait from here until the commit.
        lock_all_lines(connection, client)?;
        check_unchanged(connection, client)?;
    }
    Ok(Judged {
        merged,
        verdicts,
        left_out,
    })
}

/// Removes the rows that are not written.
fn leave_out(connection: &mut PgConnection, on_duplicate: OnDuplicate) -> Result<LeftOut, StoreError> {
    // Autovacuum doesn't analyze temporary tables.
    connection.batch_execute("ANALYZE check_verdicts")?;
    sql_query(LEAVE_OUT)
        .bind::<Bool, _>(on_duplicate != OnDuplicate::Update)
        .execute(connection)?;
    let rows = sql_query(DELETE_LEFT_OUT).execute(connection)? as u64;
    connection.batch_execute("ANALYZE import_rows")?;
    let mut sample = |is_conflict: bool| {
        let statement = sql_query(SAMPLE_LEFT_OUT)
            .bind::<Bool, _>(is_conflict)
            .bind::<BigInt, _>(RowSample::LIMIT);
        RowSample::load(connection, statement)
    };
    Ok(LeftOut {
        rows,
        duplicates: sample(false)?,
        conflicts: sample(true)?,
    })
}

/// Makes a group of each row, with the contact that the row is about.
fn group_rows(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    connection.batch_execute(FIND_TARGETS)?;
    connection.batch_execute("ANALYZE import_targets")?;
    while sql_query(FOLLOW_TARGETS).execute(connection)? > 0 {}
    sql_query(MAKE_GROUPS)
        .bind::<Uuid, _>(client.as_uuid())
        .execute(connection)?;
    Ok(connection.batch_execute("ANALYZE import_groups")?)
}

fn find_collisions(connection: &mut PgConnection, client: ClientId) -> Result<RowSample, StoreError> {
    let statement = sql_query(FIND_COLLISIONS)
        .bind::<Uuid, _>(client.as_uuid())
        .bind::<BigInt, _>(RowSample::LIMIT);
    RowSample::load(connection, statement)
}

/// Checks that no other writer has given a contact the identity of a row since the rows were judged.
fn check_unchanged(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    let changed: CountRow = of_client(connection, client, COUNT_CHANGED)?;
    match changed.count {
        0 => Ok(()),
        _ => Err(overtaken("another writer made or changed a contact")),
    }
}

/// The only row of a statement about a client.
fn of_client<T>(connection: &mut PgConnection, client: ClientId, statement: &str) -> QueryResult<T>
where
    T: diesel::deserialize::QueryableByName<diesel::pg::Pg> + 'static,
{
    sql_query(statement)
        .bind::<Uuid, _>(client.as_uuid())
        .get_result(connection)
}

#[derive(QueryableByName)]
struct VerdictRow {
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The number of lines by verdict.
fn count_verdicts(connection: &mut PgConnection) -> Result<Vec<(Verdict, u64)>, StoreError> {
    let rows: Vec<VerdictRow> =
        sql_query("SELECT verdict, count(*) AS count FROM check_verdicts GROUP BY verdict").load(connection)?;
    let counts = rows.into_iter().map(|row| {
        let verdict = row.verdict.parse().expect("only verdicts are stored");
        (verdict, row.count.unsigned_abs())
    });
    Ok(counts.collect())
}
