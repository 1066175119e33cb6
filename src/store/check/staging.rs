//! Stages the rows of a file, judges them, and takes everything back.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::records::KnownContacts;
use super::run::{CheckEvent, CheckRules, judge_rows, report_lines};
use super::statements::TABLES;
use crate::domain::client::ClientId;
use crate::domain::contact::ContactDraft;
use crate::store::copy_writer::CopyBatches;
use crate::store::error::StoreError;
use crate::store::import::{ROWS_PER_LINE, Staging};
use crate::store::transaction::transaction;

diesel::table! {
    check_lines (line) {
        line -> Int8,
        cells -> Nullable<Text>,
        fault -> Nullable<Text>,
    }
}

#[derive(Insertable)]
#[diesel(table_name = check_lines, treat_none_as_default_value = false)]
struct StagedLine {
    line: i64,
    cells: Option<String>,
    fault: Option<String>,
}

/// Receives the lines of a file.
pub struct CheckStaging<'c> {
    rows: Staging<'c>,
    lines: CopyBatches<StagedLine>,
}

impl CheckStaging<'_> {
    /// The time of the database's clock at the start of the check.
    pub fn now(&self) -> DateTime<Utc> {
        self.rows.now()
    }

    /// Adds the next line of the file with its contacts: one, or one for each phone of a person. `cells` is returned
    /// with the verdict.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn push(&mut self, line: u64, contacts: Vec<ContactDraft>, cells: Option<String>) -> Result<(), StoreError> {
        for (row, contact) in (line * ROWS_PER_LINE..).zip(contacts) {
            self.rows.push_numbered(row, None, contact)?;
        }
        match cells {
            None => Ok(()),
            cells => self.push_line(line, cells, None),
        }
    }

    /// Adds the next line of the file, which has no contact because of `fault`. Its verdict is `Invalid`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn push_invalid(&mut self, line: u64, fault: String, cells: Option<String>) -> Result<(), StoreError> {
        self.push_line(line, cells, Some(fault))
    }

    fn push_line(&mut self, line: u64, cells: Option<String>, fault: Option<String>) -> Result<(), StoreError> {
        let line = StagedLine {
            line: line.cast_signed(),
            cells,
            fault,
        };
        self.lines.push(self.rows.connection(), line)
    }
}

/// Judges all lines that `fill` adds. Writes nothing: the transaction writes only temporary tables, PostgreSQL refuses
/// everything else, and the transaction is rolled back.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// Those of `fill` and of `take`, and [`StoreError`].
pub fn check<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    rules: CheckRules,
    fill: impl FnOnce(&mut CheckStaging<'_>) -> Result<(), E>,
    take: &mut dyn FnMut(CheckEvent) -> Result<(), E>,
) -> Result<(), E> {
    let mut is_done = false;
    let outcome = transaction(connection, |connection| {
        // All passes must see the same contacts. A check also runs where transactions are read-only by default.
        connection
            .batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")
            .and_then(|()| connection.batch_execute(TABLES))
            .map_err(StoreError::from)?;
        let mut staging = CheckStaging {
            rows: Staging::begin(&mut *connection)?,
            lines: CopyBatches::new(|connection, batch| {
                diesel::copy_from(check_lines::table)
                    .from_insertable(batch)
                    .execute(connection)
            }),
        };
        // A read-only transaction may write temporary tables, but not make them.
        let connection = staging.rows.connection();
        connection
            .batch_execute("SET TRANSACTION READ ONLY")
            .map_err(StoreError::from)?;
        fill(&mut staging)?;
        staging.rows.flush()?;
        staging.lines.flush(staging.rows.connection())?;
        let judged = judge_rows(
            staging.rows.connection(),
            KnownContacts::Of(client),
            rules,
            &mut |read| take(CheckEvent::Contacts(read)),
        )?;
        report_lines(staging.rows.connection(), judged, take)?;
        is_done = true;
        Err(StoreError::from(DieselError::RollbackTransaction).into())
    });
    if is_done { Ok(()) } else { outcome }
}
