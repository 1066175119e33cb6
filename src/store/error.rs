//! The errors of the store.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection for now: the database is down, or the connection broke during the statement.
    #[error("the database can't be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A node of a Citus cluster can't be reached. The connection to the coordinator works, and so do the clients of the
    /// other nodes.
    #[error("a node of the database can't be reached")]
    NodeAway(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection, and a retry will not help.
    #[error(transparent)]
    Refused(#[from] ConnectError),
    /// All connections of the pool stayed in use until the checkout timeout.
    #[error("no database connection became free in time")]
    Exhausted,
    /// The database's disk is full. Reads still work; writes work again once there is space.
    #[error("the database's disk is full")]
    DiskFull(#[source] DieselError),
    /// The database takes no writes now, as a standby does. Reads still work.
    #[error("the database is read-only")]
    ReadOnly(#[source] DieselError),
    /// A standby cancelled the statement, because it conflicted with a change from the primary. A retry may succeed.
    #[error("the standby cancelled the statement")]
    RecoveryConflict(#[source] DieselError),
    /// The statement hit the connection's `statement_timeout`.
    #[error("the database took too long")]
    TimedOut(#[source] DieselError),
    /// A unique violation: the row exists already.
    #[error("it exists already")]
    Exists(#[source] DieselError),
    /// A deadlock or serialization failure, or all attempts lost to concurrent writers.
    #[error("other writers kept writing the same rows")]
    Contended,
    /// Another writer held a lock for longer than the connection's `lock_timeout`.
    #[error("another writer keeps it locked")]
    Locked(#[source] DieselError),
    /// Work of many statements was abandoned, because its caller has stopped waiting.
    #[error("the deadline has passed")]
    Late,
    /// Any other error of a statement, which is the source.
    #[error("a statement failed")]
    Statement(#[source] DieselError),
}

/// Why a connection cannot succeed, however often it is tried.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The message contains no part of the URL: in an unreadable URL any part may be the password.
    #[error(
        "the database URL can't be read: write postgresql://user:password@host:port/database, with %40 for an @ in the \
         password, %2F for a /, %3F for a ? and %25 for a %; after a ? only options that libpq knows"
    )]
    Url,
    #[error("the database refuses the connection ({0}): check the user, the password and the database's name")]
    Denied(String),
}

impl StoreError {
    /// Joins the lines of a libpq message, since an error here is one line.
    pub(super) fn unavailable(error: &dyn std::error::Error) -> Self {
        StoreError::Unavailable(one_line(&error.to_string()).into())
    }

    /// Whether a concurrent writer caused the error, so that a retry may succeed.
    pub(super) fn is_contention(&self) -> bool {
        match self {
            // The store rolls back with this error if a row changed between its lookup and its lock.
            StoreError::Statement(DieselError::RollbackTransaction) => true,
            StoreError::Exists(_) | StoreError::Contended => true,
            _ => false,
        }
    }

    /// Whether another row refers to the row that should be deleted.
    pub(super) fn is_reference(&self) -> bool {
        matches!(
            self,
            StoreError::Statement(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _))
        )
    }
}

pub(super) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                // Its kind is that of a lost connection.
                _ if information.message().starts_with("connection to the remote node ") => {
                    StoreError::NodeAway(one_line(information.message()).into())
                }
                DatabaseErrorKind::ClosedConnection => StoreError::unavailable(&error),
                DatabaseErrorKind::UniqueViolation => StoreError::Exists(error),
                // Citus copies the rows of an `INSERT … SELECT` to a node, and keeps only the message of an error there.
                _ if is_duplicate(information.message()) => StoreError::Exists(error),
                DatabaseErrorKind::ReadOnlyTransaction => StoreError::ReadOnly(error),
                _ if is_shutdown(information.message()) => StoreError::unavailable(&error),
                // PostgreSQL reports a recovery conflict as a serialization failure or as a deadlock.
                _ if information.message().ends_with("due to conflict with recovery") => {
                    StoreError::RecoveryConflict(error)
                }
                _ if is_recovery(information.message()) => StoreError::ReadOnly(error),
                DatabaseErrorKind::SerializationFailure => StoreError::Contended,
                // diesel has no error kind for a deadlock.
                _ if is_deadlock(information.message()) => StoreError::Contended,
                _ if information.message().ends_with("due to lock timeout") => StoreError::Locked(error),
                // Matches PostgreSQL's English message, since diesel keeps no SQLSTATE. With translated messages the
                // error is the less precise `Statement`, and the caller's own deadline still applies.
                _ if information.message().starts_with("canceling statement due to") => StoreError::TimedOut(error),
                _ if is_full_disk(information.message()) => StoreError::DiskFull(error),
                _ => StoreError::Statement(error),
            },
            DieselError::BrokenTransactionManager => StoreError::unavailable(&error),
            _ => StoreError::Statement(error),
        }
    }
}

