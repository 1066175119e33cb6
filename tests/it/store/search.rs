//! Search plans: every plan finds the same contacts.

use std::collections::{BTreeSet, HashSet};

use contact_search::domain::client::ClientId;
use contact_search::domain::contact::{ContactDraft, ContactFields};
use contact_search::domain::phone::{self, Region};
use contact_search::domain::term::{EmailTerm, PhoneTerm};
use contact_search::store::bulk_load::load_contacts;
use contact_search::store::pool::Pool;
use contact_search::store::search::{ClientStatistics, Plan};
use contact_search::store::{clients, search};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Double, Text, Uuid as SqlUuid};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::support::TestDatabase;
use crate::support::period_border::{MISPLACED, set_border};
use crate::support::private_database::query;

/// The largest number of contacts in the answer of a search.
const LIMIT: usize = 50;

/// The ids of an answer, and whether more contacts match.
type Answer = (Vec<Uuid>, bool);

/// A contact as the model of a search reads it.
#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    email_lower: String,
    #[diesel(sql_type = Text)]
    phone: String,
    #[diesel(sql_type = Text)]
    phone_key: String,
}

/// All contacts of a client in the order of a search, and the answers that the contract promises for them.
struct Model(Vec<Stored>);

impl Model {
    fn read(connection: &mut PgConnection, client: ClientId) -> Self {
        let sql = "SELECT id, coalesce(lower(email), '') AS email_lower, coalesce(phone, '') AS phone,
                          coalesce(phone_key, '') AS phone_key
                   FROM contacts WHERE client_id = $1 ORDER BY last_message_at DESC NULLS LAST, id";
        let rows = diesel::sql_query(sql).bind::<SqlUuid, _>(client.as_uuid());
        Self(rows.load(connection).unwrap())
    }

    /// Takes the first reading of the term that any email contains. Returns the places of the contacts whose email
    /// contains the reading, and the places of those whose whole email is the reading.
    fn by_email(&self, connection: &mut PgConnection, term: &EmailTerm) -> [Vec<usize>; 2] {
        for reading in term.readings() {
            let lower = lower(connection, reading.text());
            let places = self.places(|contact| contact.email_lower.contains(&lower));
            if !places.is_empty() {
                // An `@` between other characters. A blank is none of them.
                let is_end = |c: char| c == '@' || c.is_whitespace();
                let is_email = lower.trim_matches(is_end).contains('@');
                let is_exact = |place: &&usize| is_email && self.0[**place].email_lower == lower;
                let exact = places.iter().filter(is_exact).copied().collect();
                return [places, exact];
            }
        }
        [Vec::new(), Vec::new()]
    }

    /// The places of the contacts whose number contains the digits in any notation or has the match key, and the places
    /// of those whose whole number is the term.
    fn by_phone(&self, text: &str, region: Region) -> [Vec<usize>; 2] {
        let pieces = phone::pieces(text, region);
        let readings = phone::readings(text, region);
        let keys: Vec<&String> = readings
            .iter()
            .filter(|reading| reading.resolved || reading.extension.is_some())
            .map(|reading| &reading.key)
            .chain(&pieces)
            .collect();
        let has_key = |contact: &Stored| keys.contains(&&contact.phone_key);
        let has_piece = |contact: &Stored| pieces.iter().any(|piece| contact.phone.contains(&**piece));
        let places = self.places(|contact| has_piece(contact) || has_key(contact));
        let exact = places
            .iter()
            .filter(|place| has_key(&self.0[**place]))
            .copied()
            .collect();
        [places, exact]
    }

    /// Checks the model itself: it finds what plain ILIKE finds by the first reading of the email, and at least what
    /// plain ILIKE finds by the digits.
    fn check_with_ilike(&self, connection: &mut PgConnection, client: ClientId, email: &EmailTerm, digits: &str) {
        let reading = &email.readings()[0];
        let lower = lower(connection, reading.text());
        let ids = self.ids(&self.places(|contact| contact.email_lower.contains(&lower)));
        assert_eq!(
            ids,
            by_ilike(connection, client, "email", &reading.pattern()),
            "{reading:?}"
        );
        let [places, _] = self.by_phone(digits, Region::DEFAULT);
        let found: HashSet<Uuid> = self.ids(&places).into_iter().collect();
        let containing = by_ilike(connection, client, "phone", &format!("%{digits}%"));
        assert!(
            containing.iter().all(|id| found.contains(id)),
            "the model misses a contact whose phone contains {digits}"
        );
    }

    fn ids(&self, places: &[usize]) -> Vec<Uuid> {
        places.iter().map(|place| self.0[*place].id).collect()
    }

