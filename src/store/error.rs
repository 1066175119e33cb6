//! What keeps the store from answering.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// What keeps the store from answering.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection for now: the database is away, or went away under the statement.
    #[error("the database can't be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection, however often it is tried.
    #[error(transparent)]
    Refused(#[from] ConnectError),
    /// Every connection of the pool is in use, and none came back in time.
    #[error("no database connection became free in time")]
    Exhausted,
    /// The database's disk is full: it can be read, and written again when there is room.
    #[error("the database's disk is full")]
    DiskFull(#[source] DieselError),
    /// The statement ran into the deadline that the connection has for one.
    #[error("the database took too long")]
    TimedOut(#[source] DieselError),
    /// What is being made exists already.
    #[error("it exists already")]
    Exists(#[source] DieselError),
    /// Other writers were in the way: of a statement that waited for them in a circle, or at every attempt.
    #[error("other writers kept writing the same")]
    Contended,
    /// Another writer kept what a statement wanted to write, for longer than this connection waits.
    #[error("another writer keeps it locked")]
    Locked(#[source] DieselError),
    /// Work of many statements was given up, since nobody waits for its answer any more.
    #[error("the deadline has passed")]
    Late,
    /// Anything else; the source says what.
    #[error("a statement failed")]
    Statement(#[source] DieselError),
}

/// What keeps us out of a database that is there, or from looking for one.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing of the URL is in the sentence: which part of it is the password is what can't be told.
    #[error(
        "the database URL can't be read: write postgresql://user:password@host:port/database, with %40 for an @ in the \
         password, %2F for a /, %3F for a ? and %25 for a %; after a ? only options that libpq knows"
    )]
    Url,
    #[error("the database refuses the connection ({0}): check the user, the password and the database's name")]
    Denied(String),
}

impl StoreError {
    /// libpq's words have line breaks; an error here is one line.
    pub(super) fn unavailable(error: &dyn std::error::Error) -> Self {
        StoreError::Unavailable(one_line(&error.to_string()).into())
    }

    /// Whether another writer was in the way, so that the same work may end well when it is done anew.
    pub(super) fn is_contention(&self) -> bool {
        match self {
            // Our own words for it, where what was found is not so any more.
            StoreError::Statement(DieselError::RollbackTransaction) => true,
            StoreError::Exists(_) | StoreError::Contended => true,
            _ => false,
        }
    }
}

pub(super) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::ClosedConnection => StoreError::unavailable(&error),
                DatabaseErrorKind::UniqueViolation => StoreError::Exists(error),
                DatabaseErrorKind::SerializationFailure => StoreError::Contended,
                // diesel has no kind of its own for it.
                _ if information.message() == "deadlock detected" => StoreError::Contended,
                _ if information.message().ends_with("due to lock timeout") => StoreError::Locked(error),
                // PostgreSQL's own words, since diesel keeps no SQLSTATE. A server that translates its messages
                // gets the less precise `Statement`; the caller's own deadline tells the rest.
                _ if information.message().starts_with("canceling statement due to") => StoreError::TimedOut(error),
                _ if is_shutdown(information.message()) => StoreError::unavailable(&error),
                _ if is_full_disk(information.message()) => StoreError::DiskFull(error),
                _ => StoreError::Statement(error),
            },
            DieselError::BrokenTransactionManager => StoreError::unavailable(&error),
            _ => StoreError::Statement(error),
        }
    }
}

/// Whether PostgreSQL ended the session, or the socket under it went away (libpq's words).
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

/// Whether the system has no room for what PostgreSQL writes (the system's words).
fn is_full_disk(message: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|part| message.contains(part))
}
