//! Distributes the contacts over the nodes of a Citus cluster, by client.
//!
//! The tables with `client_id` in their keys become distributed tables, and each client is on one node. The borders
//! become reference tables, because triggers read them on every node. All other tables stay plain tables of the
//! coordinator.

use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};

use super::bulk_load;
use super::error::StoreError;
use super::migrations::{self, MigrationError, SchemaState};
use super::transaction::transaction;

/// The tables that are distributed by `client_id`. The first one determines on which node each client is.
pub const DISTRIBUTED_TABLES: [&str; 6] = [
    "contact_lists",
    "contacts",
    "contact_texts",
    "contacts_newest",
    "contact_words",
    "contact_words_left",
];

/// The tables of which every node has a copy.
pub const REFERENCE_TABLES: [&str; 2] = ["contacts_newest_border", "contact_period_border"];

/// Distributed tables that refer to `clients` while they are not distributed. The foreign key has the name of the table
/// with `_client_fkey`.
const TABLES_WITH_CLIENT_KEY: [&str; 3] = ["contact_lists", "contact_words", "contact_words_left"];

/// The newest migration of the first programs that know distributed databases. An older program would plan statements
/// that Citus refuses.
const OLDEST_PROGRAM: &str = "20261202000000";

/// Settings of the role, which apply to its sessions on every node:
/// - Triggers of contacts write the searches' copies, on the node that has the contact.
/// - A transaction can change definitions and then write.
/// - `SET LOCAL` reaches the sessions on the nodes.
/// - The nodes plan requests as the coordinator does (`store::connection`).
const ROLE_SETTINGS: [(&str, &str); 6] = [
    ("citus.enable_unsafe_triggers", "on"),
    ("citus.multi_shard_modify_mode", "sequential"),
    ("citus.propagate_set_commands", "local"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("max_parallel_workers_per_gather", "0"),
];

/// Why the contacts were not distributed.
#[derive(Debug, thiserror::Error)]
pub enum DistributionError {
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(
        "the database has no extension citus: let an administrator run CREATE EXTENSION citus in it, and in the database \
         of the same name on every node"
    )]
    NoExtension,
    #[error("this database is a worker of Citus: name its coordinator with --database-url")]
    Worker,
    #[error("the contacts are distributed already, with all triggers, and nothing was changed")]
    Distributed,
    #[error(
        "Citus has no node for contacts: let an administrator run SELECT citus_add_node('HOST', 5432) for each worker"
    )]
    NoNodes,
    #[error(
        "the coordinator would have contacts, and imports would fail: let an administrator run \
         SELECT citus_set_node_property('HOST', 5432, 'shouldhaveshards', false) with its address"
    )]
    CoordinatorWithShards,
    #[error(
        "Citus does not know the coordinator's address: let an administrator run \
         SELECT citus_set_coordinator_host('HOST', 5432)"
    )]
    UnknownCoordinator,
    #[error("the role does not own the tables: use the role that ran the migrations")]
    NotOwner,
    #[error(
        "the database has other sessions of contact-search ({0}): stop all servers and commands first, and start them \
         again afterwards"
    )]
    InUse(i64),
    #[error(
        "the contacts are distributed, but triggers are missing on shards ({0}): restore a backup into another database"
    )]
    TriggersMissing(String),
    #[error(
        "the contacts are distributed, but a later step failed: run VACUUM (ANALYZE) contacts, contact_texts, \
         contacts_newest in the database, and `contact-search database distribute` again, which then only checks the \
         triggers"
    )]
    Unfinished(#[source] Box<DistributionError>),
}

impl From<StoreError> for DistributionError {
    fn from(error: StoreError) -> Self {
        Self::Migration(error.into())
    }
}

