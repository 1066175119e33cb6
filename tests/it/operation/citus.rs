//! `contact-search database distribute`, and a server on a Citus cluster.
//!
//! With `CONTACT_SEARCH_TEST_CITUS_BIN`, the databases of all other tests are distributed, too.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::Utc;
use contact_search::domain::client::ClientId;
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::store::clients;
use contact_search::store::connection::connect;
use contact_search::store::distribution::{DISTRIBUTED_TABLES, REFERENCE_TABLES};
use contact_search::store::migrations::migrate;
use serde_json::json;

use crate::support::app::{Server, add_key, encode, program, revoke};
use crate::support::backup::{backup_of, contents, directory, error_of, printed, rows};
use crate::support::citus::{distribute_contacts, execute_on, is_not_for, place, programs_for, set_coordinator};
use crate::support::citus_cluster::CitusCluster;
use crate::support::command::{command_on, run_on};
use crate::support::database::{count, execute};
use crate::support::private_database::query;
use crate::support::replication::{LOOKUP, PHONE};
use crate::support::{Contact, OwnDirectory, PATIENCE, TestDatabase, private_database, wait_until};

fn command(url: &str, programs: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).args(["--database-url", url]);
    command.env("CONTACT_SEARCH_PG_BIN", programs);
    command
}

fn distribute(url: &str) -> Command {
    let mut command = program();
    command.args(["database", "distribute", "--database-url", url]);
    command
}

fn serve(url: &str) -> Server {
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", url]);
    Server::start(command)
}

/// A client with a contact, and a key of it.
fn add_client(url: &str, name: &str) -> (ClientId, String) {
    let connection = &mut connect(url).unwrap();
    let client = clients::create_client(connection, name, Region::DEFAULT).unwrap();
    let contact = Contact {
        name: Some("Juana Molina"),
        phone: Some(PHONE),
        email: Some("juana.molina@example.com"),
        ..Contact::default()
    };
    contact.add(connection, client);
    (client, add_key(connection, client, &Scope::ALL, None))
}

#[test]
fn distribute_refuses_a_plain_database_and_says_what_is_missing() {
    let home = OwnDirectory::new();
    let mut private = program();
    private.args(["database", "distribute", "--data-dir"]).arg(home.path());
    let message = error_of(private);
    assert!(message.contains("coordinator with --database-url"), "{message}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);

    let database = TestDatabase::empty();
    for command in ["migrate", "client list"] {
        let message = error_of(distribute(database.url()));
        assert!(message.contains("CREATE EXTENSION citus"), "{message}");
        assert_eq!(
            run_on(&database, &command.split(' ').collect::<Vec<_>>()).status,
            Some(0)
        );
    }
}

#[test]
fn distribute_checks_the_cluster_and_the_database_and_runs_once() {
    let Some(programs) = programs_for("distribute_checks_the_cluster_and_the_database_and_runs_once") else {
        return;
    };
    let cluster = CitusCluster::start_servers(&programs);
    let url = cluster.url();
    let refuses = |url: &str, expected: &str| {
        let message = error_of(distribute(url));
        assert!(message.contains(expected), "{message}");
    };
    refuses(&url, "CREATE EXTENSION citus");
    cluster.create_extension();
    refuses(&url, "citus_set_coordinator_host");
    set_coordinator(&cluster.coordinator);
    refuses(&url, "citus_add_node");
    for (has_shards, expected) in [(true, "'shouldhaveshards', false"), (false, "citus_add_node")] {
        let (host, port) = place(&cluster.coordinator);
        let property = format!("SELECT citus_set_node_property('{host}', {port}, 'shouldhaveshards', {has_shards})");
        execute_on(&cluster.coordinator, &property);
        refuses(&url, expected);
    }
    cluster.add_workers();
    refuses(&cluster.workers[0].url(), "is a worker of Citus");
    refuses(&url, "run `contact-search migrate`");
    migrate(&mut connect(&url).unwrap()).unwrap();
    // An administrator's own index, on a column instead of an expression.
    execute_on(&cluster.coordinator, "CREATE EXTENSION pg_trgm");
    execute(
        &mut connect(&url).unwrap(),
        "CREATE INDEX contacts_own ON contacts USING gin (name gin_trgm_ops)",
    );
    let other = connect(&url).unwrap();
    refuses(&url, "other sessions of contact-search (1)");
    drop(other);
    wait_until(PATIENCE, "the session does not end", || {
        query(
            &url,
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'contact-search'",
        ) == "1"
    });

    // A command that is killed changes nothing.
    let (client, _) = add_client(&url, "Acme");
    let definitions = rows(&url, "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal");
    let before = contents(&url);
    let mut blocker = connect(&format!("{url}&application_name=blocker")).unwrap();
    execute(&mut blocker, "BEGIN; LOCK TABLE contact_words IN ACCESS SHARE MODE");
    let mut killed = distribute(&url).spawn().unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%'";
    wait_until(PATIENCE, "the command does not wait", || query(&url, waiting) == "1");
    killed.kill().unwrap();
    killed.wait().unwrap();
    wait_until(PATIENCE, "the session does not end", || query(&url, waiting) == "0");
    assert_eq!(contents(&url), before);
    assert_eq!(
        rows(&url, "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"),
        definitions
    );
    // Nor does one that can't get a lock.
    refuses(
        &url,
        "the contacts were not distributed, and only settings of the role were changed",
    );
    drop(blocker);

    let table = printed(distribute(&url));
    let nodes: Vec<&str> = table
        .lines()
        .map(|line| line.split_whitespace().last().unwrap())
        .collect();
    assert_eq!(nodes, ["SHARDS", "1", "1"], "{table}");
    assert_eq!(
        query(&url, "SELECT oldest_program FROM schema_requirement"),
        "20261202000000"
    );
    refuses(&url, "distributed already, with all triggers");
    let trigger = |action: &str| {
        rows(
            &url,
            &format!(
                "SELECT success FROM run_command_on_placements(
                     'contacts', 'ALTER TABLE %s {action} TRIGGER USER')"
            ),
        )
    };
    assert_eq!(trigger("DISABLE"), "(t)\n(t)");
    refuses(&url, "triggers are missing on shards");
    assert_eq!(trigger("ENABLE"), "(t)\n(t)");
    refuses(&url, "distributed already, with all triggers");
    assert_eq!(
        query(
            &url,
            &format!("SELECT count(*) FROM contacts WHERE client_id = '{client}'")
        ),
        "1"
    );
}

