//! The border between new and old periods of the index of grams rises by one period at a time. At each moment searches
//! find every contact.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::domain::term::EmailTerm;
use contact_search::store::clients;
use contact_search::store::connection::{Limited, StatementLimits};
use contact_search::store::period_border::BorderRaise;
use contact_search::store::search::{ClientStatistics, LIMIT, Plan, search_contacts};
use diesel::connection::SimpleConnection;
use uuid::Uuid;

use crate::support::citus::shorten_fences;
use crate::support::contacts::set_last_message;
use crate::support::period_border::{BEHIND, MISPLACED, NOT_MOVED, set_border};
use crate::support::{PATIENCE, SetOnDrop, TestApp, TestDatabase, wait_until};

const NOW: &str = "contact_period(now())";

/// A client with `contacts` contacts, whose last messages are evenly spread over the last `periods` periods.
fn fill(database: &TestDatabase, contacts: usize, periods: usize) -> ClientId {
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, &format!("{contacts}"), Region::DEFAULT).unwrap();
    connection
        .batch_execute(&format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                    'p' || md5(n::text) || '@x.com',
                    greatest(contact_period_start(contact_period(now()) - (n % {periods})),
                             least(now(), contact_period_start(contact_period(now()) - (n % {periods}) + 1))
                             - n * interval '1 second')
             FROM generate_series(1, {contacts}) AS n"
        ))
        .unwrap();
    client
}

fn border(database: &TestDatabase) -> i64 {
    database.count("SELECT border::bigint AS count FROM contact_period_border")
}

/// Makes steps until no further one can follow at once, as one run of the job does. Returns how far the border rose.
fn run(database: &TestDatabase) -> i64 {
    let mut connection = database.connect();
    shorten_fences(&mut connection, Duration::ZERO);
    let before = border(database);
    let mut raise = BorderRaise::default();
    let mut last = before;
    while raise.step(&mut connection).unwrap() {
        let now = border(database);
        assert!(now - last <= 1, "the border rose from {last} to {now}");
        assert_eq!(database.count(MISPLACED), 0, "the border is {now}");
        last = now;
    }
    last - before
}

/// Runs the job until the border is at its place. Transactions of other databases can delay it.
fn run_to_the_end(database: &TestDatabase) {
    wait_until(PATIENCE, "the border does not rise", || {
        run(database);
        database.count(BEHIND) == 0
    });
}

/// The contacts that a search by the index of grams finds.
fn found(database: &TestDatabase, client: ClientId, term: &str) -> BTreeSet<Uuid> {
    let term = EmailTerm::parse(term);
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
    assert_eq!(found.plans, [Plan::Grams]);
    found.contacts.into_iter().map(|contact| contact.id).collect()
}

#[test]
fn a_new_database_has_the_running_period_and_three_before_it_above_the_border() {
    let database = TestDatabase::new();
    fill(&database, 400, 40);
    assert_eq!((database.count(BEHIND), database.count(MISPLACED)), (0, 0));
    assert_eq!(
        database.count(
            "SELECT count(*) AS count FROM contact_texts
             WHERE gram_prefix = contact_gram_prefix(client_id, contact_period(last_message_at), NULL)"
        ),
        40
    );
    assert_eq!(run(&database), 0);
}

#[test]
fn contacts_with_a_message_far_in_the_future_or_before_2020_are_found() {
    let database = TestDatabase::new();
    let client = fill(&database, 5_000, 13);
    let mut connection = database.connect();
    for (email, time) in [("needle1@x.com", "2150-01-01"), ("needle2@x.com", "2001-01-01")] {
        connection
            .batch_execute(&format!(
                "UPDATE contacts SET email = '{email}', last_message_at = '{time}'
                 WHERE client_id = '{client}' AND id = (SELECT min(id::text)::uuid FROM contacts
                                                        WHERE client_id = '{client}' AND email LIKE 'p%')"
            ))
            .unwrap();
    }
    assert_eq!(found(&database, client, "needle").len(), 2);
}

#[test]
fn the_border_rises_by_one_period_at_a_time_and_every_older_contact_is_moved_before() {
    let database = TestDatabase::new();
    fill(&database, 1_300, 13);
    fill(&database, 1_313, 13);
    let mut connection = database.connect();
    set_border(&mut connection, &format!("{NOW} - 8"));
    assert_eq!(database.count(BEHIND), 5);
    assert!((50..150).contains(&database.count(NOT_MOVED)));
    run_to_the_end(&database);
    // The contacts of the period before the border move before the next raise.
    assert_eq!((database.count(MISPLACED), database.count(NOT_MOVED)), (0, 201));
    assert_eq!(run(&database), 0);
    // More contacts of each client than one step looks at, and times at both ends of the period.
    set_border(&mut connection, &format!("{NOW} - 4"));
    connection
        .batch_execute(&set_last_message(
            "contact_period_start(border - 1) + (serial_id % 3) * interval '1048576 seconds'
                 - interval '1 microsecond'",
            "serial_id % 8 > 0",
        ))
        .unwrap();
    set_border(&mut connection, &format!("{NOW} - 4"));
    assert!(database.count(NOT_MOVED) > 500);
    run_to_the_end(&database);
    assert_eq!(database.count(MISPLACED), 0);
}

