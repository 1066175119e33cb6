//! The schema and the statements can be distributed by `client_id` over the nodes of a Citus cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contact_search::store::connection::StatementLimits;
use contact_search::store::period_border::BorderRaise;
use contact_search::store::pool::Pool;
use contact_search::store::{query, search};
use serde_json::Value;

use super::distribution_rules::{Fault, faults};
use crate::support::TestDatabase;
use crate::support::database::{count, execute};
use crate::support::period_border::set_border;

/// The beginnings of the statements of background jobs and bulk loads that read or write the rows of all clients.
const OF_ALL_CLIENTS: [&str; 8] = [
    // store/search_index.rs
    "SELECT pg_get_indexdef('contact_texts_grams'::regclass)",
    "INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix,",
    "INSERT INTO contacts_newest (client_id, id, last_message_at,",
    "INSERT INTO contact_words (client_id, word, is_name) SELECT DISTINCT client_id",
    // store/newest_contacts.rs
    "WITH some_of_them AS MATERIALIZED ( SELECT last_message_at FROM contacts_newest",
    "SELECT client_id, id FROM contacts_newest WHERE last_message_at < $1 LIMIT $2",
    // store/unused_words.rs
    "SELECT DISTINCT client_id FROM contact_words WHERE is_leaving",
    "SELECT DISTINCT client_id FROM contact_words_left",
];

fn files_in(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_in(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The string literals of Rust code, without those of its unit tests.
fn literals(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut literals = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let found = &rest[at..];
        if found.starts_with("//") {
            rest = &found[found.find('\n').unwrap_or(found.len())..];
        } else if found.starts_with("'\"'") || found.starts_with("'\\\"'") {
            rest = &found[found[1..].find('\'').unwrap() + 2..];
        } else if let Some(text) = found.strip_prefix('"') {
            let hashes = rest[..at].len() - rest[..at].trim_end_matches('#').len();
            let is_raw = rest[..at - hashes].ends_with('r');
            let end = if is_raw {
                text.find(&format!("\"{}", "#".repeat(hashes)))
            } else {
                let mut is_escaped = false;
                text.find(|character| {
                    let is_end = character == '"' && !is_escaped;
                    is_escaped = character == '\\' && !is_escaped;
                    is_end
                })
            };
            let end = end.expect("the literal ends");
            let literal = &text[..end];
            literals.push(if is_raw {
                literal.to_owned()
            } else {
                literal.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\n", " ")
            });
            rest = &text[end + 1..];
        } else {
            rest = &found[1..];
        }
    }
    literals
}

/// Every statement of the program with a name for messages: the `.sql` files and the texts in the code, the statements
/// that are built from them, and those that the requests to all endpoints run, which diesel has built.
fn statements() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    files_in(&root.join("src/store"), &mut files);
    let mut statements = BTreeMap::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sql") => {
                statements.insert(name, text);
            }
            Some("rs") => {
                let literals = literals(&text).into_iter().enumerate();
                statements.extend(literals.map(|(number, literal)| (format!("{name}, text {number}"), literal)));
            }
            _ => {}
        }
    }
    statements.extend(search::statements().map(|(name, statement)| (format!("search, {name}"), statement)));
    statements.extend(query::statements().map(|(name, statement)| (name.to_owned(), statement.to_owned())));
    let mut recordings = Vec::new();
    files_in(&root.join("tests/data/statements"), &mut recordings);
    let recording = fs::read_to_string(recordings.into_iter().max().unwrap()).unwrap();
    let runs: Vec<Value> = serde_json::from_str(&recording).unwrap();
    for (number, run) in runs.iter().enumerate() {
        let lines = run["statement"].as_array().unwrap().iter().filter_map(Value::as_str);
        statements.insert(
            format!("recorded statement {number}"),
            lines.collect::<Vec<_>>().join("\n"),
        );
    }
    statements
}

