//! The grams that PostgreSQL collects before it inserts them into the index.

use std::thread;
use std::time::Duration;

use contact_search::domain::phone::Region;
use contact_search::domain::term::EmailTerm;
use contact_search::store::clients;
use contact_search::store::search::{ClientStatistics, LIMIT, Plan, search_contacts};
use diesel::connection::SimpleConnection;

use crate::support::database::count;
use crate::support::{Contact, TestApp, TestDatabase, citus};

/// Inserts the pending grams. Returns the pages that they took.
const EMPTY: &str = "SELECT gin_clean_pending_list('contact_texts_grams') AS count";

#[test]
fn a_contact_is_found_while_its_grams_are_pending() {
    let name = "a_contact_is_found_while_its_grams_are_pending";
    if citus::is_not_for(name, "whose list of pending grams it empties") {
        return;
    }
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Pending", Region::DEFAULT).unwrap();
    // ANALYZE would empty the list, too.
    connection
        .batch_execute(&format!(
            "ALTER TABLE contact_texts SET (autovacuum_enabled = off);
             INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                    n || '@example.com', now()
             FROM generate_series(1, 5000) AS n"
        ))
        .unwrap();
    count(&mut connection, EMPTY);
    let added = Contact {
        email: Some("needle@example.com"),
        ..Contact::default()
    };
    added.add(&mut connection, client);
    let term = EmailTerm::parse("needle");
    let found = database
        .pool()
        .run(|connection| {
            search_contacts(
                connection,
                &ClientStatistics::default(),
                client,
                None,
                term.as_ref(),
                LIMIT,
            )
        })
        .unwrap();
    assert_eq!((found.contacts.len(), &*found.plans), (1, &[Plan::Grams][..]));
    assert!(count(&mut connection, EMPTY) > 0, "no grams were pending");
}

#[test]
fn the_server_inserts_pending_grams() {
    let name = "the_server_inserts_pending_grams";
    if citus::is_not_for(name, "whose list of pending grams it empties") {
        return;
    }
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let add = |email: &str| {
        app.add(Contact {
            email: Some(email),
            ..Contact::default()
        });
    };
    // The server may run between a write and its count.
    let is_pending = ["a@example.com", "b@example.com", "c@example.com"]
        .into_iter()
        .any(|email| {
            add(email);
            count(&mut connection, EMPTY) > 0
        });
    assert!(is_pending, "no grams are pending after a write");
    // The server does this every two seconds, on a busy machine less often.
    let is_empty = [4, 15, 30].into_iter().any(|seconds| {
        add(&format!("{seconds}@example.com"));
        thread::sleep(Duration::from_secs(seconds));
        count(&mut connection, EMPTY) == 0
    });
    assert!(is_empty, "the server inserts no pending grams");
}
