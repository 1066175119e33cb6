//! The border is a time. `contacts_newest` contains every contact whose last message is at or after the border, even
//! under concurrent writes. It contains few older contacts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::domain::term::EmailTerm;
use contact_search::store::newest_contacts::{delete_old, raise_border};
use contact_search::store::search::{ClientStatistics, LIMIT, Plan, search_contacts};
use contact_search::store::{clients, migrations};
use contact_search::transfer::import::{Import, ImportOptions};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::contacts::set_last_message;
use crate::support::newest_contacts::DIFFERENCES;
use crate::support::{SetOnDrop, TestApp, TestDatabase, citus, wait_until};

const ALL: &str = "SELECT count(*) AS count FROM contacts_newest";

/// A client with `contacts` contacts, each a second older than the next. They are added a hundred at a time, so that
/// `contacts_newest` has the oldest ones first, as messages bring them.
fn fill(database: &TestDatabase, contacts: u32) -> ClientId {
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    let now = Utc::now().to_rfc3339();
    for first in (1..=contacts).step_by(100) {
        let last = contacts.min(first + 99);
        let insert = format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), n || '@example.com',
                    timestamptz '{now}' + n * interval '1 second'
             FROM generate_series({first}, {last}) AS n"
        );
        connection.batch_execute(&insert).unwrap();
    }
    client
}

#[test]
fn the_newest_contacts_are_kept_and_the_others_deleted() {
    let database = TestDatabase::new();
    fill(&database, 500);
    let mut connection = database.connect();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (500, 0));

    raise_border(&mut connection, 400).unwrap();
    assert!(!delete_old(&mut connection).unwrap());
    assert_eq!(
        database.count(ALL),
        500,
        "nothing is deleted while the excess is at most a quarter of the limit"
    );

    raise_border(&mut connection, 399).unwrap();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (500, 0));
    assert!(!delete_old(&mut connection).unwrap());
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (399, 0));

    // A new message brings an older contact back into the table. A new email does not.
    connection
        .batch_execute(
            "UPDATE contacts SET last_message_at = now() + interval '1 hour' WHERE email = '7@example.com';
                        UPDATE contacts SET email = '9@example.org' WHERE email = '9@example.com'",
        )
        .unwrap();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (400, 0));

    // The border rises to just after the time of the newest excess row. If all contacts have the same time, all rows
    // are deleted.
    connection
        .batch_execute("UPDATE contacts SET last_message_at = now() + interval '2 hours'")
        .unwrap();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (500, 0));
    raise_border(&mut connection, 10).unwrap();
    delete_old(&mut connection).unwrap();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (0, 0));
}

#[test]
fn a_large_excess_is_deleted_in_several_rounds_and_the_newest_contacts_stay() {
    let database = TestDatabase::new();
    fill(&database, 1_000);
    let mut connection = database.connect();
    let mut left = vec![1_000];
    while left.last() > Some(&25) {
        raise_border(&mut connection, 20).unwrap();
        delete_old(&mut connection).unwrap();
        left.push(database.count(ALL));
        assert_eq!(database.count(DIFFERENCES), 0);
        assert!(left.is_sorted_by(|before, after| before > after), "{left:?}");
    }
    // The sample of a distributed database has the newest rows, so that one round suffices.
    assert!(left.len() > 2 || citus::is_used(), "{left:?}");
    assert!(left.last() >= Some(&20), "{left:?}");
}

#[test]
fn first_and_later_imports_add_their_newest_contacts() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    connection
        .batch_execute("UPDATE contacts_newest_border SET since = now() - interval '1 hour'")
        .unwrap();
    let client = clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    let client = clients::find_client(&mut connection, &client.to_string())
        .unwrap()
        .unwrap();
    let times = [10, 50, 70].map(|minutes| (Utc::now() - TimeDelta::minutes(minutes)).to_rfc3339());
    // The first import has enough rows for a bulk rebuild of the search texts. The second updates some of them and adds
    // others row by row.
    for (rows, newest) in [(0..10_200, 6_800), (10_000..10_500, 7_000)] {
        let mut file = "external_user_id,email,last_message_at\n".to_owned();
        for row in rows {
            file += &format!("{row},{row}@example.com,{}\n", times[row % 3]);
        }
        let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
        import.run(&mut connection, &client, &mut |_| {}).unwrap();
        assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (newest, 0));
    }
}

#[test]
fn contacts_without_a_message_for_days_are_not_kept() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    connection
        .batch_execute("UPDATE contacts_newest_border SET since = now() - interval '47 hours'")
        .unwrap();
    fill(&database, 100);
    connection
        .batch_execute(&set_last_message(
            "last_message_at - interval '30 hours'",
            "serial_id <= 30",
        ))
        .unwrap();
    let mut keep = |border: &str| {
        connection
            .batch_execute(&format!("UPDATE contacts_newest_border SET since = {border}"))
            .unwrap();
        raise_border(&mut connection, 1_000).unwrap();
        delete_old(&mut connection).unwrap();
        (database.count(ALL), database.count(DIFFERENCES))
    };
    assert_eq!(keep("now() - interval '47 hours'"), (100, 0));
    assert_eq!(keep("now() - interval '49 hours'"), (70, 0));
}

#[test]
fn rows_locked_by_a_writer_are_deleted_later() {
    let database = TestDatabase::new();
    fill(&database, 100);
    let (mut connection, mut writer) = (database.connect(), database.connect());
    writer
        .batch_execute(
            "BEGIN; UPDATE contacts SET email = 'x' || email WHERE email IN ('3@example.com', '4@example.com')",
        )
        .unwrap();
    connection.batch_execute("SET lock_timeout TO '5s'").unwrap();
    raise_border(&mut connection, 30).unwrap();
    assert!(!delete_old(&mut connection).unwrap());
    assert_eq!(database.count(ALL), 32);
    writer.batch_execute("COMMIT").unwrap();
    delete_old(&mut connection).unwrap();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (30, 0));
}

