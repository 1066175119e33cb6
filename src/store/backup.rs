//! What a backup asks of the database, and what is done around the filling of one from a backup.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Integer};

use super::bulk_load;
use super::error::StoreError;
use super::migrations::{self, MigrationError, SchemaState};
use super::schema::clients;
use super::transaction::transaction;

/// What keeps a backup out of a database.
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

/// The major version of the server: 15.
pub fn server_major(connection: &mut PgConnection) -> Result<u32, StoreError> {
    #[derive(QueryableByName)]
    struct Server {
        #[diesel(sql_type = Integer)]
        major: i32,
    }
    let server: Server =
        sql_query("SELECT current_setting('server_version_num')::integer / 10000 AS major").get_result(connection)?;
    Ok(server.major.unsigned_abs())
}

/// Whether the database has a schema of ours, of whichever version.
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

/// How many clients there are. Contacts, keys and all else belong to one.
///
/// # Errors
/// [`MigrationError::Newer`] where a newer program knows more than this one.
pub fn count_clients(connection: &mut PgConnection) -> Result<i64, MigrationError> {
    if migrations::schema_state(connection)? == SchemaState::Newer {
        return Err(MigrationError::Newer);
    }
    if !has_schema(connection)? {
        return Ok(0);
    }
    let count = clients::table.count().get_result(connection);
    Ok(count.map_err(StoreError::from)?)
}

/// Has `fill` put a backup's schema and contents into a database without clients, which has none of ours when it is
/// called; then brings the schema up to date, and gives the number of migrations which that took.
///
/// Meanwhile nobody migrates, so that a server which starts waits, and finds the clients there. Keys that servers have in
/// memory are read anew by them afterwards.
///
/// # Errors
/// Those of `fill`, after which the database is as before provided that `fill` does all or nothing; and [`RestoreError`].
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

/// Takes away a schema without clients, and tells whether there was one.
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

/// Another version than the backup's, for servers that have kept keys since they saw that one before.
fn finish(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection.batch_execute("UPDATE credential_version SET version = gen_random_uuid()")?;
    bulk_load::vacuum(connection)
}
