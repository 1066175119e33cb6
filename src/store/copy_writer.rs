//! Copies rows into a table, many at a time.

use diesel::prelude::*;

use super::error::StoreError;

/// How many rows travel in one COPY: enough to forget the round trip, few enough to forget the memory, which
/// PostgreSQL needs too. It remembers each row until the statement's end, to check its foreign key then.
const BATCH: usize = 1000;

/// The COPY of some rows, of which there is at least one.
type Copy<R> = fn(&mut PgConnection, Vec<R>) -> QueryResult<usize>;

/// Takes the rows of one table.
pub(super) struct CopyWriter<'c, R> {
    pub(super) connection: &'c mut PgConnection,
    copy: Copy<R>,
    batch: Vec<R>,
}

impl<'c, R> CopyWriter<'c, R> {
    pub(super) fn new(connection: &'c mut PgConnection, copy: Copy<R>) -> Self {
        let batch = Vec::new();
        Self {
            connection,
            copy,
            batch,
        }
    }

    pub(super) fn push(&mut self, row: R) -> Result<(), StoreError> {
        self.batch.push(row);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Copies the rows that still wait; without it the last ones are lost.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            (self.copy)(self.connection, batch)?;
        }
        Ok(())
    }
}
