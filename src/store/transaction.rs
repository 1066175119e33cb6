//! Transactions and retries.

use chrono::{DateTime, Utc};
use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Timestamptz;

use super::error::StoreError;

/// Runs `work` in a transaction, or in a savepoint if a transaction is open. `work` may have any error type.
pub(super) fn transaction<T, E: From<StoreError>>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    diesel::Connection::transaction(connection, |connection| work(connection).map_err(Abort::Work)).map_err(|abort| {
        match abort {
            Abort::Work(error) => error,
            Abort::Store(error) => error.into(),
        }
    })
}

/// The error of a transaction: diesel needs one type that its own errors convert into.
enum Abort<E> {
    Work(E),
    Store(StoreError),
}

impl<E> From<DieselError> for Abort<E> {
    fn from(error: DieselError) -> Self {
        Abort::Store(error.into())
    }
}

/// Whether a transaction is open, as in all work behind a transaction pooler. A failure then undoes all of the work.
pub(super) fn is_open(connection: &mut PgConnection) -> bool {
    let status = <PgConnection as diesel::Connection>::TransactionManager::transaction_manager_status_mut(connection);
    !matches!(status.transaction_depth(), Ok(None))
}

/// How often a write is tried before it fails because of concurrent writers.
pub(super) const ATTEMPTS: usize = 5;

/// Runs a transaction, and retries it if a concurrent writer made it fail.
///
/// # Errors
/// Those of `work`, and [`StoreError::Contended`] if concurrent writers made every attempt fail.
pub(super) fn retry_transaction<T>(
    connection: &mut PgConnection,
    work: impl Fn(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    for _ in 0..ATTEMPTS {
        match diesel::Connection::transaction(connection, &work) {
            Err(error) if StoreError::is_contention(&error) => {}
            outcome => return outcome,
        }
    }
    Err(StoreError::Contended)
}

/// The current time of the database's clock.
pub(super) fn database_now(connection: &mut PgConnection) -> QueryResult<DateTime<Utc>> {
    diesel::select(diesel::dsl::now.into_sql::<Timestamptz>()).get_result(connection)
}