impl From<diesel::result::Error> for DistributionError {
    fn from(error: diesel::result::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// The triggers of contacts that are added or deleted, in a plain database (`migrations/…_texts_of_new_contacts`).
const TRIGGERS: [&str; 4] = [
    "DROP TRIGGER contacts_texts_of_new ON contacts",
    "DROP TRIGGER IF EXISTS contacts_texts_of_deleted ON contacts",
    "CREATE TRIGGER contacts_texts_of_new AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
     FOR EACH STATEMENT EXECUTE FUNCTION contact_texts_add()",
    "CREATE TRIGGER contacts_texts_of_deleted AFTER DELETE ON contacts
     FOR EACH ROW EXECUTE FUNCTION contact_texts_follow()",
];

/// The same for distributed contacts. Citus makes no triggers of statements on shards.
const DISTRIBUTED_TRIGGERS: [&str; 3] = [
    "DROP TRIGGER contacts_texts_of_new ON contacts",
    "DROP TRIGGER contacts_texts_of_deleted ON contacts",
    "CREATE TRIGGER contacts_texts_of_new AFTER INSERT OR DELETE ON contacts
     FOR EACH ROW EXECUTE FUNCTION contact_texts_follow()",
];

/// A node with shards of the contacts.
#[derive(QueryableByName, Clone, PartialEq, Eq, Debug)]
pub struct Node {
    #[diesel(sql_type = Text)]
    pub host: String,
    #[diesel(sql_type = Integer)]
    pub port: i32,
    /// The number of shards of each distributed table.
    #[diesel(sql_type = BigInt)]
    pub shards: i64,
}

/// Whether the contacts are distributed.
///
/// # Errors
/// [`StoreError`]
pub fn is_distributed(connection: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(has_extension(connection)?
        && holds(
            connection,
            "EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('contacts'))",
        )?)
}

fn has_extension(connection: &mut PgConnection) -> Result<bool, StoreError> {
    holds(connection, "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")
}

fn holds(connection: &mut PgConnection, condition: &str) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        holds: bool,
    }
    let answer: Answer = sql_query(format!("SELECT {condition} AS holds")).get_result(connection)?;
    Ok(answer.holds)
}

/// Checks whether the contacts can be distributed, and changes the settings of the role. They apply to new connections,
/// so [`distribute`] needs another one.
///
/// # Errors
/// [`DistributionError`]. Only a failed change of a setting can have changed something: the settings before it.
pub fn prepare(connection: &mut PgConnection) -> Result<(), DistributionError> {
    check(connection)?;
    for (name, value) in ROLE_SETTINGS {
        execute(connection, &format!("ALTER ROLE CURRENT_USER SET {name} = {value}"))?;
    }
    Ok(())
}