#[test]
fn every_statement_can_run_on_the_node_of_its_client() {
    let statements = statements();
    let mut wrong = Vec::new();
    let mut unused = OF_ALL_CLIENTS.to_vec();
    for (name, statement) in &statements {
        let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let of_all = OF_ALL_CLIENTS.iter().find(|start| words.starts_with(**start));
        if let Some(of_all) = of_all {
            unused.retain(|start| start != of_all);
        }
        let faults = faults(statement)
            .into_iter()
            .filter(|fault| of_all.is_none() || !matches!(fault, Fault::NoClient(_)));
        wrong.extend(faults.map(|fault| format!("{name}: {fault}: {words}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(unused, [""; 0], "no statement begins so");
    // Fewer statements would mean that some are not found.
    let distributed = statements
        .values()
        .filter(|statement| statement.contains("client_id = $"));
    assert!(distributed.count() > 90);
}

/// A table by which the program takes the database for one on a Citus cluster.
const CITUS: &str = "CREATE TABLE pg_dist_partition ()";

#[test]
fn a_connection_to_a_citus_cluster_routes_by_custom_plans_and_sets_its_lock_timeout_in_each_transaction() {
    if crate::support::citus::is_not_for(
        "a_connection_to_a_citus_cluster_routes_by_custom_plans_and_sets_its_lock_timeout_in_each_transaction",
        "where it stands in for Citus",
    ) {
        return;
    }
    let settings = |database: &TestDatabase| {
        let limits = StatementLimits {
            statement_timeout: Duration::from_secs(20),
            lock_timeout: Some(Duration::from_millis(321)),
            is_pooled: false,
        };
        let pool = Pool::new(database.url(), 1, limits, Duration::from_secs(20));
        let read = pool.run(|connection| {
            let has = |connection: &mut _, setting: &str, value: &str| {
                let sql = format!("SELECT (current_setting('{setting}') = '{value}')::integer::bigint AS count");
                count(connection, &sql) == 1
            };
            // Two statements of one transaction have one time.
            let time = "SELECT (extract(epoch FROM now()) * 1000000)::bigint AS count";
            let is_one_transaction = count(connection, time) == count(connection, time);
            assert!(has(connection, "lock_timeout", "321ms"));
            Ok((
                has(connection, "plan_cache_mode", "force_generic_plan"),
                has(connection, "plan_cache_mode", "auto"),
                is_one_transaction,
            ))
        });
        read.unwrap()
    };
    let database = TestDatabase::new();
    assert_eq!(settings(&database), (true, false, false));
    database.execute(CITUS);
    assert_eq!(settings(&database), (false, true, true));
}

#[test]
fn on_a_citus_cluster_the_border_waits_for_every_transaction_that_began_before_its_fence() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    database.execute(CITUS);
    set_border(&mut connection, "contact_period(now()) - 4");
    let fence = "SELECT coalesce(fence, 0) AS count FROM contact_period_border";
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS count";
    let border = "SELECT border::bigint AS count FROM contact_period_border";
    let before = database.count(border);
    let run = |connection: &mut _| {
        let mut raise = BorderRaise::default();
        while raise.step(connection).unwrap() {}
    };
    run(&mut connection);
    assert!(
        database.count(fence) > database.count(now),
        "the fence is in the future"
    );
    // A transaction that began before the fence.
    let mut writer = database.connect();
    execute(&mut writer, "BEGIN; SELECT");
    let past = database.count(now);
    database.execute(&format!("UPDATE contact_period_border SET fence = {past}"));
    run(&mut connection);
    assert_eq!(database.count(border), before);
    execute(&mut writer, "COMMIT; BEGIN; SELECT");
    run(&mut connection);
    assert_eq!(database.count(border), before + 1);
    // A fence that is too far in the future comes from another cluster.
    set_border(&mut connection, "contact_period(now()) - 4");
    database.execute(&format!("UPDATE contact_period_border SET fence = {past} * 2"));
    run(&mut connection);
    assert!(database.count(fence) < past + 600_000_000);
}

#[test]
fn no_trigger_combines_truncate_with_the_events_of_rows() {
    let database = TestDatabase::new();
    // The bits of pg_trigger.tgtype: 4 INSERT, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
    let triggers = "SELECT count(*) AS count FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
                    WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgtype & 32 > 0";
    assert_eq!(database.count(&format!("{triggers} AND tgtype & 28 > 0")), 0);
    assert_eq!(database.count(triggers), 2);
}

#[test]
fn keys_of_distributed_tables_have_the_client() {
    let database = TestDatabase::new();
    let keys_without_client = "
        SELECT count(*) AS count
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relname IN ('contact_lists', 'contact_texts', 'contact_words', 'contact_words_left', 'contacts',
                          'contacts_newest')
              AND indisunique
              AND NOT EXISTS (SELECT FROM pg_attribute
                              WHERE attrelid = indrelid AND attname = 'client_id' AND attnum = ANY (indkey))";
    assert_eq!(database.count(keys_without_client), 0);
}

/// Citus runs an `ALTER TABLE` with one subcommand only. The migrations up to 20261201000000 are older than this rule.
#[test]
fn a_migration_alters_one_thing_at_a_time() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        if folder.file_name().unwrap().to_str().unwrap() <= "20261202" {
            continue;
        }
        for file in ["up.sql", "down.sql"] {
            let path = folder.join(file);
            assert_eq!(
                several_changes(&fs::read_to_string(&path).unwrap()),
                None,
                "{}",
                path.display()
            );
        }
    }
    assert_eq!(
        several_changes("ALTER TABLE a ADD COLUMN b numeric(1, 2) DEFAULT f(1, (2));"),
        None
    );
    let two = "ALTER TABLE a ADD COLUMN b text, ADD CONSTRAINT c CHECK (b <> '')";
    assert_eq!(
        several_changes(&format!("SELECT 1; {two}; SELECT 2")),
        Some(two.to_owned())
    );
}

/// The first `ALTER TABLE` of a script with several subcommands. The scripts have no semicolon within one.
fn several_changes(script: &str) -> Option<String> {
    let lines = script.lines().map(|line| line.split("--").next().unwrap_or_default());
    let script = lines.collect::<Vec<_>>().join("\n");
    let mut statements = script.split(';').map(str::trim);
    let has_several = |statement: &&str| {
        let mut depth = 0;
        statement.starts_with("ALTER TABLE")
            && statement.chars().any(|character| {
                depth += i32::from(character == '(') - i32::from(character == ')');
                character == ',' && depth == 0
            })
    };
    statements.find(has_several).map(str::to_owned)
}
