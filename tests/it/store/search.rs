//! Search plans: every plan finds the same contacts.

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::domain::term::{EmailTerm, PhoneTerm};
use contact_search::store::pool::Pool;
use contact_search::store::search::{ClientSizes, Plan};
use contact_search::store::{clients, search};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Uuid as SqlUuid};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::support::TestDatabase;

/// The expected answer: ILIKE over all of the client's contacts.
fn by_definition(connection: &mut PgConnection, client: Uuid, column: &str, pattern: &str) -> Vec<Uuid> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let sql = format!(
        "SELECT id FROM contacts WHERE client_id = $1 AND {column} ILIKE $2
         ORDER BY last_message_at DESC NULLS LAST, id LIMIT 50"
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(client)
        .bind::<Text, _>(pattern)
        .load(connection)
        .unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

fn contact_emails(connection: &mut PgConnection, client: Uuid) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        email: String,
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT email FROM contacts WHERE client_id = $1 AND email IS NOT NULL")
        .bind::<SqlUuid, _>(client)
        .load(connection)
        .unwrap();
    rows.into_iter().map(|row| row.email).collect()
}

/// Fills clients with 9,000 random contacts each, more than a search walks at first. The texts use few different
/// letters, so that terms match them. The fraction `with_messages` of the contacts has a message time. The times cover
/// the seven years before `until`, and some are equal.
fn fill_randomly(connection: &mut PgConnection, clients: &[(ClientId, f64, &str)]) {
    diesel::sql_query("SELECT setseed(0.5)").execute(connection).unwrap();
    for (client, with_messages, until) in clients {
        diesel::sql_query(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, phone, phone_key, external_user_id, last_message_at)
             SELECT $1, gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = $1),
                    CASE WHEN random() < 0.9 THEN (
                        SELECT string_agg(substr('aAbBéÉñÑ%_\\.@12 ''ΣİK', 1 + floor(random() * 20)::int, 1), '')
                        FROM generate_series(1, 3 + n % 9)) END,
                    phone, ltrim(phone, '+'), n,
                    CASE WHEN random() < $2 THEN $3::timestamptz - floor(random() * 500) * interval '5 days' END
             FROM generate_series(1, 9000) AS n,
                  LATERAL (SELECT '+' || CASE n % 9 WHEN 0 THEN 10000000 + n / 9 ELSE 10000000 + floor(random() * 80000000)::bigint END AS phone) AS p",
        )
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Double, _>(with_messages)
        .bind::<Text, _>(until)
        .execute(connection)
        .unwrap();
    }
    diesel::sql_query("ANALYZE contacts").execute(connection).unwrap();
}

/// The ids that the search finds, in its order, and the plans that it used.
fn found(
    pool: &Pool,
    sizes: &ClientSizes,
    client: ClientId,
    phone: Option<&PhoneTerm>,
    email: Option<&EmailTerm>,
) -> (Vec<Uuid>, Vec<Plan>) {
    let found = pool.run(|connection| search::search_contacts(connection, sizes, client, phone, email));
    let found = found.expect("the search is answered");
    assert!(found.contacts.iter().all(|row| row.client_id == client.as_uuid()));
    (found.contacts.into_iter().map(|row| row.id).collect(), found.plans)
}

/// SQL that moves the border so that `newer` contacts of the client are newer than the border.
fn raise_border(client: ClientId, newer: usize) -> String {
    format!(
        "UPDATE contacts_newest_border
         SET since = (SELECT last_message_at FROM contacts WHERE client_id = '{client}' AND last_message_at IS NOT NULL
                      ORDER BY last_message_at DESC OFFSET {newer} LIMIT 1)"
    )
}

#[test]
fn every_plan_finds_the_same_contacts_of_one_client_as_plain_ilike() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let region = Region::DEFAULT;
    let all = ["one", "silent", "busy"].map(|name| clients::create_client(&mut connection, name, region).unwrap());
    let [client, silent, busy] = all;
    // Few contacts of `silent` have a message, so the walk reaches contacts without one. In the first round, about
    // 4,000 contacts of `busy` are newer than the border of `contacts_newest`. In the second round, about 300 are.
    fill_randomly(
        &mut connection,
        &[
            (client, 0.9, "2025-01-01"),
            (silent, 0.05, "2025-01-01"),
            (busy, 0.9, "2105-01-01"),
        ],
    );
    let stored: Vec<String> = contact_emails(&mut connection, client.as_uuid());
    let pool = database.pool();
    let sizes = ClientSizes::default();
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // Random characters, or a substring of a stored email, as stored or in upper case.
    let random_text = "[aAbBéÉñ%_\\\\.@12'ΣİK]{1,6}";
    let stored_substring = (
        proptest::sample::select(stored),
        0_usize..12,
        1_usize..12,
        any::<bool>(),
    )
        .prop_map(|(email, start, length, is_upper)| {
            let piece: String = email.chars().skip(start % email.chars().count()).take(length).collect();
            if is_upper { piece.to_uppercase() } else { piece }
        });
    let emails = prop_oneof![random_text, stored_substring].prop_filter_map("blank", |term| EmailTerm::parse(&term));
    let connection = std::cell::RefCell::new(connection);
    let used_plans = std::cell::RefCell::new(Vec::new());
    for newest in [4_000, 300] {
        connection
            .borrow_mut()
            .batch_execute(&raise_border(busy, newest))
            .unwrap();
        TestRunner::new(config.clone())
            .run(&(&emails, "[0-9]{1,7}|0{1,7}|10000[0-9]{2,3}"), |(email, phone)| {
                let connection = &mut *connection.borrow_mut();
                let phone = PhoneTerm::parse(&phone, region).unwrap();
                for client in all {
                    let by_email = by_definition(connection, client.as_uuid(), "email", &email.pattern());
                    let (ids, plans) = found(&pool, &sizes, client, None, Some(&email));
                    prop_assert_eq!(ids, by_email, "{:?} by {:?}", email, plans);
                    used_plans
                        .borrow_mut()
                        .extend(plans.into_iter().map(|plan| (client, plan)));
                    if phone.keys().is_empty() {
                        let by_phone = by_definition(connection, client.as_uuid(), "phone", &phone.pattern());
                        let (ids, plans) = found(&pool, &sizes, client, Some(&phone), None);
                        prop_assert_eq!(ids, by_phone, "{:?} by {:?}", phone, plans);
                        used_plans
                            .borrow_mut()
                            .extend(plans.into_iter().map(|plan| (client, plan)));
                    }
                }
                Ok(())
            })
            .unwrap();
    }
    let common_matches: usize = ["a", "@", "ab", "aab", "b.a", "1212", "éb"]
        .map(|term| {
            let (ids, _) = found(&pool, &sizes, client, None, EmailTerm::parse(term).as_ref());
            ids.len()
        })
        .iter()
        .sum();
    assert!(common_matches > 150, "too few common terms match: {common_matches}");
    let used_plans = used_plans.into_inner();
    for client in all {
        for plan in [Plan::Probe, Plan::LongWalk, Plan::Grams] {
            let times = used_plans.iter().filter(|one| **one == (client, plan)).count();
            assert!(times >= 10, "{plan:?}: {times} of {}", used_plans.len());
        }
    }
}
