//! Fences: a job writes something that other transactions read and rely on, and waits until no transaction relies on
//! the former value.
//!
//! A later transaction of the job notes a fence ([`Fences::own`]). A transaction that relies on the former value is
//! older than the fence. The job waits until no older transaction runs ([`Fences::oldest_running`]).
//!
//! On one PostgreSQL a fence is a transaction id. A transaction that relies on the former value has a lower id, or a
//! snapshot that is older than the fence. A transaction that only reads has no id, and can write later with its old
//! snapshot (REPEATABLE READ).
//!
//! The nodes of a Citus cluster count transactions separately. But every transaction of a writer is open on the
//! coordinator for as long as on the other nodes. So there a fence is a time of the coordinator's clock, in microseconds
//! since 1970.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};

/// The fences of a database, as SQL.
#[derive(Debug)]
pub(super) struct Fences {
    /// The fence of the own transaction. Every transaction that relies on the former value is older.
    pub(super) own: &'static str,
    /// A condition: the fence comes from another cluster, whose backup was restored here. To wait for it could take for
    /// ever.
    pub(super) is_foreign: &'static str,
    oldest_running: &'static str,
}

const OF_TRANSACTION_IDS: Fences = Fences {
    own: "pg_current_xact_id()::text::bigint",
    is_foreign: "fence >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
    // The smallest id that a running transaction has, or that it sees as running in its snapshot. `age` counts from the
    // id that is given next. PostgreSQL shows the snapshots of all roles here.
    oldest_running: "
        SELECT least(pg_snapshot_xmin(now)::text::bigint,
                     (SELECT min(pg_snapshot_xmax(now)::text::bigint
                                 + age(pg_snapshot_xmax(now)::xid) - age(backend_xmin))
                      FROM pg_stat_activity
                      WHERE datname = current_database())) AS fence
        FROM pg_current_snapshot() AS now",
};

const OF_TIMES: Fences = Fences {
    // The job's write reaches the nodes at different moments, so a transaction that begins a little later can still rely
    // on the former value. The job waits for the transactions of the next two minutes too, which is longer than its
    // statement can take.
    own: "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint + 120000000",
    is_foreign: "fence > (extract(epoch FROM statement_timestamp()) * 1000000)::bigint + 240000000",
    // A running transaction has a lock on its virtual id. PostgreSQL hides when the transactions of other roles began, so
    // they count as the oldest.
    oldest_running: "
        SELECT least((extract(epoch FROM statement_timestamp()) * 1000000)::bigint,
                     (SELECT min(coalesce((extract(epoch FROM xact_start) * 1000000)::bigint, 0))
                      FROM pg_locks JOIN pg_stat_activity USING (pid)
                      WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND datname = current_database()
                            AND pid <> pg_backend_pid())) AS fence",
};

impl Fences {
    /// The kind of fences that the database needs.
    pub(super) fn of(connection: &mut PgConnection) -> QueryResult<&'static Self> {
        #[derive(QueryableByName)]
        struct Database {
            #[diesel(sql_type = Bool)]
            has_citus: bool,
        }
        let database: Database =
            sql_query("SELECT to_regclass('pg_dist_partition') IS NOT NULL AS has_citus").get_result(connection)?;
        Ok(if database.has_citus {
            &OF_TIMES
        } else {
            &OF_TRANSACTION_IDS
        })
    }

    /// The fence of the oldest running transaction. All transactions that relied on a value behind a fence up to this one
    /// have ended. Only a later statement is sure to see their writes.
    pub(super) fn oldest_running(&self, connection: &mut PgConnection) -> QueryResult<i64> {
        #[derive(QueryableByName)]
        struct Oldest {
            #[diesel(sql_type = BigInt)]
            fence: i64,
        }
        let oldest: Oldest = sql_query(self.oldest_running).get_result(connection)?;
        Ok(oldest.fence)
    }
}
