//! The migrations, embedded in the program.

use std::any::Any;

use diesel::connection::{BoxableConnection, SimpleConnection};
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::error::StoreError;
use super::schema::schema_requirement;
use super::script::statements;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The migrations, whose statements run one by one. Citus refuses most changes of a schema in a message with several
/// statements.
struct Steps;

impl MigrationSource<Pg> for Steps {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        let steps = MigrationSource::<Pg>::migrations(&MIGRATIONS)?.into_iter();
        Ok(steps.map(|step| Box::new(Step(step)) as _).collect())
    }
}

struct Step(Box<dyn Migration<Pg>>);

impl Migration<Pg> for Step {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        let mut script = Script::default();
        self.0.run(&mut script)?;
        script.run(self.name(), connection)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        let mut script = Script::default();
        self.0.revert(&mut script)?;
        script.run(self.name(), connection)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self.0.metadata()
    }

    fn name(&self) -> &dyn MigrationName {
        self.0.name()
    }
}

/// Stands in for a connection, and receives the script of a migration.
#[derive(Default)]
struct Script(String);

impl Script {
    fn run(
        &self,
        name: &dyn MigrationName,
        connection: &mut dyn BoxableConnection<Pg>,
    ) -> diesel::migration::Result<()> {
        for statement in statements(&self.0) {
            connection
                .batch_execute(statement)
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }
}

impl SimpleConnection for Script {
    fn batch_execute(&mut self, script: &str) -> QueryResult<()> {
        self.0.push_str(script);
        Ok(())
    }
}

impl BoxableConnection<Pg> for Script {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

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
    /// A newer program has migrated the database, and this program can run on it.
    Newer,
    /// A newer program has migrated the database, and this program can't run on it.
    TooNew,
    /// Another program keeps its migrations in this schema.
    Foreign,
}

impl SchemaState {
    /// Checks that this program can run on the schema.
    ///
    /// # Errors
    /// A [`MigrationError`] that says what to do.
    pub fn check(self) -> Result<(), MigrationError> {
        match self {
            SchemaState::Current | SchemaState::Newer => Ok(()),
            SchemaState::Behind(count) => Err(MigrationError::Behind(count)),
            SchemaState::TooNew => Err(MigrationError::TooNew),
            SchemaState::Foreign => Err(MigrationError::Foreign),
        }
    }
}

/// Why the schema could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database has a newer schema than this program knows: use the newer contact-search")]
    Newer,
    #[error(
        "the database has a newer schema, on which a contact-search as old as this one can't run: use the newer \
         contact-search"
    )]
    TooNew,
    #[error(
        "the table __diesel_schema_migrations of this schema belongs to another program: use a database of \
         contact-search's own"
    )]
    Foreign,
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
    read_schema(connection).map(|(state, _)| state)
}

/// Whether the database is on the coordinator of a Citus cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HasCitus(pub(super) bool);

/// Reads [`schema_state`], and in the same round trips whether the database has Citus.
pub(super) fn read_schema(connection: &mut PgConnection) -> Result<(SchemaState, HasCitus), MigrationError> {
    #[derive(QueryableByName)]
    struct Database {
        #[diesel(sql_type = Bool)]
        has_migrations: bool,
        #[diesel(sql_type = Bool)]
        has_citus: bool,
    }
    let database: Database = sql_query(
        "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS has_migrations,
                to_regclass('pg_dist_partition') IS NOT NULL AS has_citus",
    )
    .get_result(connection)
    .map_err(StoreError::from)?;
    let state = compare_schema(connection, database.has_migrations)?;
    Ok((state, HasCitus(database.has_citus)))
}

fn compare_schema(connection: &mut PgConnection, has_migrations: bool) -> Result<SchemaState, MigrationError> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let applied: Vec<Step> = if has_migrations {
        sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .load(connection)
            .map_err(StoreError::from)?
    } else {
        Vec::new()
    };
    let applied: Vec<String> = applied.into_iter().map(|step| step.version).collect();
    let known = known_migrations()?;
    if applied.iter().all(|step| known.contains(step)) {
        return Ok(match known.len() - applied.len() {
            0 => SchemaState::Current,
            pending => SchemaState::Behind(pending),
        });
    }
    let oldest_program = oldest_program(connection)?;
    Ok(compare(&applied, &known, oldest_program.as_deref()))
}

/// The schema's state if the database has migrations that this program doesn't know. Versions are times of 14 digits,
/// so the order of the texts is the order of the times.
fn compare(applied: &[String], known: &[String], oldest_program: Option<&str>) -> SchemaState {
    let has_all = known.iter().all(|step| applied.contains(step));
    let newest_known = known.iter().max().map(String::as_str);
    match oldest_program {
        Some(oldest) if has_all && Some(oldest) <= newest_known => SchemaState::Newer,
        None if !known.iter().any(|step| applied.contains(step)) => SchemaState::Foreign,
        _ => SchemaState::TooNew,
    }
}

/// The oldest program that can run on the schema. `None` if the schema does not record it.
fn oldest_program(connection: &mut PgConnection) -> Result<Option<String>, StoreError> {
    if !has_table(connection, "schema_requirement")? {
        return Ok(None);
    }
    let oldest = schema_requirement::table.select(schema_requirement::oldest_program);
    Ok(oldest.first(connection).optional()?)
}

/// Whether the row or table that a statement asks about exists.
#[derive(QueryableByName)]
struct Present {
    #[diesel(sql_type = Bool)]
    present: bool,
}

fn has_table(connection: &mut PgConnection, name: &str) -> Result<bool, StoreError> {
    let present: Present = sql_query("SELECT to_regclass($1) IS NOT NULL AS present")
        .bind::<Text, _>(name)
        .get_result(connection)?;
    Ok(present.present)
}