/// The tables that stay plain tables of the coordinator.
const TABLES_OF_COORDINATOR: [&str; 6] = [
    "__diesel_schema_migrations",
    "api_keys",
    "clients",
    "credential_version",
    "schema_requirement",
    "webhooks",
];

#[test]
fn every_table_is_distributed_or_copied_to_all_nodes_or_stays_on_the_coordinator() {
    let database = TestDatabase::new();
    let tables = rows(
        database.url(),
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    );
    let mut expected = [&DISTRIBUTED_TABLES[..], &REFERENCE_TABLES, &TABLES_OF_COORDINATOR].concat();
    expected.sort_unstable();
    let tables: Vec<&str> = tables.lines().map(|row| row.trim_matches(['(', ')'])).collect();
    assert_eq!(tables, expected);
}

/// The requests of the comparison, each answered from another statement.
fn requests() -> Vec<String> {
    let search = |parameters: &str| format!("/api/public/contacts/search?{parameters}");
    let emails = [
        "john",
        "gmail",
        "a",
        "jo",
        "zq",
        "@",
        "maria.lopez",
        "@hotmail.com",
        "ximena",
        "qqqq",
    ];
    let phones = ["54911", "4567", "%2B569", "9999999999", "1", "%2B5491123456789"];
    let mut requests: Vec<String> = emails
        .iter()
        .map(|term| search(&format!("email={}", encode(term))))
        .collect();
    requests.extend(phones.iter().map(|term| search(&format!("phone={term}"))));
    requests.extend(phones.iter().map(|term| search(&format!("phone={term}&email=ximena"))));
    requests.extend(emails.iter().map(|term| format!("/api/v1/search?q={}", encode(term))));
    let names = [
        "maria",
        "juan perez",
        "gonzales",
        "lpoez",
        "jose garcia",
        "ana",
        "rodriguez m",
        "jhon",
    ];
    requests.extend(names.iter().map(|name| format!("/api/v1/search?q={}", encode(name))));
    requests.extend((0..20).map(|digits| format!("/api/v1/search?q={}", 110 + digits)));
    requests
}