fn check(connection: &mut PgConnection) -> Result<(), DistributionError> {
    if !has_extension(connection)? {
        return Err(DistributionError::NoExtension);
    }
    if !holds(connection, "(SELECT groupid = 0 FROM pg_dist_local_group)")? {
        return Err(DistributionError::Worker);
    }
    if is_distributed(connection)? {
        check_triggers(connection)?;
        return Err(DistributionError::Distributed);
    }
    let mut ensure = |condition: &str, error: DistributionError| match holds(connection, condition) {
        Ok(true) => Ok(()),
        Ok(false) => Err(error),
        Err(error) => Err(error.into()),
    };
    ensure(
        "EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0)",
        DistributionError::UnknownCoordinator,
    )?;
    ensure(
        "NOT EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0 AND shouldhaveshards)",
        DistributionError::CoordinatorWithShards,
    )?;
    ensure(
        "EXISTS (SELECT FROM pg_dist_node WHERE noderole = 'primary' AND isactive AND shouldhaveshards)",
        DistributionError::NoNodes,
    )?;
    match migrations::schema_state(connection)? {
        SchemaState::Newer => return Err(MigrationError::Newer.into()),
        state => state.check()?,
    }
    if !holds(
        connection,
        "(SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'contacts'::regclass)",
    )? {
        return Err(DistributionError::NotOwner);
    }
    // PostgreSQL ends a session some moments after its client has gone.
    for _ in 0..20 {
        if other_sessions(connection)? == 0 {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(DistributionError::InUse(other_sessions(connection)?))
}

/// The number of other sessions of this program. A server that runs on would keep plans for tables that are not
/// distributed. Sessions are known by their name, which a URL can change.
fn other_sessions(connection: &mut PgConnection) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Sessions {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sessions: Sessions = sql_query(
        "SELECT count(*) AS count FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'contact-search'",
    )
    .get_result(connection)?;
    Ok(sessions.count)
}

/// Distributes the contacts in one transaction, under the migrations' lock, and gathers statistics. Calls `observe` with
/// each table before its rows are copied. Returns the nodes with the contacts.
///
/// The session needs the settings of [`prepare`].
///
/// # Errors
/// [`DistributionError`]. With [`DistributionError::TriggersMissing`] and [`DistributionError::Unfinished`] the contacts
/// are distributed. With others the database is unchanged, except for the settings that [`prepare`] has changed.
pub fn distribute(
    connection: &mut PgConnection,
    mut observe: impl FnMut(&str),
) -> Result<Vec<Node>, DistributionError> {
    let mut is_committed = false;
    let outcome = migrations::with_migration_lock(connection, |connection| {
        check(connection)?;
        // Without the first setting, PostgreSQL would notice a killed command only at the end of a statement.
        execute(
            connection,
            "SET client_connection_check_interval TO '2s'; SET client_min_messages TO warning",
        )?;
        transaction(connection, |connection| distribute_tables(connection, &mut observe))?;
        is_committed = true;
        check_triggers(connection)?;
        bulk_load::vacuum(connection)?;
        Ok(nodes(connection)?)
    });
    outcome.map_err(|error| match error {
        DistributionError::TriggersMissing(_) => error,
        _ if is_committed => DistributionError::Unfinished(Box::new(error)),
        _ => error,
    })
}

fn distribute_tables(connection: &mut PgConnection, observe: &mut dyn FnMut(&str)) -> Result<(), StoreError> {
    // A session without this program's name can have locks.
    execute(connection, "SET LOCAL lock_timeout TO '10s'")?;
    let tables = [&DISTRIBUTED_TABLES[..], &REFERENCE_TABLES].concat().join(", ");
    execute(
        connection,
        &format!("LOCK TABLE clients, {tables} IN ACCESS EXCLUSIVE MODE"),
    )?;
    execute(connection, "SET LOCAL lock_timeout TO 0")?;
    // Citus can't plan the trigger's statements without the values of their parameters.
    execute(
        connection,
        "ALTER FUNCTION contact_texts_follow() SET plan_cache_mode = auto",
    )?;
    execute(
        connection,
        &format!(
            "UPDATE schema_requirement SET oldest_program = '{OLDEST_PROGRAM}'
             WHERE oldest_program < '{OLDEST_PROGRAM}'"
        ),
    )?;

    for statement in DISTRIBUTED_TRIGGERS {
        execute(connection, statement)?;
    }

    // Functions from before the nodes were added are not on the nodes yet.
    for function in functions(connection)? {
        execute(connection, &format!("SELECT create_distributed_function('{function}')"))?;
    }

    // The search tables already have these rows, so the triggers are off. Rows are copied faster without the indexes of
    // the searches.
    let triggers = definitions(connection, ROW_TRIGGERS)?;
    let indexes = definitions(connection, INDEXES_OF_SEARCHES)?;
    let references = definitions(connection, REFERENCES)?;
    for triggers in &triggers {
        execute(connection, &triggers.undo)?;
    }
    for object in indexes.iter().chain(&references) {
        execute(connection, &object.undo)?;
    }
    for table in REFERENCE_TABLES {
        observe(table);
        execute(connection, &format!("SELECT create_reference_table('{table}')"))?;
    }
    for (position, table) in DISTRIBUTED_TABLES.into_iter().enumerate() {
        observe(table);
        let colocated = if position == 0 { "none" } else { DISTRIBUTED_TABLES[0] };
        execute(
            connection,
            &format!("SELECT create_distributed_table('{table}', 'client_id', colocate_with => '{colocated}')"),
        )?;
    }
    for object in references.iter().chain(&indexes).chain(&triggers) {
        for statement in &object.restore {
            execute(connection, statement)?;
        }
    }
    // The coordinator's own rows, which Citus has copied and hides.
    for table in DISTRIBUTED_TABLES.into_iter().chain(REFERENCE_TABLES) {
        execute(
            connection,
            &format!("SELECT truncate_local_data_after_distributing_table('{table}')"),
        )?;
    }
    Ok(())
}

/// Gives a copy that is not distributed the definitions of a plain database. A backup of a distributed database lacks
/// them. A plain database keeps the definitions that it has.
///
/// A backup of several nodes has no single moment, so it can have rows of a client that was added or erased meanwhile.
/// They go, because no key reads them.
pub(super) fn undo_in_copy(connection: &mut PgConnection) -> Result<(), StoreError> {
    transaction(connection, |connection| {
        execute(
            connection,
            "ALTER FUNCTION contact_texts_follow() SET plan_cache_mode = force_generic_plan",
        )?;
        for statement in TRIGGERS {
            execute(connection, statement)?;
        }
        let mut tables = Vec::new();
        for table in TABLES_WITH_CLIENT_KEY {
            let has_key = format!(
                "EXISTS (SELECT FROM pg_constraint
                         WHERE conrelid = '{table}'::regclass AND conname = '{table}_client_fkey')"
            );
            if !holds(connection, &has_key)? {
                tables.push(table);
            }
        }
        if tables.is_empty() {
            return Ok(());
        }
        // The contacts go first: they refer to lists, and their trigger adds words.
        for table in ["contacts"].iter().chain(&tables) {
            execute(
                connection,
                &format!("DELETE FROM {table} WHERE NOT EXISTS (SELECT FROM clients WHERE id = {table}.client_id)"),
            )?;
        }
        for table in tables {
            execute(
                connection,
                &format!(
                    "ALTER TABLE {table} ADD CONSTRAINT {table}_client_fkey
                     FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE"
                ),
            )?;
        }
        Ok(())
    })
}

/// The functions of the tables, each with its types. Functions come after those that they call.
fn functions(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Function {
        #[diesel(sql_type = Text)]
        function: String,
    }
    let functions: Vec<Function> = sql_query(
        "SELECT pg_proc.oid::regprocedure::text AS function
         FROM pg_proc JOIN pg_class ON pg_class.oid = 'contacts'::regclass AND relnamespace = pronamespace
         WHERE proname LIKE 'contact\\_%' AND proowner = relowner
         ORDER BY pg_proc.oid",
    )
    .load(connection)?;
    Ok(functions.into_iter().map(|function| function.function).collect())
}

/// A trigger, an index or a constraint that is out of the way while rows are copied.
#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    undo: String,
    /// Each is a message of its own, because Citus forwards the text of a message to the nodes.
    #[diesel(sql_type = Array<Text>)]
    restore: Vec<String>,
}