/// Whether PostgreSQL ended the session or the socket broke, by the messages of PostgreSQL and libpq.
fn is_shutdown(message: &str) -> bool {
    [
        "terminating connection",
        "server closed the connection",
        "no connection to the server",
        "the database system is",
        "could not receive data from server",
        "could not send data to server",
        "SSL connection has been closed",
    ]
    .iter()
    .any(|part| message.contains(part))
}

/// Whether a row exists already, by PostgreSQL's message.
fn is_duplicate(message: &str) -> bool {
    message.starts_with("duplicate key value violates unique constraint ")
}

/// Whether the transaction was cancelled because of a deadlock, in one PostgreSQL or between the nodes of a Citus cluster.
fn is_deadlock(message: &str) -> bool {
    [
        "deadlock detected",
        "canceling the transaction since it was involved in a distributed deadlock",
    ]
    .contains(&message)
}

/// Whether a standby refused a write with another error than that of a read-only transaction.
fn is_recovery(message: &str) -> bool {
    message.ends_with(" during recovery") || message.ends_with(" while recovery is in progress")
}

/// Whether a write failed for lack of disk space, by the messages of the operating system.
fn is_full_disk(message: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|part| message.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: DatabaseErrorKind, message: &str) -> StoreError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn errors_of_a_standby_are_distinguished_from_timeouts_and_serialization_failures() {
        use DatabaseErrorKind::{ReadOnlyTransaction, SerializationFailure, Unknown};
        let refused = error(ReadOnlyTransaction, "cannot execute INSERT in a read-only transaction");
        assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused:?}");
        for message in [
            "cannot assign TransactionIds during recovery",
            "cannot acquire lock mode ShareLock on database objects while recovery is in progress",
        ] {
            let refused = error(Unknown, message);
            assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused:?}");
        }
        for kind in [SerializationFailure, Unknown] {
            let cancelled = error(kind, "canceling statement due to conflict with recovery");
            assert!(matches!(cancelled, StoreError::RecoveryConflict(_)), "{cancelled:?}");
            let ended = error(kind, "terminating connection due to conflict with recovery");
            assert!(matches!(ended, StoreError::Unavailable(_)), "{ended:?}");
        }
        let late = error(Unknown, "canceling statement due to statement timeout");
        assert!(matches!(late, StoreError::TimedOut(_)), "{late:?}");
        let locked = error(Unknown, "canceling statement due to lock timeout");
        assert!(matches!(locked, StoreError::Locked(_)), "{locked:?}");
        let contended = error(
            SerializationFailure,
            "could not serialize access due to concurrent update",
        );
        assert!(matches!(contended, StoreError::Contended), "{contended:?}");
    }

    #[test]
    fn a_node_that_is_away_is_no_lost_connection_and_other_writers_of_a_node_are_contention() {
        let away = error(
            DatabaseErrorKind::ClosedConnection,
            "connection to the remote node app@node-2:5432 failed with the following error: server closed the \
             connection unexpectedly",
        );
        assert!(matches!(away, StoreError::NodeAway(_)), "{away:?}");
        for message in [
            "deadlock detected",
            "canceling the transaction since it was involved in a distributed deadlock",
        ] {
            let contended = error(DatabaseErrorKind::Unknown, message);
            assert!(matches!(contended, StoreError::Contended), "{contended:?}");
        }
        let exists = error(
            DatabaseErrorKind::Unknown,
            "duplicate key value violates unique constraint \"contacts_phone_identity_102012\"",
        );
        assert!(exists.is_contention(), "{exists:?}");
    }
}
