//! `contact-search generate`: contacts in the same stored form as the contacts of every other writer.

use contact_search::domain::contact::DEFAULT_PLATFORM;
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::sample::generate::{GenerateError, Workload, YEARS, generate};
use contact_search::store::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use crate::support::TestDatabase;
use crate::support::app::{on_terminal, program};
use crate::support::database::count as count_on;

fn workload(contacts: u64, small_clients: u64) -> Workload {
    Workload {
        client: "Load".to_owned(),
        contacts,
        small_clients,
        seed: 7,
        years: YEARS,
    }
}

/// Every contact as text, ordered by client and id, without the columns that the database assigns. Times are given as the
/// time before the latest message.
fn contacts(connection: &mut PgConnection) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        contact: String,
    }
    diesel::sql_query(
        "SELECT row(contacts.*)::text AS contact
         FROM (SELECT clients.name AS client, c.id, c.name AS person, phone, phone_key, phone_as_given, email, platform, external_user_id,
                      source, chat_status, blocked, is_chat_read, latest.at - c.created_at, latest.at - updated_at,
                      latest.at - last_message_at, latest.at - last_inbound_at
               FROM contacts c JOIN clients ON clients.id = client_id
               CROSS JOIN (SELECT max(last_message_at) AS at FROM contacts) AS latest) AS contacts
         ORDER BY client, id",
    )
    .load::<Row>(connection)
    .unwrap()
    .into_iter()
    .map(|row| row.contact)
    .collect()
}

#[test]
fn the_same_seed_generates_the_same_contacts_in_every_database() {
    let (one, other) = (TestDatabase::new(), TestDatabase::new());
    let mut progress = Vec::new();
    generate(&mut one.connect(), &workload(4_000, 3), &mut |count| {
        progress.push(count)
    })
    .unwrap();
    generate(&mut other.connect(), &workload(4_000, 3), &mut |_| {}).unwrap();
    assert_eq!(progress.last(), Some(&4_009));
    let contacts_of_one = contacts(&mut one.connect());
    assert_eq!(contacts_of_one.len(), 4_009);
    assert_eq!(contacts_of_one, contacts(&mut other.connect()));
    let count = |sql: &str| one.count(&format!("SELECT count(*) FROM {sql}"));
    assert_eq!(count("clients WHERE name IN ('Load', 'Load 1', 'Load 2', 'Load 3')"), 4);
    assert_eq!(
        count("contacts JOIN clients ON client_id = clients.id WHERE clients.name = 'Load 3'"),
        3
    );
    assert_eq!(
        count(
            "contacts c JOIN contact_lists l ON (l.client_id, l.id) = (c.client_id, c.contact_list_id)
             WHERE l.name = 'Lista Principal'"
        ),
        4_009
    );

    let another = TestDatabase::new();
    let seed = Workload {
        seed: 8,
        ..workload(4_000, 3)
    };
    generate(&mut another.connect(), &seed, &mut |_| {}).unwrap();
    let different = contacts(&mut another.connect());
    assert!(contacts_of_one.iter().zip(&different).all(|(one, other)| one != other));
}

#[test]
fn generate_stores_phones_in_the_same_form_as_every_other_writer() {
    let database = TestDatabase::new();
    generate(&mut database.connect(), &workload(3_000, 0), &mut |_| {}).unwrap();
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        phone: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        phone_key: Option<String>,
        #[diesel(sql_type = Text)]
        phone_as_given: String,
    }
    let rows: Vec<Row> =
        diesel::sql_query("SELECT phone, phone_key, phone_as_given FROM contacts WHERE phone_as_given IS NOT NULL")
            .load(&mut database.connect())
            .unwrap();
    assert!(rows.len() > 2_800);
    for row in rows {
        let read = StoredPhone::read(&row.phone_as_given, Region::DEFAULT, DEFAULT_PLATFORM);
        assert_eq!((row.phone, row.phone_key, true), (read.phone, read.key, read.resolved));
    }
    assert_eq!(
        database.count("SELECT count(*) FROM contacts WHERE (phone IS NULL) <> (phone_as_given IS NULL)"),
        0
    );
}