/// Row triggers. The statement trigger for TRUNCATE can stay: nothing truncates while rows are copied.
const ROW_TRIGGERS: &str = "
    SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS undo,
           ARRAY[format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname)] AS restore
    FROM pg_trigger
    WHERE tgrelid = ANY($1::regclass[]) AND NOT tgisinternal AND tgtype & 1 = 1
    ORDER BY tgname";

/// GIN indexes, and the statistics of their first column. Only an expression can have a target for its statistics.
const INDEXES_OF_SEARCHES: &str = "
    SELECT format('DROP INDEX %s', indexrelid::regclass) AS undo,
           CASE WHEN attstattarget >= 0
                THEN ARRAY[pg_get_indexdef(indexrelid),
                           format('ALTER INDEX %s ALTER COLUMN 1 SET STATISTICS %s',
                                  indexrelid::regclass, attstattarget)]
                ELSE ARRAY[pg_get_indexdef(indexrelid)]
           END AS restore
    FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_am ON pg_am.oid = relam
    JOIN pg_attribute ON attrelid = indexrelid AND attnum = 1
    WHERE indrelid = ANY($1::regclass[]) AND amname = 'gin'
    ORDER BY relname";

/// Foreign keys. Those to tables of the coordinator don't come back: a shard can't refer to them.
const REFERENCES: &str = "
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS undo,
           CASE WHEN confrelid = ANY($1::regclass[])
                THEN ARRAY[format('ALTER TABLE %s ADD CONSTRAINT %I %s',
                                  conrelid::regclass, conname, pg_get_constraintdef(oid))]
                ELSE ARRAY[]::text[]
           END AS restore
    FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY($1::regclass[])
    ORDER BY conname";

fn definitions(connection: &mut PgConnection, query: &str) -> Result<Vec<Definition>, StoreError> {
    Ok(sql_query(query)
        .bind::<Array<Text>, _>(DISTRIBUTED_TABLES.to_vec())
        .load(connection)?)
}

/// Checks that each shard of the contacts has the enabled triggers of the table.
fn check_triggers(connection: &mut PgConnection) -> Result<(), DistributionError> {
    #[derive(QueryableByName)]
    struct Shard {
        #[diesel(sql_type = Text)]
        place: String,
    }
    let count = "SELECT count(*) FROM pg_trigger \
                 WHERE tgrelid = '%s'::regclass AND NOT tgisinternal AND tgenabled = 'O' AND tgtype & 1 = 1";
    let wrong: Vec<Shard> = sql_query(format!(
        "SELECT format('%s:%s %s', nodename, nodeport, shardid) AS place
         FROM run_command_on_placements('contacts', $command${count}$command$)
         WHERE NOT success OR result <> ({})::text
         ORDER BY place",
        count.replace("%s", "contacts")
    ))
    .load(connection)?;
    // A statement trigger for added contacts would be missing on all shards.
    let has_trigger_of_new = "EXISTS (SELECT FROM pg_trigger
                                      WHERE tgrelid = 'contacts'::regclass AND NOT tgisinternal AND tgtype & 5 = 5)";
    if !holds(connection, has_trigger_of_new)? {
        return Err(DistributionError::TriggersMissing("contacts".to_owned()));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let places: Vec<String> = wrong.into_iter().map(|shard| shard.place).collect();
    Err(DistributionError::TriggersMissing(places.join(", ")))
}

fn nodes(connection: &mut PgConnection) -> Result<Vec<Node>, StoreError> {
    Ok(sql_query(
        "SELECT nodename AS host, nodeport AS port, count(*) AS shards
         FROM pg_dist_shard JOIN pg_dist_placement USING (shardid) JOIN pg_dist_node USING (groupid)
         WHERE logicalrelid = 'contacts'::regclass AND noderole = 'primary'
         GROUP BY nodename, nodeport
         ORDER BY nodename, nodeport",
    )
    .load(connection)?)
}

fn execute(connection: &mut PgConnection, statement: &str) -> Result<(), StoreError> {
    Ok(connection.batch_execute(statement)?)
}