    fn places(&self, is_match: impl Fn(&Stored) -> bool) -> Vec<usize> {
        (0..self.0.len()).filter(|place| is_match(&self.0[*place])).collect()
    }

    /// The expected answer, in the order of a search. If there are more matches than the limit, the answer has the
    /// exact matches, and the newest of the others up to the limit.
    fn answer(&self, parts: &[[Vec<usize>; 2]], limit: usize) -> Answer {
        let union = |which: usize| {
            parts
                .iter()
                .flat_map(|part| part[which].clone())
                .collect::<BTreeSet<usize>>()
        };
        let exact: BTreeSet<usize> = union(1).into_iter().take(limit).collect();
        let others: Vec<usize> = union(0).difference(&exact).take(limit - exact.len()).copied().collect();
        let places: BTreeSet<usize> = exact.into_iter().chain(others).collect();
        let ids = places.into_iter().map(|place| self.0[place].id).collect();
        (ids, union(0).union(&union(1)).count() > limit)
    }

    /// The answer of a search that does not prefer exact matches.
    fn newest<const N: usize>(&self, parts: &[[Vec<usize>; 2]; N]) -> Vec<Uuid> {
        let all: BTreeSet<usize> = parts.iter().flatten().flatten().copied().collect();
        all.into_iter().take(LIMIT).map(|place| self.0[place].id).collect()
    }
}

/// All of the client's contacts that ILIKE finds, in the order of a search.
fn by_ilike(connection: &mut PgConnection, client: ClientId, column: &str, pattern: &str) -> Vec<Uuid> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let sql = format!(
        "SELECT id FROM contacts WHERE client_id = $1 AND {column} ILIKE $2 ORDER BY last_message_at DESC NULLS LAST, id"
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Text, _>(pattern)
        .load(connection)
        .unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

/// The text in lower case as the database writes it.
fn lower(connection: &mut PgConnection, text: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        lower: String,
    }
    let row: Row = diesel::sql_query("SELECT lower($1) AS lower")
        .bind::<Text, _>(text)
        .get_result(connection)
        .unwrap();
    row.lower
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
/// letters, so that terms match them. Some emails and some short phones equal a whole term, and longer emails and
/// phones contain them. The fraction `with_messages` of the contacts has a message time. The times cover the ten
/// years before `until`, and some are equal.
fn fill_randomly(connection: &mut PgConnection, clients: &[(ClientId, f64, &str)]) {
    diesel::sql_query("SELECT setseed(0.5)").execute(connection).unwrap();
    for (client, with_messages, until) in clients {
        diesel::sql_query(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, phone, phone_key, external_user_id, last_message_at)
             SELECT $1, gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = $1),
                    CASE WHEN n % 40 = 3 THEN repeat('b', n / 40 % 6) || 'a@b' || repeat('.a', n / 240 % 3)
                         WHEN random() < 0.9 THEN (
                        SELECT string_agg(substr('aAbBéÉñÑ%_\\.@12 ''ΣİK', 1 + floor(random() * 20)::int, 1), '')
                        FROM generate_series(1, 3 + n % 9)) END,
                    phone, ltrim(phone, '+'), n,
                    CASE WHEN random() < $2 THEN $3::timestamptz - floor(random() * 730) * interval '5 days' END
             FROM generate_series(1, 9000) AS n,
                  LATERAL (SELECT CASE WHEN n % 50 = 7 THEN (n / 50)::text
                                      WHEN n % 9 = 0 THEN '+' || 10000000 + n / 9
                                      ELSE '+' || 10000000 + floor(random() * 80000000)::bigint END AS phone) AS p",
        )
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Double, _>(with_messages)
        .bind::<Text, _>(until)
        .execute(connection)
        .unwrap();
    }
    diesel::sql_query("ANALYZE contacts").execute(connection).unwrap();
}

/// The answer of the search, and the plans that it used.
fn found(
    pool: &Pool,
    statistics: &ClientStatistics,
    client: ClientId,
    phone: Option<&PhoneTerm>,
    email: Option<&EmailTerm>,
    limit: usize,
) -> (Answer, Vec<Plan>) {
    let found = pool.run(|connection| search::search_contacts(connection, statistics, client, phone, email, limit));
    let found = found.expect("the search is answered");
    assert!(found.contacts.iter().all(|row| row.client_id == client.as_uuid()));
    let ids = found.contacts.into_iter().map(|row| row.id).collect();
    ((ids, found.has_more), found.plans)
}