/// Queries for the definitions that `distribute` changes. They ignore parentheses, because a dump and its restore add
/// some to conditions.
const DEFINITIONS: [&str; 3] = [
    "SELECT conname, translate(pg_get_constraintdef(oid), '()', '') FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace",
    "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT tgname, translate(pg_get_triggerdef(oid), '()', '') FROM pg_trigger WHERE NOT tgisinternal",
];

fn definitions(url: &str) -> [String; 3] {
    DEFINITIONS.map(|query| rows(url, query))
}

/// `distribute` makes such a database on a Citus cluster.
#[test]
fn a_restored_backup_of_a_distributed_database_has_the_definitions_of_a_plain_one() {
    if is_not_for(
        "a_restored_backup_of_a_distributed_database_has_the_definitions_of_a_plain_one",
        "whose definitions it changes",
    ) {
        return;
    }
    let (plain, database, restored) = (TestDatabase::new(), TestDatabase::new(), TestDatabase::empty());
    for table in ["contact_lists", "contact_words", "contact_words_left"] {
        database.execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {table}_client_fkey"));
    }
    database.execute("ALTER FUNCTION contact_texts_follow() SET plan_cache_mode = auto");
    database.execute(
        "DROP TRIGGER contacts_texts_of_new ON contacts;
         DROP TRIGGER contacts_texts_of_deleted ON contacts;
         CREATE TRIGGER contacts_texts_of_new AFTER INSERT OR DELETE ON contacts
             FOR EACH ROW EXECUTE FUNCTION contact_texts_follow()",
    );
    let (changed, usual) = (definitions(database.url()), definitions(plain.url()));
    assert!(changed.iter().zip(&usual).all(|(changed, usual)| changed != usual));
    // The contacts of a client that was erased while the backup was written.
    database.execute("INSERT INTO contact_lists (client_id, name) VALUES (gen_random_uuid(), 'Lista')");
    let files = directory();
    let file = backup_of(&database, &files);
    assert_eq!(database.count("SELECT count(*) AS count FROM contacts"), 4);
    printed(command_on(&restored, &["database", "restore", &file]));
    assert_eq!(definitions(restored.url()), definitions(plain.url()));
    for (table, expected) in [
        ("contact_lists", 1),
        ("contacts", 2),
        ("contact_texts", 2),
        ("contact_words_left", 0),
    ] {
        let found = restored.count(&format!("SELECT count(*) AS count FROM {table}"));
        assert_eq!(found, expected, "{table}");
    }
    let words = "SELECT count(*) AS count FROM contact_words WHERE client_id NOT IN (SELECT id FROM clients)";
    assert_eq!(restored.count(words), 0);
}

