//! Writes rows with COPY, in batches.

use diesel::prelude::*;

use super::error::StoreError;

/// Rows per COPY: enough to hide the round trip, and few enough to bound the memory. PostgreSQL too keeps each row
/// until the statement's end, when it checks the foreign keys.
const BATCH: usize = 1000;

/// Runs one COPY of at least one row.
type Copy<R> = fn(&mut PgConnection, Vec<R>) -> QueryResult<usize>;

/// Collects the rows of one table and copies them in batches.
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

    /// Copies the last, incomplete batch. Without this call its rows are lost.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            (self.copy)(self.connection, batch)?;
        }
        Ok(())
    }
}
