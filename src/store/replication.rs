//! Positions in the write-ahead log (WAL), and what tells one database from another.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable};

use super::error::StoreError;
use super::statement::Statement;

const CURRENT_POSITION: &str = "SELECT (CASE current_setting('synchronous_commit')
    WHEN 'off' THEN pg_current_wal_insert_lsn()
    ELSE pg_current_wal_lsn()
END - '0/0')::bigint AS position";

const REPLAYED_POSITION: &str =
    "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint AS position, pg_is_in_recovery() AS is_standby";

/// A position in the WAL, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WalPosition(i64);

impl WalPosition {
    /// A position for a test.
    #[cfg(test)]
    pub(crate) fn at(bytes: i64) -> Self {
        Self(bytes)
    }
}

/// Tells a database from all others. A primary and its standbys have the same one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DatabaseIdentity {
    /// The identifier of the PostgreSQL cluster.
    system: i64,
    /// The database's id in the cluster.
    database: i64,
}

impl DatabaseIdentity {
    /// An identity for a test.
    #[cfg(test)]
    pub(crate) fn of_system(system: i64) -> Self {
        Self { system, database: 1 }
    }
}

#[derive(QueryableByName)]
struct IdentityRow {
    #[diesel(sql_type = BigInt)]
    system: i64,
    #[diesel(sql_type = BigInt)]
    database: i64,
}

#[derive(QueryableByName)]
struct PositionRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

#[derive(QueryableByName)]
struct ReplayRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    position: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
}

/// Reads the identity of the database.
///
/// # Errors
/// [`StoreError`]
pub fn database_identity(connection: &mut PgConnection) -> Result<DatabaseIdentity, StoreError> {
    let IdentityRow { system, database } = sql_query(
        "SELECT system_identifier AS system, pg_database.oid::bigint AS database
         FROM pg_control_system(), pg_database WHERE datname = current_database()",
    )
    .get_result(connection)?;
    Ok(DatabaseIdentity { system, database })
}

/// The position of a primary: all writes that were committed before this call have a smaller or the same one.
///
/// It is the position up to which the WAL is written. With `synchronous_commit = off` PostgreSQL confirms a commit
/// before it writes the commit's WAL, so the position is then the one up to which the WAL is complete in memory. That
/// one can lie beyond all committed writes, and a standby reaches it only after the next commit.
///
/// # Errors
/// [`StoreError`], also if the server is a standby.
pub fn current_position(connection: &mut PgConnection) -> Result<WalPosition, StoreError> {
    let PositionRow { position } = Statement::new(|| CURRENT_POSITION).get_result(connection)?;
    Ok(WalPosition(position))
}

/// The position up to which a standby has replayed the WAL. `None` if the server is no standby.
///
/// # Errors
/// [`StoreError`]
pub fn replayed_position(connection: &mut PgConnection) -> Result<Option<WalPosition>, StoreError> {
    let ReplayRow { position, is_standby } = Statement::new(|| REPLAYED_POSITION).get_result(connection)?;
    Ok(is_standby.then(|| WalPosition(position.unwrap_or(0))))
}
