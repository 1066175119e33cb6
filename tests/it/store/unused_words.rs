//! The dictionary of a client's words keeps each word that a contact has, and no other one for long.

use std::time::Duration;

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::store::unused_words::remove_unused_words;
use contact_search::store::{StoreError, clients};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::citus::shorten_fences;
use crate::support::{PATIENCE, TestDatabase, wait_until};

/// A database with one client.
fn database() -> (TestDatabase, ClientId) {
    let database = TestDatabase::new();
    let client = clients::create_client(&mut database.connect(), "Any", Region::DEFAULT).unwrap();
    (database, client)
}

fn add(connection: &mut PgConnection, client: ClientId, id: u32, name: &str) {
    connection
        .batch_execute(&format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, external_user_id, name)
             SELECT '{client}', '00000000-0000-0000-0000-{id:012}', min(id), '{id}', '{name}'
             FROM contact_lists WHERE client_id = '{client}'"
        ))
        .unwrap();
}

/// The rows of the dictionary for a word, and how many of them are marked as leaving.
fn rows(database: &TestDatabase, word: &str) -> (i64, i64) {
    let of = |condition: &str| {
        database.count(&format!(
            "SELECT count(*) AS count FROM contact_words WHERE word = '{word}' AND {condition}"
        ))
    };
    (of("true"), of("is_leaving"))
}

fn clean(database: &TestDatabase, runs: usize) {
    let mut connection = database.connect();
    for _ in 0..runs {
        shorten_fences(&mut connection, Duration::ZERO);
        remove_unused_words(&mut connection).unwrap();
    }
}

/// Cleans until the dictionary has these rows for the word. Transactions of other databases can delay it.
fn clean_until(database: &TestDatabase, word: &str, expected: (i64, i64)) {
    wait_until(PATIENCE, "the dictionary does not get these rows", || {
        clean(database, 1);
        rows(database, word) == expected
    });
}

#[test]
fn a_word_is_removed_after_its_last_contact() {
    let (database, client) = database();
    let mut connection = database.connect();
    add(&mut connection, client, 1, "Ana Zubizarreta");
    add(&mut connection, client, 2, "Ana Gil");
    connection
        .batch_execute("DELETE FROM contacts WHERE external_user_id = '1'")
        .unwrap();
    clean_until(&database, "zubizarreta", (0, 0));
    assert_eq!((rows(&database, "ana"), rows(&database, "gil")), ((1, 0), (1, 0)));
    connection
        .batch_execute("UPDATE contacts SET name = 'Ana Sol'")
        .unwrap();
    clean_until(&database, "gil", (0, 0));
    assert_eq!((rows(&database, "ana"), rows(&database, "sol")), ((1, 0), (1, 0)));
    assert_eq!(database.count("SELECT count(*) AS count FROM contact_words_left"), 0);
}

#[test]
fn a_word_stays_for_a_writer_whose_transaction_is_still_running() {
    let (database, client) = database();
    let (mut connection, mut writer) = (database.connect(), database.connect());
    add(&mut connection, client, 1, "Ana Zubizarreta");
    writer.batch_execute("BEGIN").unwrap();
    add(&mut writer, client, 2, "Luz Zubizarreta");
    connection
        .batch_execute("DELETE FROM contacts WHERE external_user_id = '1'")
        .unwrap();
    clean(&database, 5);
    assert_eq!(rows(&database, "zubizarreta"), (1, 1));
    writer.batch_execute("COMMIT").unwrap();
    clean_until(&database, "zubizarreta", (1, 0));
}

#[test]
fn a_word_stays_for_a_writer_with_an_older_snapshot() {
    let (database, client) = database();
    let (mut connection, mut writer) = (database.connect(), database.connect());
    add(&mut connection, client, 1, "Ana Zubizarreta");
    // Has a snapshot and no transaction id. On Citus the worker takes a snapshot when it is first asked.
    writer
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM contacts")
        .unwrap();
    connection.batch_execute("DELETE FROM contacts").unwrap();
    clean(&database, 5);
    add(&mut writer, client, 2, "Luz Zubizarreta");
    writer.batch_execute("COMMIT").unwrap();
    clean_until(&database, "zubizarreta", (1, 0));
}

#[test]
fn a_word_stays_for_the_writer_with_the_newest_transaction_id() {
    let (database, client) = database();
    let (mut connection, mut writer) = (database.connect(), database.connect());
    add(&mut connection, client, 1, "Ana Zubizarreta");
    connection.batch_execute("DELETE FROM contacts").unwrap();
    // The id of the mark is lower than that of the writer, which reads the word before the mark is committed.
    connection
        .transaction(|connection| -> Result<(), StoreError> {
            remove_unused_words(connection)?;
            writer.batch_execute("BEGIN")?;
            add(&mut writer, client, 2, "Luz Zubizarreta");
            Ok(())
        })
        .unwrap();
    clean(&database, 5);
    writer.batch_execute("COMMIT").unwrap();
    clean_until(&database, "zubizarreta", (1, 0));
}

#[test]
fn a_writer_adds_a_word_that_is_leaving_anew() {
    let (database, client) = database();
    let mut connection = database.connect();
    add(&mut connection, client, 1, "Ana Zubizarreta");
    connection.batch_execute("DELETE FROM contacts").unwrap();
    clean(&database, 1);
    add(&mut connection, client, 2, "Luz Zubizarreta");
    assert_eq!(rows(&database, "zubizarreta"), (2, 1));
    connection.batch_execute("DELETE FROM contacts").unwrap();
    clean_until(&database, "zubizarreta", (0, 0));
}
