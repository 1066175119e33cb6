//! Searches and lookups come to their contacts by indexes, as PostgreSQL itself counts it.

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::{Region, readings};
use contact_search::domain::term::{EmailTerm, PhoneTerm};
use contact_search::store::{clients, lookup, search};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::support::TestDatabase;

/// How often PostgreSQL has read a table from end to end, or an index at all. A connection's counts are there once
/// it has ended.
fn scans(database: &TestDatabase, name: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        scans: i64,
    }
    let sql = "SELECT (SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables WHERE relname = $1)::bigint
                    + (SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes WHERE indexrelname = $1)::bigint AS scans";
    let mut connection = database.connect();
    let row: Row = diesel::sql_query(sql)
        .bind::<Text, _>(name)
        .get_result(&mut connection)
        .unwrap();
    row.scans
}

/// A client with 20,000 contacts, ten times as many as a search walks at first.
fn fill(database: &TestDatabase) -> ClientId {
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Large", Region::DEFAULT).unwrap();
    diesel::connection::SimpleConnection::batch_execute(
        &mut connection,
        &format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, phone, phone_key, last_message_at)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'p' || md5(n::text) || '@example.com',
                    '+549113' || lpad(n::text, 7, '0'), '549113' || lpad(n::text, 7, '0'),
                    timestamptz '2025-01-01' - n * interval '1 minute'
             FROM generate_series(1, 20000) AS n"
        ),
    )
    .unwrap();
    diesel::sql_query("VACUUM ANALYZE contacts")
        .execute(&mut connection)
        .unwrap();
    client
}

#[test]
fn neither_reads_the_table_from_end_to_end() {
    let database = TestDatabase::new();
    let client = fill(&database);
    let before = scans(&database, "contacts");
    let indexes = [
        "contacts_phone_key",
        "contacts_recent",
        "contacts_email_trgm",
        "contacts_phone_trgm",
    ];
    let before_by_index = indexes.map(|index| scans(&database, index));
    {
        let mut connection = database.connect();
        // More often than PostgreSQL plans a prepared statement for the values it is given.
        for number in 0..20 {
            let phone = format!("+54911300{number:02}777");
            let found = lookup::find_by_phone(&mut connection, client, &readings(&phone, Region::DEFAULT)).unwrap();
            assert_eq!(found.and_then(|row| row.phone), Some(phone.clone()));
            let questions = vec![readings(&phone, Region::DEFAULT); 10];
            let found = lookup::find_all_by_phone(&mut connection, client, &questions).unwrap();
            assert!(
                found
                    .iter()
                    .all(|row| row.as_ref().and_then(|row| row.phone.as_ref()) == Some(&phone))
            );
            for term in ["@", "example", "zzqy", &format!("f{number}{number}{number}f")] {
                let term = EmailTerm::parse(term).unwrap();
                search::search_contacts(&mut connection, client, None, Some(&term)).unwrap();
            }
            for term in [phone.as_str(), "777", "99999999", "54"] {
                let term = PhoneTerm::parse(term, Region::DEFAULT).unwrap();
                search::search_contacts(&mut connection, client, Some(&term), None).unwrap();
            }
        }
    }
    assert_eq!(
        scans(&database, "contacts"),
        before,
        "the table was read from end to end"
    );
    for (index, before) in indexes.into_iter().zip(before_by_index) {
        assert!(scans(&database, index) >= before + 20, "{index} is not used");
    }
}