#[test]
fn contacts_of_the_first_period_are_moved() {
    let database = TestDatabase::new();
    fill(&database, 100, 1);
    let mut connection = database.connect();
    connection
        .batch_execute(&set_last_message(
            "timestamptz '2001-01-01' + serial_id % 100 * interval '20 days'",
            "true",
        ))
        .unwrap();
    set_border(&mut connection, "752");
    wait_until(PATIENCE, "the border does not rise", || {
        run(&database);
        border(&database) > 753
    });
    assert_eq!(database.count(MISPLACED), 0);
}

#[test]
fn the_border_waits_for_every_transaction_that_may_have_read_a_lower_one() {
    let database = TestDatabase::new();
    // No contact is in the period before the border, so the test can raise it at once.
    let client = fill(&database, 4_500, 7);
    let mut connection = database.connect();
    let at = |database: &TestDatabase| (border(database), database.count(MISPLACED));
    for begin in ["BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"] {
        set_border(&mut connection, &format!("{NOW} - 6"));
        let before = border(&database);
        let mut writer = database.connect();
        writer.batch_execute(begin).unwrap();
        if begin == "BEGIN" {
            // Gets a transaction id, and reads the border.
            writer.batch_execute(&insert(client, "early", "now()")).unwrap();
        } else {
            // Has a snapshot and no id. On Citus the worker takes a snapshot when it is first asked.
            writer.batch_execute("SELECT count(*) FROM contacts").unwrap();
        }
        connection
            .batch_execute("UPDATE contact_period_border SET border = border + 1, fence = NULL")
            .unwrap();
        for _ in 0..3 {
            assert_eq!(run(&database), 0, "{begin}");
        }
        // The writer stores a contact of the period before the border. In REPEATABLE READ it reads the lower border.
        let time = format!("contact_period_start({before}) + interval '1 hour'");
        writer.batch_execute(&insert(client, "late", &time)).unwrap();
        assert_eq!(run(&database), 0, "{begin}");
        writer.batch_execute("COMMIT").unwrap();
        assert_eq!(at(&database), (before + 1, 0));
        let late = found(&database, client, "late.writer");
        assert_eq!(late.len(), 1, "{begin}");
        if begin != "BEGIN" {
            let prefix = database.count(&format!(
                "SELECT count(*) AS count FROM contact_texts
                 WHERE email_lower LIKE 'late%' AND gram_prefix = contact_gram_prefix(client_id, {before}, NULL)"
            ));
            assert_eq!(prefix, 1, "the writer read the lower border");
        }
        run_to_the_end(&database);
        assert_eq!(database.count(MISPLACED), 0, "{begin}");
        assert_eq!(found(&database, client, "late.writer"), late, "{begin}");
        connection
            .batch_execute("DELETE FROM contacts WHERE email LIKE '%.writer@x.com'")
            .unwrap();
    }
}

fn insert(client: ClientId, name: &str, last_message_at: &str) -> String {
    format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                '{name}.writer@x.com', {last_message_at}"
    )
}

#[test]
fn the_writer_with_the_newest_transaction_id_is_waited_for() {
    let database = TestDatabase::new();
    let client = fill(&database, 10, 1);
    let (mut job, mut writer) = (database.connect(), database.connect());
    set_border(&mut job, &format!("{NOW} - 6"));
    // The id of the raise is lower than that of the writer, which reads the border before the raise is committed.
    job.batch_execute("BEGIN; UPDATE contact_period_border SET border = border + 1, fence = NULL")
        .unwrap();
    let time = format!("contact_period_start({NOW} - 6) + interval '1 hour'");
    writer
        .batch_execute(&format!("BEGIN; {}", insert(client, "early", &time)))
        .unwrap();
    job.batch_execute("COMMIT").unwrap();
    for _ in 0..3 {
        assert_eq!(run(&database), 0);
    }
    writer.batch_execute("COMMIT").unwrap();
    run_to_the_end(&database);
    assert_eq!(database.count(MISPLACED), 0);
}

