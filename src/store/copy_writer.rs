//! Writes rows with COPY, in batches.

use diesel::prelude::*;

use super::error::StoreError;

/// Rows per COPY: enough to hide the round trip, and few enough to bound the memory. PostgreSQL too keeps each row
/// until the statement's end, when it checks the foreign keys.
const BATCH: usize = 1000;

/// Runs one COPY of at least one row.
type Copy<R> = fn(&mut PgConnection, Vec<R>) -> QueryResult<usize>;

/// Collects the rows of one table and copies them in batches.
pub(super) struct CopyBatches<R> {
    copy: Copy<R>,
    batch: Vec<R>,
}

impl<R> CopyBatches<R> {
    pub(super) fn new(copy: Copy<R>) -> Self {
        Self {
            copy,
            batch: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, connection: &mut PgConnection, row: R) -> Result<(), StoreError> {
        self.batch.push(row);
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.flush(connection)
    }

    /// Copies the last, incomplete batch. Without this call its rows are lost.
    pub(super) fn flush(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            (self.copy)(connection, batch)?;
        }
        Ok(())
    }
}

/// Copies the rows of one table in batches, on a connection of its own.
pub(super) struct CopyWriter<'c, R> {
    pub(super) connection: &'c mut PgConnection,
    batches: CopyBatches<R>,
}

impl<'c, R> CopyWriter<'c, R> {
    pub(super) fn new(connection: &'c mut PgConnection, copy: Copy<R>) -> Self {
        Self {
            connection,
            batches: CopyBatches::new(copy),
        }
    }

    pub(super) fn push(&mut self, row: R) -> Result<(), StoreError> {
        self.batches.push(self.connection, row)
    }

    /// Copies the last, incomplete batch. Without this call its rows are lost.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.batches.flush(self.connection)
    }
}
