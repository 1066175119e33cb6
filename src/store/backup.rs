//! Queries for a backup, and the steps before and after the restore of one.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Bool;

use super::error::StoreError;
use super::migrations::{self, MigrationError, SchemaState};
use super::schema::clients;
use super::transaction::transaction;
use super::{bulk_load, distribution};

/// Why a backup was not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error("a client was added to the database before the backup could be restored: nothing was restored")]
    Occupied,
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Migration(error.into())
    }
}

impl From<diesel::result::Error> for RestoreError {
    fn from(error: diesel::result::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// Whether the database has the schema of this program, of any version.
///
/// # Errors
/// [`StoreError`]
pub fn has_schema(connection: &mut PgConnection) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Schema {
        #[diesel(sql_type = Bool)]
        present: bool,
    }
    let schema: Schema = sql_query(
        "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AND to_regclass('contacts') IS NOT NULL AS present",
    )
    .get_result(connection)?;
    Ok(schema.present)
}

/// The number of clients. All keys, webhooks, lists and contacts belong to a client, so 0 means that the database is
/// empty.
///
/// # Errors
/// [`MigrationError::Newer`] if a newer program has migrated the database, and [`MigrationError::Foreign`] if another
/// program has.
pub fn count_clients(connection: &mut PgConnection) -> Result<i64, MigrationError> {
    match migrations::schema_state(connection)? {
        SchemaState::Newer | SchemaState::TooNew => return Err(MigrationError::Newer),
        SchemaState::Foreign => return Err(MigrationError::Foreign),
        SchemaState::Current | SchemaState::Behind(_) => {}
    }
    if !has_schema(connection)? {
        return Ok(0);
    }
    let count = clients::table.count().get_result(connection);
    Ok(count.map_err(StoreError::from)?)
}

/// Restores a backup into a database without clients. Drops the present schema first. Then `fill`
/// writes the backup's schema and contents. Last, runs the missing migrations and returns their
/// number.
///
/// Holds the migration lock throughout, so that a starting server waits and then finds the clients. Servers reload
/// cached keys afterwards.
///
/// # Errors
/// Those of `fill`, and [`RestoreError`]. If `fill` fails and has written nothing, the database is
/// as empty as before.
pub fn restore<E: From<StoreError> + From<RestoreError>>(
    connection: &mut PgConnection,
    fill: impl FnOnce() -> Result<(), E>,
) -> Result<usize, E> {
    migrations::with_migration_lock(connection, |connection| {
        let had_schema = clear(connection)?;
        if let Err(error) = fill() {
            if had_schema && let Err(error) = migrations::migrate(connection) {
                log::warn!("the database is without a schema now, run `contact-search migrate`: {error}");
            }
            return Err(error);
        }
        let count = migrations::migrate(connection).map_err(RestoreError::from)?;
        finish(connection)?;
        Ok(count)
    })
}

/// Drops a schema without clients. Returns whether a schema existed.
fn clear(connection: &mut PgConnection) -> Result<bool, RestoreError> {
    transaction(connection, |connection| {
        if !has_schema(connection)? {
            return Ok(false);
        }
        connection.batch_execute("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")?;
        if count_clients(connection)? > 0 {
            return Err(RestoreError::Occupied);
        }
        migrations::revert_all(connection)?;
        Ok(true)
    })
}

/// Completes the definitions, if the backup is one of a distributed database. Changes the version of the keys: servers
/// may have cached keys under the backup's version. Then vacuums.
fn finish(connection: &mut PgConnection) -> Result<(), StoreError> {
    distribution::undo_in_copy(connection)?;
    connection.batch_execute("UPDATE credential_version SET version = gen_random_uuid()")?;
    bulk_load::vacuum(connection)
}