#[test]
fn the_table_is_vacuumed_and_has_statistics() {
    let database = TestDatabase::new();
    generate(&mut database.connect(), &workload(3_000, 0), &mut |_| {}).unwrap();
    // The name of a shard has a number. All contacts are in one shard.
    let statistics = "SELECT count(*) FROM pg_stat_user_tables JOIN pg_class ON pg_class.oid = relid
                      WHERE pg_class.relname ~ '^contacts(_[0-9]+)?$' AND reltuples = 3000
                            AND vacuum_count > 0 AND analyze_count > 0";
    assert_eq!(count_on(&mut database.connect_to_contacts(), statistics), 1);
}

#[test]
fn generate_refuses_a_client_that_has_contacts() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let small = Workload {
        client: "Load 1".to_owned(),
        ..workload(10, 0)
    };
    generate(&mut connection, &small, &mut |_| {}).unwrap();
    let error = generate(&mut connection, &workload(10, 1), &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, GenerateError::NotEmpty(name) if name == "Load 1"),
        "{error}"
    );
    assert_eq!(
        database.count("SELECT count(*) FROM contacts"),
        10,
        "nothing may be written"
    );
    assert_eq!(database.count("SELECT count(*) FROM clients"), 1);
}

#[test]
fn generate_creates_a_thousand_small_clients_beside_the_large_one() {
    let database = TestDatabase::new();
    let workload = workload(5_001, 1_000);
    generate(&mut database.connect(), &workload, &mut |_| {}).unwrap();
    assert_eq!(workload.total(), 9_001);
    for (what, expected) in [
        ("clients", 1_001),
        (
            "contacts JOIN clients ON client_id = clients.id WHERE clients.name = 'Load'",
            5_001,
        ),
        (
            "(SELECT count(*) AS contacts FROM contacts JOIN clients ON client_id = clients.id
              JOIN generate_series(1, 1000) AS number ON clients.name = 'Load ' || number
              GROUP BY client_id) AS small WHERE contacts = 4",
            1_000,
        ),
        (
            "contacts JOIN contact_lists l ON l.client_id = contacts.client_id AND l.id = contact_list_id",
            9_001,
        ),
    ] {
        assert_eq!(
            database.count(&format!("SELECT count(*) FROM {what}")),
            expected,
            "{what}"
        );
    }
}

#[test]
fn generate_draws_a_progress_bar_only_on_a_terminal() {
    let database = TestDatabase::new();
    let (bar, clear) = ("█", "\u{1b}[2K");
    let (status, output_text) = on_terminal(&database, "generate --contacts 2000");
    assert_eq!(status, Some(0), "{output_text}");
    assert!(
        output_text.contains(bar) && output_text.contains("2,000 of 2,000"),
        "{output_text:?}"
    );
    let (_, last) = output_text.rsplit_once(clear).expect("the bar is cleared");
    assert!(
        last.trim_start().starts_with("Generated 2000 contacts") && !last.contains(bar),
        "{last:?}"
    );

    let mut command = program();
    command.args(["generate", "--contacts", "2000", "--client", "Other"]);
    let output = command.env("DATABASE_URL", database.url()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    let output_text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output_text.starts_with("Generated 2000 contacts") && !output_text.contains(['\u{1b}', '\r']),
        "{output_text:?}"
    );
}

#[test]
fn generate_fills_an_empty_client_and_prints_the_counts() {
    let database = TestDatabase::new();
    let run = |arguments: &[&str]| {
        let output = program()
            .args(arguments)
            .env("DATABASE_URL", database.url())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(run(&["client", "create", "Acme"]).0, Some(0));
    let (status, stdout, stderr) = run(&[
        "generate",
        "--contacts",
        "100",
        "--client",
        "Acme",
        "--small-clients",
        "2",
    ]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.starts_with("Generated 102 contacts in 3 clients in "),
        "{stdout}"
    );
    let (status, _, stderr) = run(&["generate", "--contacts", "100", "--client", "Acme"]);
    assert!(
        status == Some(1) && stderr.contains("the client 'Acme' already has contacts"),
        "{stderr}"
    );
    for arguments in [
        &["--contacts", "0"][..],
        &["--contacts", "50000001"],
        &[],
        &["--contacts", "1", "--client", " "],
    ] {
        let (status, _, stderr) = run(&[&["generate"], arguments].concat());
        assert!(
            matches!(status, Some(1 | 2)) && !stderr.contains("panicked"),
            "{arguments:?}: {stderr}"
        );
    }
}