/// Whether the program knows all of these migrations.
///
/// # Errors
/// [`MigrationError::Step`] if the embedded migrations can't be read.
pub fn knows_all(applied: &[String]) -> Result<bool, MigrationError> {
    let known = known_migrations()?;
    Ok(applied.iter().all(|step| known.contains(step)))
}

/// The versions of this program's migrations.
fn known_migrations() -> Result<Vec<String>, MigrationError> {
    Ok(Steps
        .migrations()
        .map_err(MigrationError::Step)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}

/// The tables of other programs in the schema where the first migration would create its own tables. Tables of
/// extensions don't count. Returns `None` if no such table exists, or if one of this program's migrations has run in
/// the schema.
///
/// Takes the migration lock, because another server may be running the first migrations.
///
/// # Errors
/// [`MigrationError::Store`], and [`MigrationError::Step`] if the embedded migrations can't be read.
pub fn foreign_tables(connection: &mut PgConnection) -> Result<Option<ForeignTables>, MigrationError> {
    with_migration_lock(connection, foreign_tables_locked)
}

fn foreign_tables_locked(connection: &mut PgConnection) -> Result<Option<ForeignTables>, MigrationError> {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        name: String,
    }
    if oldest_program(connection)?.is_some() || has_own_migration(connection)? {
        return Ok(None);
    }
    let tables: Vec<Table> = sql_query(include_str!("foreign_tables.sql"))
        .load(connection)
        .map_err(StoreError::from)?;
    Ok((!tables.is_empty()).then(|| ForeignTables {
        count: tables.len(),
        names: tables.into_iter().take(3).map(|table| table.name).collect(),
    }))
}

/// Whether one of this program's migrations has run in the schema.
fn has_own_migration(connection: &mut PgConnection) -> Result<bool, MigrationError> {
    if !has_table(connection, "__diesel_schema_migrations")? {
        return Ok(false);
    }
    let present: Present =
        sql_query("SELECT EXISTS (SELECT FROM __diesel_schema_migrations WHERE version = ANY ($1)) AS present")
            .bind::<Array<Text>, _>(known_migrations()?)
            .get_result(connection)
            .map_err(StoreError::from)?;
    Ok(present.present)
}

/// Tables that another program has made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignTables {
    pub count: usize,
    /// The first names, at most three.
    pub names: Vec<String>,
}

/// Brings the schema up to date, unless a newer program has migrated it and this program can run on it. Returns the
/// number of migrations that ran.
///
/// # Errors
/// As for [`migrate`].
pub fn ensure_usable(connection: &mut PgConnection) -> Result<usize, MigrationError> {
    match migrate(connection) {
        Err(MigrationError::Newer) => Ok(0),
        outcome => outcome,
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
    connection.revert_all_migrations(Steps).map_err(MigrationError::Step)?;
    sql_query("DROP TABLE __diesel_schema_migrations")
        .execute(connection)
        .map_err(StoreError::from)?;
    Ok(())
}

fn migrate_locked(connection: &mut PgConnection) -> Result<usize, MigrationError> {
    match schema_state(connection)? {
        SchemaState::Current => Ok(0),
        SchemaState::Newer => Err(MigrationError::Newer),
        SchemaState::TooNew => Err(MigrationError::TooNew),
        SchemaState::Foreign => Err(MigrationError::Foreign),
        SchemaState::Behind(_) => connection
            .run_pending_migrations(Steps)
            .map(|steps| steps.len())
            .map_err(MigrationError::Step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(versions: &[&str]) -> Vec<String> {
        versions.iter().map(|&version| version.to_owned()).collect()
    }

    #[test]
    fn a_program_runs_on_a_newer_schema_if_it_is_as_new_as_the_schema_requires() {
        let known = steps(&["20260101000000", "20260201000000"]);
        let newer = steps(&["20260101000000", "20260201000000", "20260301000000"]);
        let compare = |applied: &[String], oldest| super::compare(applied, &known, oldest);
        assert_eq!(compare(&newer, Some("20260101000000")), SchemaState::Newer);
        assert_eq!(compare(&newer, Some("20260201000000")), SchemaState::Newer);
        assert_eq!(compare(&newer, Some("20260301000000")), SchemaState::TooNew);
        assert_eq!(compare(&newer, None), SchemaState::TooNew);
        let lacking = steps(&["20260101000000", "20260301000000"]);
        assert_eq!(compare(&lacking, Some("20260101000000")), SchemaState::TooNew);
    }

    #[test]
    fn migrations_that_are_all_unknown_belong_to_another_program() {
        let known = steps(&["20260101000000"]);
        let others = steps(&["00000000000000", "20251231000000"]);
        assert_eq!(compare(&others, &known, None), SchemaState::Foreign);
    }

    #[test]
    fn no_two_migrations_have_one_version() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let folders = std::fs::read_dir(folder).unwrap().count();
        let versions: std::collections::BTreeSet<String> = known_migrations().unwrap().into_iter().collect();
        assert_eq!(versions.len(), folders);
    }

    #[test]
    fn every_migration_records_the_oldest_program_that_can_run_on_it() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let known = known_migrations().unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let version = &name[..14];
            if version <= "20261129020000" {
                continue;
            }
            for file in ["up.sql", "down.sql"] {
                let text = std::fs::read_to_string(path.join(file)).unwrap();
                let (_, rest) = text
                    .split_once("UPDATE schema_requirement SET oldest_program = '")
                    .unwrap_or_else(|| panic!("{name}/{file} does not set the oldest program"));
                let oldest = rest.split('\'').next().unwrap();
                assert!(
                    oldest <= version && known.iter().any(|step| step == oldest),
                    "{name}/{file}: {oldest} is no migration up to this one"
                );
            }
        }
    }
}
