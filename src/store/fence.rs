//! Fences: a job writes something that other transactions read and rely on, and waits until no transaction relies on
//! the former value.
//!
//! A later transaction of the job notes its own id as the fence ([`OWN_ID`]). A transaction that relies on the former
//! value has a lower id, or a snapshot that is older than the fence. A transaction that only reads has no id, and can
//! write later with its old snapshot (REPEATABLE READ).

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

/// SQL for the id of the own transaction. Every id that was given before is lower.
pub(super) const OWN_ID: &str = "pg_current_xact_id()::text::bigint";

/// SQL for a condition: this cluster has not yet given the fence's id, because a backup of another cluster was restored
/// here. To wait for it could take for ever.
pub(super) const IS_FOREIGN: &str = "fence >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// The smallest id that a running transaction has, or that it sees as running in its snapshot. All transactions that
/// relied on a value behind a fence up to this id have ended. Only a later statement is sure to see their writes.
pub(super) fn oldest_running(connection: &mut PgConnection) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Oldest {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    // `age` counts from the id that is given next. PostgreSQL shows the snapshots of all roles here.
    let oldest: Oldest = sql_query(
        "SELECT least(pg_snapshot_xmin(now)::text::bigint,
                      (SELECT min(pg_snapshot_xmax(now)::text::bigint
                                  + age(pg_snapshot_xmax(now)::xid) - age(backend_xmin))
                       FROM pg_stat_activity
                       WHERE datname = current_database())) AS id
         FROM pg_current_snapshot() AS now",
    )
    .get_result(connection)?;
    Ok(oldest.id)
}
