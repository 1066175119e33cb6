//! The migrations, embedded in the program.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::error::StoreError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Key of the advisory lock that is held while migrating, since two servers may start at the same moment. The number
/// spells `contact` in ASCII.
const ADVISORY_LOCK: i64 = 0x0063_6f6e_7461_6374;

/// How the database's schema compares to the program's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchemaState {
    /// Both have the same migrations.
    Current,
    /// The database lacks this many migrations.
    Behind(usize),
    /// The database has migrations that this program doesn't know: a newer program ran them.
    Newer,
}

/// Why the schema could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database has a newer schema than this program knows: use the newer contact-search")]
    Newer,
    #[error(
        "the database's schema lacks {0} of this program's migrations: run `contact-search migrate`, or serve with --migrate"
    )]
    Behind(usize),
    #[error("a migration failed and was rolled back")]
    Step(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Compares the database's migrations with the program's. Writes nothing, so that a role without the right to create
/// tables can call it.
///
/// # Errors
/// [`MigrationError::Store`], and [`MigrationError::Step`] if the embedded migrations can't be read.
pub fn schema_state(connection: &mut PgConnection) -> Result<SchemaState, MigrationError> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    #[derive(QueryableByName)]
    struct Present {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        present: bool,
    }
    let present: Present = sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS present")
        .get_result(connection)
        .map_err(StoreError::from)?;
    let applied: Vec<Step> = if present.present {
        sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .load(connection)
            .map_err(StoreError::from)?
    } else {
        Vec::new()
    };
    let applied: Vec<String> = applied.into_iter().map(|step| step.version).collect();
    state_of(&applied)
}

/// Compares the versions of applied migrations with the program's.
///
/// # Errors
/// [`MigrationError::Step`] if the embedded migrations can't be read.
pub fn state_of(applied: &[String]) -> Result<SchemaState, MigrationError> {
    use diesel::migration::MigrationSource;
    let known: Vec<String> = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS)
        .map_err(MigrationError::Step)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    if applied.iter().any(|step| !known.contains(step)) {
        return Ok(SchemaState::Newer);
    }
    match known.len() - applied.len() {
        0 => Ok(SchemaState::Current),
        pending => Ok(SchemaState::Behind(pending)),
    }
}

/// Runs the missing migrations under an advisory lock, and returns their number.
///
/// The connection should have no `statement_timeout`: a migration may take long.
///
/// # Errors
/// [`MigrationError`]; a migration that failed is rolled back.
pub fn migrate(connection: &mut PgConnection) -> Result<usize, MigrationError> {
    with_migration_lock(connection, migrate_locked)
}

/// Runs `work` under the migration lock. `work` may call [`migrate`] itself: the session can take its lock twice.
pub(super) fn with_migration_lock<T, E: From<StoreError>>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    sql_query("SELECT pg_advisory_lock($1)")
        .bind::<BigInt, _>(ADVISORY_LOCK)
        .execute(connection)
        .map_err(StoreError::from)?;
    let outcome = work(connection);
    // A broken connection has released the lock. The error of `work` comes first.
    let unlocked = sql_query("SELECT pg_advisory_unlock($1)")
        .bind::<BigInt, _>(ADVISORY_LOCK)
        .execute(connection)
        .map_err(StoreError::from);
    let done = outcome?;
    unlocked?;
    Ok(done)
}

/// Reverts all migrations, and with them deletes all contacts.
pub(super) fn revert_all(connection: &mut PgConnection) -> Result<(), MigrationError> {
    connection
        .revert_all_migrations(MIGRATIONS)
        .map_err(MigrationError::Step)?;
    sql_query("DROP TABLE __diesel_schema_migrations")
        .execute(connection)
        .map_err(StoreError::from)?;
    Ok(())
}

fn migrate_locked(connection: &mut PgConnection) -> Result<usize, MigrationError> {
    match schema_state(connection)? {
        SchemaState::Current => Ok(0),
        SchemaState::Newer => Err(MigrationError::Newer),
        SchemaState::Behind(_) => connection
            .run_pending_migrations(MIGRATIONS)
            .map(|steps| steps.len())
            .map_err(MigrationError::Step),
    }
}