/// Moves the border so that `newer` contacts of the client are newer than the border.
fn raise_border(database: &TestDatabase, client: ClientId, newer: usize) {
    // Citus does not read contacts in a write of the border.
    let border = query(
        database.url(),
        &format!(
            "SELECT last_message_at FROM contacts WHERE client_id = '{client}' AND last_message_at IS NOT NULL
             ORDER BY last_message_at DESC OFFSET {newer} LIMIT 1"
        ),
    );
    database.execute(&format!("UPDATE contacts_newest_border SET since = '{border}'"));
}

#[test]
fn every_plan_finds_the_contacts_of_one_client_that_the_model_finds_and_keeps_exact_matches() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let region = Region::DEFAULT;
    let all = ["one", "silent", "busy"].map(|name| clients::create_client(&mut connection, name, region).unwrap());
    let [client, silent, busy] = all;
    // Few contacts of `silent` have a message, so the walk reaches contacts without one. In the first rounds, about
    // 4,000 contacts of `busy` are newer than the border of `contacts_newest`. In the last rounds, about 300 are.
    fill_randomly(
        &mut connection,
        &[
            (client, 0.9, "2025-01-01"),
            (silent, 0.05, "2025-01-01"),
            (busy, 0.9, "2105-01-01"),
        ],
    );
    let stored: Vec<String> = contact_emails(&mut connection, client.as_uuid());
    let models = all.map(|client| (client, Model::read(&mut connection, client)));
    let pool = database.pool();
    let statistics = ClientStatistics::default();
    let config = ProptestConfig {
        cases: 80,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // Random characters, or a substring of a stored email, as stored or in upper case, or a whole email that others
    // contain.
    let random_text = "[aAbBéÉñ%_\\\\.@12'ΣİK ,]{1,6}";
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
    let emails = prop_oneof![4 => random_text, 4 => stored_substring, 1 => "b{0,3}[aA]@b(\\.a)?"];
    let emails = emails.prop_filter_map("blank", |text| Some((EmailTerm::parse(&text)?, text)));
    // Digits alone, and digits after a prefix: `0`, `00`, `54`, `15`, or an area code and `15`.
    let phones = "[0-9]{1,7}|0{1,7}|10000[0-9]{2,3}|(0|00|54|0[1-3][1-9]15|15)[0-9]{1,4}|[1-9][0-9]{0,2}";
    let connection = std::cell::RefCell::new(connection);
    let used_plans = std::cell::RefCell::new(Vec::new());
    let case = std::cell::Cell::new(0_usize);
    let (several, kept) = (std::cell::Cell::new(0), std::cell::Cell::new([0; 2]));
    // The number of searches with as many matches as the limit, and of those with one more.
    let close = std::cell::Cell::new([0; 2]);
    // The largest limit, which most callers use, and any other.
    let limits = prop_oneof![Just(LIMIT), 1..=LIMIT];
    // The border of the periods is at any period of one of the clients, and once above and below all of their periods.
    let any_period = |client| {
        format!(
            "SELECT contact_period(last_message_at) FROM contacts
             WHERE client_id = '{client}' AND last_message_at IS NOT NULL ORDER BY random() LIMIT 1"
        )
    };
    let rounds = [
        (4_000, any_period(busy)),
        (4_000, any_period(client)),
        (4_000, any_period(silent)),
        (300, any_period(busy)),
        (300, "SELECT 3000".to_owned()),
        (300, "SELECT 700".to_owned()),
    ];
    for (newest, period_border) in rounds {
        raise_border(&database, busy, newest);
        set_border(&mut connection.borrow_mut(), &period_border);
        connection.borrow_mut().batch_execute("VACUUM contact_texts").unwrap();
        assert_eq!(database.count(MISPLACED), 0);
        TestRunner::new(config.clone())
            .run(&(&emails, phones, &limits), |((email, text), digits, limit)| {
                let connection = &mut *connection.borrow_mut();
                let phone = PhoneTerm::parse(&digits, region).unwrap();
                several.set(several.get() + usize::from(phone.pieces().len() > 1));
                // A piece is searched literally first. Only a complete address is cleaned first.
                let is_piece = !text.contains('@') && !text.contains('K');
                let literal = text.trim().replace(' ', "+");
                prop_assert!(!is_piece || email.readings()[0].text() == literal, "{:?}", email);
                case.set(case.get() + 1);
                let (checked, model) = &models[case.get() % models.len()];
                model.check_with_ilike(connection, *checked, &email, &digits);
                for (client, model) in &models {
                    let by_email = model.by_email(connection, &email);
                    let by_phone = model.by_phone(&digits, region);
                    let parts = [by_email.clone(), by_phone.clone()];
                    let by_email = [by_email];
                    let by_phone = [by_phone];
                    let mut searches = vec![
                        (None, Some(&email), limit, model.answer(&by_email, limit)),
                        (Some(&phone), None, limit, model.answer(&by_phone, limit)),
                        (Some(&phone), Some(&email), limit, model.answer(&parts, limit)),
                    ];
                    // The number of matches as the limit, and one less: there one match more or less matters.
                    let matches = model.answer(&parts, usize::MAX).0.len();
                    for limit in matches.saturating_sub(1).max(1)..=matches.min(LIMIT) {
                        let mut counts = close.get();
                        counts[matches - limit] += 1;
                        close.set(counts);
                        searches.push((Some(&phone), Some(&email), limit, model.answer(&parts, limit)));
                    }
                    let is_kept = [&by_email, &by_phone]
                        .map(|part| usize::from(model.newest(part) != model.answer(part, LIMIT).0));
                    kept.set([kept.get()[0] + is_kept[0], kept.get()[1] + is_kept[1]]);
                    for (phone, email, limit, expected) in searches {
                        let (answer, plans) = found(&pool, &statistics, *client, phone, email, limit);
                        prop_assert_eq!(
                            answer,
                            expected,
                            "{} of {:?} and {:?} by {:?}",
                            limit,
                            phone,
                            email,
                            plans
                        );
                        used_plans
                            .borrow_mut()
                            .extend(plans.into_iter().map(|plan| (*client, plan)));
                    }
                }
                Ok(())
            })
            .unwrap();
    }
    let common_matches: usize = ["a", "@", "ab", "aab", "b.a", "1212", "éb"]
        .map(|term| {
            let ((ids, _), _) = found(&pool, &statistics, client, None, EmailTerm::parse(term).as_ref(), LIMIT);
            ids.len()
        })
        .iter()
        .sum();
    assert!(common_matches > 150, "too few common terms match: {common_matches}");
    let (several, kept, close) = (several.get(), kept.get(), close.get());
    assert!(
        close.iter().all(|close| *close >= 10),
        "too few searches have as many matches as the limit, or one more: {close:?}"
    );
    assert!(several >= 10, "too few terms have several pieces: {several}");
    assert!(
        kept.iter().all(|kept| *kept >= 10),
        "too few exact matches are old: {kept:?}"
    );
    let used_plans = used_plans.into_inner();
    for client in all {
        for plan in [Plan::Walk, Plan::Grams] {
            let times = used_plans.iter().filter(|one| **one == (client, plan)).count();
            assert!(times >= 10, "{plan:?}: {times} of {}", used_plans.len());
        }
    }
}

