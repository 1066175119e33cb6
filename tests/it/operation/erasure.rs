//! Erasure: no row of any table contains data of an erased person.

use std::time::Duration;

use chrono::Utc;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;

use crate::support::app::encode;
use crate::support::canaries::{DIGITS, EMAIL, EXTERNAL_ID, NAME, PHONE, WORDS};
use crate::support::citus::shorten_fences;
use crate::support::{PATIENCE, TestApp, wait_until};

/// The rows of all servers, as text, that contain one of the words.
fn rows_with(servers: &mut [PgConnection], words: &[&str]) -> Vec<String> {
    servers
        .iter_mut()
        .flat_map(|server| rows_of_server(server, words))
        .collect()
}

/// Searches every table, and `pg_stats`, to which ANALYZE copies frequent values of the tables.
fn rows_of_server(connection: &mut PgConnection, words: &[&str]) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let mut load = |sql: &str| -> Vec<String> {
        let rows: Vec<Row> = diesel::sql_query(sql)
            .load(connection)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter().map(|row| row.text).collect()
    };
    let mut tables = load(
        "SELECT format('%I.%I', table_schema, table_name) AS text FROM information_schema.tables
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    );
    assert!(tables.len() >= 7, "{tables:?}");
    tables.push("pg_stats".to_owned());
    tables
        .iter()
        .flat_map(|table| load(&format!("SELECT '{table} ' || row::text AS text FROM {table} AS row")))
        .filter(|row| words.iter().any(|word| row.to_lowercase().contains(word)))
        .collect()
}

/// Follows the steps of docs/privacy.md, "Erase a person".
#[test]
fn a_person_erased_on_every_channel_remains_in_no_table() {
    let app = TestApp::start();
    let others: Vec<_> = (0..100)
        .map(|number| json!({"email": format!("{number}@example.org")}))
        .collect();
    let contacts = json!([
        {"platform": "whatsapp", "phone": PHONE, "name": NAME, "externalUserId": EXTERNAL_ID},
        {"platform": "sms", "phone": PHONE, "email": EMAIL, "source": NAME},
        {"platform": "webchat", "email": EMAIL.to_uppercase(), "externalUserId": EXTERNAL_ID},
        {"platform": "web-whatsapp", "phone": "0223 15-596-1983"},
    ]);
    for contacts in [&json!(others), &contacts] {
        assert_eq!(app.send("POST", "/api/v1/contacts/", contacts).status, 200);
    }
    // A new message adds the contact to `contacts_newest`.
    let message = json!({"platform": "sms", "phone": PHONE, "direction": "inbound", "sentAt": Utc::now().to_rfc3339()});
    assert_eq!(app.send("POST", "/api/v1/messages/", &message).status, 200);
    app.sql("ANALYZE contacts, contact_texts, contacts_newest");
    let mut servers = app.database.connect_to_servers();
    let words = &[&WORDS[..], &[DIGITS]].concat();
    let stored = rows_with(&mut servers, words);
    for table in [
        "public.contacts ",
        "public.contact_texts ",
        "public.contacts_newest ",
        "pg_stats ",
    ] {
        assert!(stored.iter().any(|row| row.starts_with(table)), "{table}: {stored:?}");
    }

    let search = format!(
        "/api/public/contacts/search?phone={}&email={}",
        encode(PHONE),
        encode(EMAIL)
    );
    let found = app.get(&search).ids();
    assert_eq!(found.len(), 4, "one contact on each channel");
    for id in found {
        assert_eq!(
            app.send("DELETE", &format!("/api/public/contact/{id}"), &json!(null))
                .status,
            204
        );
    }
    assert!(app.get(&search).ids().is_empty());
    app.sql("VACUUM (ANALYZE) contacts, contact_texts, contacts_newest");
    // A background job removes the words of the name and of the email. Transactions of other databases can delay it.
    wait_until(3 * PATIENCE, "a table still has data of the person", || {
        shorten_fences(&mut servers[0], Duration::ZERO);
        rows_with(&mut servers, words).is_empty()
    });
}