/// Records a message now for some of the contacts that receive messages.
fn record_messages(connection: &mut PgConnection, client: ClientId) {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: uuid::Uuid,
    }
    let recorded = connection.transaction(|connection| {
        let rows: Vec<Row> = diesel::sql_query(format!(
            "SELECT id FROM contacts WHERE client_id = '{client}' AND source = 'active' AND random() < 0.05
             ORDER BY id FOR NO KEY UPDATE"
        ))
        .load(connection)?;
        let ids: Vec<String> = rows.into_iter().map(|row| row.id.to_string()).collect();
        connection.batch_execute(&format!(
            "UPDATE contacts SET last_message_at = '{}' WHERE client_id = '{client}' AND id = ANY('{{{}}}')",
            Utc::now().to_rfc3339(),
            ids.join(",")
        ))
    });
    recorded.unwrap();
}

#[test]
fn a_search_stays_complete_while_messages_move_contacts_and_the_border_rises() {
    let database = TestDatabase::new();
    let client = fill(&database, 4_500);
    let mut connection = database.connect();
    // Five hundred contacts receive messages. The search term matches 51 of them, which is as many as the walk must
    // find.
    connection
        .batch_execute(
            "UPDATE contacts SET last_message_at = now() - interval '1 hour' WHERE serial_id % 9 > 0;
             UPDATE contacts SET source = 'active', last_message_at = now() WHERE serial_id % 9 = 0;
             UPDATE contacts SET email = 'needle' || email WHERE serial_id % 90 = 0 OR serial_id = 9",
        )
        .unwrap();
    let needle = EmailTerm::parse("needle").unwrap();
    let should_stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = SetOnDrop(&should_stop);
        let writers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = database.connect();
                    while !should_stop.load(Ordering::Relaxed) {
                        record_messages(&mut connection, client);
                    }
                })
            })
            .collect();
        let keeper = scope.spawn(|| {
            let mut connection = database.connect();
            let border = "SELECT (extract(epoch FROM since) * 1000000)::bigint AS count FROM contacts_newest_border";
            let before = database.count(border);
            for kept in [30, 300, 150, 70].into_iter().cycle() {
                if should_stop.load(Ordering::Relaxed) {
                    break;
                }
                raise_border(&mut connection, kept).unwrap();
                delete_old(&mut connection).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            assert!(database.count(border) > before);
        });
        let (pool, statistics) = (database.pool(), ClientStatistics::default());
        let mut differing = Vec::new();
        for _ in 0..400 {
            let found = pool
                .run(|connection| search_contacts(connection, &statistics, client, None, Some(&needle), LIMIT))
                .unwrap();
            let ids: BTreeSet<_> = found.contacts.iter().map(|contact| contact.id).collect();
            if (ids.len(), found.has_more, &*found.plans) != (LIMIT, true, &[Plan::Walk]) {
                differing.push((ids.len(), found.has_more, found.plans));
            }
        }
        drop(stop);
        for thread in writers.into_iter().chain([keeper]) {
            thread.join().expect("writers are not blocked");
        }
        assert!(differing.is_empty(), "{differing:?}");
    });
    assert_eq!(database.count(DIFFERENCES), 0);
}

#[test]
fn the_server_deletes_rows_that_are_no_longer_among_the_newest() {
    let app = TestApp::start();
    // Inserts the rows that messages of 130,000 contacts would have added.
    app.sql(&format!(
        "INSERT INTO contacts_newest (client_id, id, last_message_at, email_lower)
         SELECT '{}', gen_random_uuid(), now() + n * interval '1 ms', n || '@example.com'
         FROM generate_series(1, 130000) AS n",
        app.client
    ));
    wait_until(
        Duration::from_secs(40),
        "the table does not shrink to 100,000 rows",
        || app.database.count(ALL) == 100_000,
    );
}

#[test]
fn the_migration_adds_contacts_with_future_message_times() {
    if crate::support::citus::is_not_for(
        "the_migration_adds_contacts_with_future_message_times",
        "whose schema it downgrades",
    ) {
        return;
    }
    let database = TestDatabase::new();
    let mut connection = database.connect();
    // The later migrations change the table that the earlier one adds.
    for down in [
        include_str!("../../../migrations/20261204000000_texts_of_new_contacts/down.sql"),
        include_str!("../../../migrations/20261203000000_pending_grams/down.sql"),
        include_str!("../../../migrations/20261202000000_distributable/down.sql"),
        include_str!("../../../migrations/20261201000000_name_search/down.sql"),
        include_str!("../../../migrations/20261122040000_contacts_newest/down.sql"),
    ] {
        connection.batch_execute(down).unwrap();
    }
    diesel::sql_query("DELETE FROM __diesel_schema_migrations WHERE version IN ('20261122040000', '20261201000000', '20261202000000', '20261203000000', '20261204000000')")
        .execute(&mut connection)
        .unwrap();
    fill(&database, 50);
    connection
        .batch_execute(
            "UPDATE contacts SET last_message_at = now() - interval '1 second' WHERE serial_id % 2 = 0;
             UPDATE contacts SET last_message_at = now() + interval '4 minutes' WHERE serial_id % 2 = 1;
             UPDATE contacts SET external_user_id = serial_id, email = NULL WHERE serial_id % 10 = 1",
        )
        .unwrap();
    assert_eq!(migrations::migrate(&mut connection).unwrap(), 5);
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (25, 0));
    connection.batch_execute("DELETE FROM contacts").unwrap();
    assert_eq!((database.count(ALL), database.count(DIFFERENCES)), (0, 0));
}