#[test]
fn a_client_with_few_contacts_is_searched_by_the_same_rules() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let region = Region::DEFAULT;
    let client = clients::create_client(&mut connection, "few", region).unwrap();
    fill_randomly(&mut connection, &[(client, 0.9, "2025-01-01")]);
    let few = "DELETE FROM contacts WHERE external_user_id::int > 3000";
    connection.batch_execute(few).unwrap();
    let model = Model::read(&mut connection, client);
    let (pool, statistics) = (database.pool(), ClientStatistics::default());
    for text in [
        "a", "a@b", "ba@b", "<a@b.a>", "a b", "b a", "1 2", "zz zz", "'a@b.a',", "@",
    ] {
        for digits in ["1", "12", "54223", "0223", "5432", "15", "0011", "10000123", "221512"] {
            let (email, phone) = (
                EmailTerm::parse(text).unwrap(),
                PhoneTerm::parse(digits, region).unwrap(),
            );
            let by_email = model.by_email(&mut connection, &email);
            let by_phone = model.by_phone(digits, region);
            let parts = [by_email, by_phone];
            for (phone, email, limit, expected) in [1, 10, LIMIT].into_iter().flat_map(|limit| {
                [
                    (None, Some(&email), limit, model.answer(&parts[..1], limit)),
                    (Some(&phone), None, limit, model.answer(&parts[1..], limit)),
                    (Some(&phone), Some(&email), limit, model.answer(&parts, limit)),
                ]
            }) {
                let (answer, plans) = found(&pool, &statistics, client, phone, email, limit);
                assert_eq!(answer, expected, "{limit} of {phone:?} and {email:?}");
                assert!(
                    plans
                        .iter()
                        .all(|plan| matches!(plan, Plan::WholeWalk | Plan::WholeNumber)),
                    "{plans:?}"
                );
            }
        }
    }
}