/// A plain PostgreSQL of the cluster's version. A backup of another version can't always be restored.
fn open_plain(directory: &OwnDirectory, programs: &Path) -> PrivateDatabase {
    let options = Options {
        programs: Some(programs.to_owned()),
        ..private_database::options(directory.path())
    };
    PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_distributed_database_gives_the_answers_of_the_one_that_it_was_copied_from() {
    let Some(programs) = programs_for("a_distributed_database_gives_the_answers_of_the_one_that_it_was_copied_from")
    else {
        return;
    };
    let home = OwnDirectory::new();
    let plain = open_plain(&home, &programs);
    migrate(&mut connect(&plain.url()).unwrap()).unwrap();
    let cluster = CitusCluster::start(&programs);
    let generate = [
        "generate",
        "--client",
        "Acme",
        "--contacts",
        "4000",
        "--small-clients",
        "3",
    ];
    printed(command(&plain.url(), &programs, &generate));
    let clients = ["Acme", "Acme 1", "Acme 2", "Acme 3"];
    let keys = clients.map(|name| {
        let create = ["key", "create", "--client", name, "--scope", "lookup,search,write"];
        printed(command(&plain.url(), &programs, &create))
    });
    let files = directory();
    let file = files.path().join("a.backup");
    let file = file.to_str().unwrap();
    printed(command(&plain.url(), &programs, &["database", "backup", file]));
    printed(command(&cluster.url(), &programs, &["database", "restore", file]));
    // What fails after the distribution does not undo it.
    let check = "EXECUTE ON FUNCTION run_command_on_placements(regclass, text, boolean)";
    execute_on(&cluster.coordinator, &format!("REVOKE {check} FROM PUBLIC"));
    let failed = error_of(distribute(&cluster.url()));
    assert!(failed.contains("are distributed, but a later step failed"), "{failed}");
    execute_on(&cluster.coordinator, &format!("GRANT {check} TO PUBLIC"));
    let again = error_of(distribute(&cluster.url()));
    assert!(again.contains("distributed already, with all triggers"), "{again}");
    execute(
        &mut connect(&cluster.url()).unwrap(),
        "VACUUM (ANALYZE) contacts, contact_texts, contacts_newest",
    );
    // The last two also show views and triggers of Citus.
    assert_eq!(contents(&cluster.url())[..11], contents(&plain.url())[..11]);

    let servers = [serve(&plain.url()), serve(&cluster.url())];
    for (client, key) in clients.iter().zip(&keys) {
        let people = servers[0].get("/api/v1/search?q=1", Some(key)).json();
        assert!(!people["results"].as_array().unwrap().is_empty(), "{client}: {people}");
        let phones = rows(
            &plain.url(),
            &format!(
                "SELECT phone FROM contacts JOIN clients ON clients.id = client_id
                 WHERE clients.name = '{client}' AND phone IS NOT NULL ORDER BY contacts.id LIMIT 20"
            ),
        );
        let lookups = phones.lines().map(|phone| {
            format!(
                "/api/v1/contact-lookup/?phone={}",
                encode(phone.trim_matches(['(', ')']))
            )
        });
        for request in requests().into_iter().chain(lookups) {
            let [expected, found] = [0, 1].map(|server| {
                let answer = servers[server].get(&request, Some(key));
                (answer.status, answer.body)
            });
            assert_eq!((expected.0, found.0), (200, 200), "{request}");
            assert!(found.1 == expected.1, "{request}");
        }
    }

    // A backup of the distributed database is one of a plain database.
    drop(servers);
    let again = files.path().join("b.backup");
    let again = again.to_str().unwrap();
    printed(command(&cluster.url(), &programs, &["database", "backup", again]));
    let refused = error_of(command(&cluster.url(), &programs, &["database", "restore", again]));
    assert!(
        refused.contains("are distributed") && refused.contains("CREATE DATABASE"),
        "{refused}"
    );
    let other = OwnDirectory::new();
    let restored = open_plain(&other, &programs);
    printed(command(&restored.url(), &programs, &["database", "restore", again]));
    let (found, expected) = (contents(&restored.url()), contents(&plain.url()));
    // The servers have noted the last use of each key.
    assert_eq!(found[2..], expected[2..]);
    assert_eq!(found[..2], contents(&cluster.url())[..2]);
    assert_eq!(definitions(&restored.url()), definitions(&plain.url()));
}

#[test]
fn while_a_worker_is_away_only_its_clients_are_not_served() {
    let Some(programs) = programs_for("while_a_worker_is_away_only_its_clients_are_not_served") else {
        return;
    };
    let cluster = CitusCluster::start(&programs);
    let clients: Vec<_> = (0..12)
        .map(|number| add_client(&cluster.url(), &format!("Client {number}")))
        .collect();
    distribute_contacts(&cluster.url());
    let (away, present): (Vec<_>, Vec<_>) = clients.iter().partition(|(client, _)| cluster.worker_of(*client) == 0);
    assert!(!away.is_empty() && !present.is_empty());
    let server = serve(&cluster.url());
    let message =
        json!({"platform": "whatsapp", "phone": PHONE, "direction": "inbound", "sentAt": Utc::now().to_rfc3339()});
    let statuses = |clients: &[&(ClientId, String)]| -> Vec<u16> {
        let requests = |key: &str| {
            [
                server.get(LOOKUP, Some(key)).status,
                server.get("/api/public/contacts/search?email=molina", Some(key)).status,
                server.get("/api/v1/search?q=juana", Some(key)).status,
                server
                    .send_json("POST", "/api/v1/messages/", Some(key), message.to_string().as_bytes())
                    .status,
            ]
        };
        clients.iter().flat_map(|(_, key)| requests(key)).collect()
    };
    let all = |statuses: Vec<u16>, expected: u16| statuses.iter().all(|status| *status == expected);
    let (first, second) = (statuses(&away), statuses(&present));
    assert!(
        all(first.clone(), 200) && all(second.clone(), 200),
        "{first:?} {second:?}"
    );
    cluster.kill_worker(0);
    wait_until(PATIENCE, "the worker does not end", || all(statuses(&away), 503));
    for _ in 0..3 {
        let (away, present) = (statuses(&away), statuses(&present));
        assert!(
            all(away.clone(), 503) && all(present.clone(), 200),
            "{away:?} {present:?}"
        );
    }
    assert_eq!(server.get("/readyz", None).status, 200);
    cluster.workers[0].revive().unwrap();
    wait_until(PATIENCE, "the worker's clients are not served again", || {
        all(statuses(&away), 200)
    });
}

#[test]
fn a_key_is_revoked_and_a_client_erased_on_a_cluster() {
    let Some(programs) = programs_for("a_key_is_revoked_and_a_client_erased_on_a_cluster") else {
        return;
    };
    let cluster = CitusCluster::start(&programs);
    let url = cluster.url();
    let (_, kept) = add_client(&url, "Kept");
    let (gone, key) = add_client(&url, "Gone");
    distribute_contacts(&url);
    let server = serve(&url);
    for key in [&kept, &key] {
        assert_eq!(server.get(LOOKUP, Some(key)).status, 200);
        let update = br#"[{"platform": "whatsapp", "phone": "+5491123456789", "name": "Ana Sosa"}]"#;
        assert_eq!(
            server.send_json("POST", "/api/v1/contacts/", Some(key), update).status,
            200
        );
    }
    revoke(&mut connect(&url).unwrap(), &key);
    wait_until(Duration::from_secs(10), "the key is still valid", || {
        server.get(LOOKUP, Some(&key)).status == 401
    });
    printed(command(&url, &programs, &["client", "delete", "Gone", "--yes"]));
    let mut connection = connect(&url).unwrap();
    for table in [
        "api_keys",
        "contact_lists",
        "contacts",
        "contact_texts",
        "contacts_newest",
        "contact_words",
        "contact_words_left",
    ] {
        let left = format!("SELECT count(*) AS count FROM {table} WHERE client_id = '{gone}'");
        assert_eq!(count(&mut connection, &left), 0, "{table}");
    }
    assert_eq!(server.get(LOOKUP, Some(&kept)).status, 200);
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 1);
}