#[test]
fn contacts_that_a_writer_has_locked_are_moved_later() {
    let database = TestDatabase::new();
    let client = fill(&database, 900, 9);
    let (mut connection, mut writer) = (database.connect(), database.connect());
    set_border(&mut connection, &format!("{NOW} - 4"));
    // The job's fence must be older than the writer.
    wait_until(PATIENCE, "other transactions hold the fence", || {
        shorten_fences(&mut connection, Duration::ZERO);
        let mut raise = BorderRaise::default();
        assert_eq!(
            border(&database),
            database.count("SELECT contact_period(now())::bigint AS count") - 4
        );
        if !raise.step(&mut connection).unwrap() {
            return false;
        }
        writer
            .batch_execute(&format!(
                "BEGIN; UPDATE contacts SET name = 'Ana'
                 WHERE client_id = '{client}' AND contact_period(last_message_at) = {NOW} - 5"
            ))
            .unwrap();
        connection.batch_execute("SET lock_timeout TO '5s'").unwrap();
        while raise.step(&mut connection).unwrap() {}
        true
    });
    assert_eq!(
        database.count(BEHIND),
        1,
        "the border rose over contacts that are not moved"
    );
    assert!(database.count(NOT_MOVED) > 0);
    writer.batch_execute("COMMIT").unwrap();
    run_to_the_end(&database);
    assert_eq!(database.count(MISPLACED), 0);
}

#[test]
fn a_restored_fence_of_another_cluster_does_not_stop_the_border() {
    let database = TestDatabase::new();
    fill(&database, 90, 9);
    set_border(&mut database.connect(), &format!("{NOW} - 6"));
    database.execute("UPDATE contact_period_border SET fence = 4000000000000000");
    run_to_the_end(&database);
    assert_eq!(database.count(MISPLACED), 0);
}

/// A number of a contact that differs with the seed. Citus has no `random()` in an `UPDATE`.
fn random_integer(seed: i32) -> String {
    format!("(hashtextextended(id::text, {seed}) & 1048575)::integer")
}

#[test]
fn a_search_stays_complete_while_servers_raise_the_border_and_writers_write() {
    let database = TestDatabase::new();
    let client = fill(&database, 4_500, 20);
    let mut connection = database.connect();
    connection
        .batch_execute("UPDATE contacts SET email = 'needle' || email WHERE serial_id % 100 = 17")
        .unwrap();
    let expected = found(&database, client, "needle");
    assert_eq!(expected.len(), 45);
    set_border(&mut connection, &format!("{NOW} - 20"));
    let should_stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = SetOnDrop(&should_stop);
        let servers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = database.connect();
                    let mut raise = BorderRaise::default();
                    while !should_stop.load(Ordering::Relaxed) {
                        raise.step(&mut connection).unwrap();
                    }
                })
            })
            .collect();
        let writer = scope.spawn(|| {
            let mut connection = database.connect();
            // Moves contacts to any other period, and some to the period before the border.
            for round in (0..).step_by(4) {
                if should_stop.load(Ordering::Relaxed) {
                    break;
                }
                let random = [0, 1, 2, 3].map(|seed| random_integer(round + seed));
                let time = format!(
                    "contact_period_start(CASE WHEN {} % 10 < 3 THEN border - 1 ELSE {NOW} - {} % 20 END)
                     + {} % 24 * interval '1 day'",
                    random[0], random[1], random[2],
                );
                let write = set_last_message(&time, &format!("{} % 50 = 0", random[3]));
                connection.batch_execute(&write).unwrap();
                // The job moves only what no writer has locked.
                thread::sleep(Duration::from_millis(2));
            }
        });
        let mut incomplete = 0;
        for left in (0..16).rev() {
            wait_until(PATIENCE, "the border does not rise", || {
                // A write of the border reaches the servers of a cluster at different moments.
                shorten_fences(&mut connection, Duration::from_secs(1));
                incomplete += usize::from(found(&database, client, "needle") != expected);
                database.count(BEHIND) <= left
            });
        }
        drop(stop);
        for thread in servers.into_iter().chain([writer]) {
            thread.join().expect("nobody is blocked");
        }
        assert_eq!(incomplete, 0);
    });
    assert_eq!(database.count(MISPLACED), 0);
}

#[test]
fn the_border_rises_behind_a_transaction_pooler() {
    let database = TestDatabase::new();
    fill(&database, 90, 9);
    set_border(&mut database.connect(), &format!("{NOW} - 6"));
    let limits = StatementLimits::background(PATIENCE, true);
    let mut connection = Limited::connect(database.url(), limits).unwrap();
    wait_until(PATIENCE, "the border does not rise", || {
        shorten_fences(&mut database.connect(), Duration::ZERO);
        let mut raise = BorderRaise::default();
        while connection.run(|connection| raise.step(connection)).unwrap() {}
        database.count(BEHIND) == 0
    });
    assert_eq!(database.count(MISPLACED), 0);
}

#[test]
fn the_server_raises_the_border() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    set_border(&mut connection, &format!("{NOW} - 6"));
    wait_until(PATIENCE, "the server does not raise the border", || {
        shorten_fences(&mut connection, Duration::ZERO);
        app.database.count(BEHIND) == 0
    });
}
