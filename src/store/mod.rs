//! Everything that speaks SQL. Synchronous; knows no HTTP status, no file format, no environment.
//!
//! Every function that reads or writes contacts takes the [`ClientId`](crate::domain::client::ClientId)
//! whose rows it may touch. Only what keeps `contacts_newest` small is for all clients, and tells nothing of anybody.

pub mod backup;
pub mod bulk_load;
pub mod clients;
pub mod conninfo;
pub mod contacts;
mod copy_writer;
pub mod export;
pub mod import;
pub mod keys;
mod locks;
pub mod lookup;
pub mod messages;
pub mod migrations;
pub mod newest_contacts;
pub mod pool;
mod schema;
pub mod search;
mod search_index;
mod statement;
pub mod webhooks;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Text, Timestamptz};

use crate::domain::client::ClientId;

/// A connection to PostgreSQL; other layers pass it on and call nothing of it.
pub use diesel::pg::PgConnection;

/// What keeps the store from answering.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection for now: the database is away, or went away under the statement.
    #[error("the database can't be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection, however often it is tried.
    #[error(transparent)]
    Refused(#[from] pool::ConnectError),
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

impl StoreError {
    /// libpq's words have line breaks; an error here is one line.
    fn unavailable(error: &dyn std::error::Error) -> Self {
        StoreError::Unavailable(one_line(&error.to_string()).into())
    }

    /// Whether another writer was in the way, so that the same work may end well when it is done anew.
    fn is_contention(&self) -> bool {
        match self {
            // Our own words for it, where what was found is not so any more.
            StoreError::Statement(DieselError::RollbackTransaction) => true,
            StoreError::Exists(_) | StoreError::Contended => true,
            _ => false,
        }
    }
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
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
    .any(|start| message.contains(start))
}

/// Whether the system has no room for what PostgreSQL writes (the system's words).
fn is_full_disk(message: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|words| message.contains(words))
}

/// Runs `work` in a transaction, or in a savepoint of the one that is open, with whatever error `work` has.
fn transaction<T, E: From<StoreError>>(
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

/// What ends a transaction: diesel wants one type that its own errors convert into.
enum Abort<E> {
    Work(E),
    Store(StoreError),
}

impl<E> From<DieselError> for Abort<E> {
    fn from(error: DieselError) -> Self {
        Abort::Store(error.into())
    }
}

/// How often a write is tried where other writers are in the way.
const ATTEMPTS: usize = 5;

/// Runs a transaction, anew where another writer was in the way.
///
/// # Errors
/// Those of `work`, and [`StoreError::Contended`] where that happened at every attempt.
fn attempt<T>(
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

/// Waits until no other transaction has its turn to write many of the client's contacts. Each such transaction locks
/// contacts in an order of its own, and two at a time would wait for each other in circles. Writers of a few don't
/// wait; neither do imports.
fn take_turn(connection: &mut PgConnection, client: ClientId) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('contacts ' || $1, 0))")
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}

/// The database's clock.
fn now(connection: &mut PgConnection) -> QueryResult<DateTime<Utc>> {
    diesel::select(diesel::dsl::now.into_sql::<Timestamptz>()).get_result(connection)
}