/// The steps that CONTRIBUTING.md shows for a migration.
#[test]
fn a_migration_can_change_distributed_tables_and_add_one() {
    let Some(programs) = programs_for("a_migration_can_change_distributed_tables_and_add_one") else {
        return;
    };
    let cluster = CitusCluster::start(&programs);
    let url = cluster.url();
    let (client, _) = add_client(&url, "Acme");
    distribute_contacts(&url);
    let mut connection = connect(&url).unwrap();
    execute(&mut connection, "BEGIN");
    for statement in [
        "ALTER TABLE contacts ADD COLUMN note text",
        "ALTER TABLE contacts ADD COLUMN note_lower text GENERATED ALWAYS AS (lower(note)) STORED",
        "ALTER TABLE contacts ADD CONSTRAINT contacts_note_check CHECK (char_length(note) < 10)",
        "CREATE INDEX contacts_note ON contacts (client_id, note_lower)",
        "CREATE TABLE contact_notes (client_id uuid NOT NULL, id bigserial NOT NULL, note text NOT NULL,
             CONSTRAINT contact_notes_pkey PRIMARY KEY (client_id, id))",
        &added_table_of_contributing(),
        "ALTER TABLE contact_notes ADD COLUMN at timestamptz",
    ] {
        execute(&mut connection, statement);
    }
    execute(&mut connection, "COMMIT");
    execute(
        &mut connection,
        &format!("INSERT INTO contact_notes (client_id, note) VALUES ('{client}', 'One')"),
    );
    assert_eq!(
        query(
            &url,
            "SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 'contact_notes'::regclass"
        ),
        "2"
    );
    execute(&mut connection, "UPDATE contacts SET note = 'Two', name = 'Other'");
    assert_eq!(
        rows(&url, "SELECT note_lower, btrim(name_words, E' \\x01') FROM contacts"),
        "(two,other)"
    );
}

/// The statement that distributes the table of CONTRIBUTING.md, for the table of this test.
fn added_table_of_contributing() -> String {
    let text = fs::read_to_string("CONTRIBUTING.md").unwrap();
    let (_, rest) = text.split_once("  DO $$").expect("the statement");
    let (statement, _) = rest.split_once("```").expect("its end");
    format!("DO $${}", statement.trim()).replace("contact_labels", "contact_notes")
}