#[test]
fn a_search_knows_whether_there_is_a_51st_match_by_every_plan() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let region = Region::DEFAULT;
    let pool = database.pool();
    // `near` is in the newest contacts, `far` in every hundredth contact, `rare` in the oldest contacts: each in at
    // most 51 contacts. A search of the small client walks all of its contacts.
    for (contacts, plans) in [
        (3_000, [Plan::WholeWalk; 3]),
        (9_000, [Plan::Walk, Plan::Walk, Plan::Grams]),
    ] {
        for matches in [49, 50, 51] {
            let name = format!("{contacts} and {matches}");
            let client = clients::create_client(&mut connection, &name, region).unwrap();
            connection
                .batch_execute(&format!(
                    "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
                     SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                            CASE WHEN n <= {matches} THEN 'near' WHEN n % 100 = 99 AND n / 100 < {matches} THEN 'far'
                                 WHEN n > {contacts} - {matches} THEN 'rare' ELSE 'other' END || n || '@x.com',
                            timestamptz '2025-01-01' - n * interval '1 minute'
                     FROM generate_series(1, {contacts}) AS n"
                ))
                .unwrap();
            connection.batch_execute("ANALYZE contacts").unwrap();
            let statistics = ClientStatistics::default();
            for (term, plan) in ["near", "far", "rare"].into_iter().zip(plans) {
                let count = Model::read(&mut connection, client)
                    .places(|contact| contact.email_lower.contains(term))
                    .len();
                let term = EmailTerm::parse(term);
                let ((ids, has_more), used) = found(&pool, &statistics, client, None, term.as_ref(), LIMIT);
                assert_eq!(
                    (ids.len(), has_more),
                    (count.min(LIMIT), count > LIMIT),
                    "{name}: {term:?} by {used:?}"
                );
                // With fewer than 51 matches, the walk of a large client does not suffice.
                if count > LIMIT {
                    assert_eq!(used, [plan], "{name}: {term:?}");
                }
            }
        }
    }
}

#[test]
fn a_search_finds_what_was_written_after_its_sample_was_read() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Changing", Region::DEFAULT).unwrap();
    connection
        .batch_execute(&format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                    'before' || n || '@x.com', timestamptz '2025-01-01' - n * interval '1 minute'
             FROM generate_series(1, 5000) AS n"
        ))
        .unwrap();
    let (pool, statistics) = (database.pool(), ClientStatistics::default());
    let count = |term: &str| {
        let ((ids, has_more), plans) = found(&pool, &statistics, client, None, EmailTerm::parse(term).as_ref(), LIMIT);
        (ids.len(), has_more, plans)
    };
    assert_eq!(count("before"), (50, true, vec![Plan::Walk]));
    // The sample stays in memory for ten seconds. According to it, the first term is frequent, and the second is rare.
    connection
        .batch_execute(
            "UPDATE contacts SET email = replace(email, 'before', 'after') WHERE email <> 'before4000@x.com'",
        )
        .unwrap();
    assert_eq!(count("before"), (1, false, vec![Plan::Grams]));
    let (matches, has_more, _) = count("after");
    assert_eq!((matches, has_more), (50, true));
}

#[test]
fn a_search_does_not_wait_for_the_first_load_of_another_client() {
    // The first load of a database without contacts builds the index of grams anew.
    for (contacts, drops_index) in [(0, true), (1, false)] {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = clients::create_client(&mut connection, "Chat", Region::DEFAULT).unwrap();
        connection
            .batch_execute(&format!(
                "INSERT INTO contacts (client_id, id, contact_list_id, external_user_id)
                 SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), n
                 FROM generate_series(1, {contacts}) AS n;
                 SET lock_timeout TO '5s'"
            ))
            .unwrap();
        load_contacts(&mut database.connect(), |load| {
            let locks = "SELECT count(*) AS count FROM pg_locks
                         WHERE relation = 'contact_texts'::regclass AND mode = 'AccessExclusiveLock'";
            assert_eq!(database.count(locks) > 0, drops_index, "{contacts}");
            let term = EmailTerm::parse("ana@example.com").unwrap();
            let found = search::search_contacts(
                &mut connection,
                &ClientStatistics::default(),
                client,
                None,
                Some(&term),
                LIMIT,
            );
            assert_eq!(found.unwrap().contacts.len(), 0);
            let other = load.empty_client("Other")?.expect("a client without contacts");
            let given = ContactFields {
                email: Some("ana@example.com".to_owned()),
                ..ContactFields::default()
            };
            load.push(other, Uuid::now_v7(), ContactDraft::new(given, load.now()).unwrap())
        })
        .unwrap();
        assert_eq!(
            database.count("SELECT count(*) AS count FROM contact_texts"),
            contacts + 1
        );
    }
}
