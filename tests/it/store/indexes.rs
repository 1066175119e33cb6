//! Searches and lookups use the indexes, according to PostgreSQL's plans and statistics.

use contact_search::domain::client::ClientId;
use contact_search::domain::contact_id::ContactId;
use contact_search::domain::phone::{Region, readings};
use contact_search::domain::term::{EmailTerm, PhoneTerm};
use contact_search::store::list_names::{LIST_NAMES, ListNames};
use contact_search::store::search::ClientStatistics;
use contact_search::store::{
    check, clients, contacts, import, judged_import, lookup, messages, query, recheck, search,
};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::support::contacts::{Added, set_last_message};
use crate::support::database::count;
use crate::support::{PATIENCE, TestDatabase, newest_contacts, wait_until};

/// A condition: the column is the name of a table or index, or of one of its shards. A shard's name has a number.
fn is_of(name: &str, column: &str) -> String {
    format!("{column} ~ '^{name}(_[0-9]+)?$'")
}

/// The number of sequential scans of a table, or of scans of an index. PostgreSQL can delay the statistics of a
/// connection until the connection closes.
fn scans(database: &TestDatabase, name: &str) -> i64 {
    let sql = format!(
        "SELECT (SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables WHERE {})::bigint
              + (SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes WHERE {})::bigint AS count",
        is_of(name, "relname"),
        is_of(name, "indexrelname"),
    );
    count(&mut database.connect_to_contacts(), &sql)
}

/// A client with 20,000 contacts, twenty times as many as a search walks at first. A quarter of them are in
/// `contacts_newest`.
fn fill(database: &TestDatabase) -> ClientId {
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Large", Region::DEFAULT).unwrap();
    connection.batch_execute(
        &format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, phone, phone_key, last_message_at)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'p' || md5(n::text) || '@example.com',
                    '+549113' || lpad(n::text, 7, '0'), '549113' || lpad(n::text, 7, '0'),
                    now() + (5000 - n) * interval '1 minute'
             FROM generate_series(1, 20000) AS n"
        ),
    )
    .unwrap();
    diesel::sql_query("VACUUM ANALYZE contacts, contact_texts, contacts_newest")
        .execute(&mut connection)
        .unwrap();
    client
}

/// One `NULL` for each parameter of the statement, separated by commas.
fn nulls(statement: &str) -> String {
    let count = (1..20)
        .take_while(|number| statement.contains(&format!("${number}")))
        .count();
    vec!["NULL"; count].join(", ")
}

/// The agreed file lists the indexes that the generic plan of each statement reads, and how the plan reads them.
#[test]
fn plans_equal_the_agreed_file() {
    if crate::support::citus::is_not_for("plans_equal_the_agreed_file", "whose plans it reads") {
        return;
    }
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let database = TestDatabase::new();
    fill(&database);
    let plans = database.pool().run(|connection| {
        let mut plans = String::new();
        let of_queries = query::statements().map(|(name, statement)| (name, statement.to_owned()));
        let statements = std::iter::once(("lookup", lookup::LOOKUP.to_owned())).chain(search::statements());
        let statements = statements.chain(of_queries);
        for (number, (name, statement)) in statements.enumerate() {
            connection.batch_execute(&format!("PREPARE s{number} AS {statement}"))?;
            let explain = format!("EXPLAIN (COSTS OFF) EXECUTE s{number} ({})", nulls(&statement));
            let lines: Vec<Line> = diesel::sql_query(explain).load(connection)?;
            plans += &format!("{name}\n");
            for Line { line } in lines {
                let step = line.trim_start().trim_start_matches("->").trim_start();
                if step.contains("Scan") && !["Subquery", "CTE"].iter().any(|kind| step.starts_with(kind)) {
                    plans += &format!("    {step}\n");
                }
            }
        }
        Ok(plans)
    });
    let plans = plans.expect("the statements can be explained");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/plans.txt");
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    if plans != agreed {
        let now = concat!(env!("CARGO_MANIFEST_DIR"), "/target/plans.txt");
        std::fs::write(now, &plans).unwrap();
        panic!("the plans differ from tests/data/plans.txt; see target/plans.txt:\n{plans}");
    }
}

#[test]
fn every_statement_file_is_valid_sql_as_it_is() {
    if crate::support::citus::is_not_for(
        "every_statement_file_is_valid_sql_as_it_is",
        "because Citus explains some statements without the session's temporary tables",
    ) {
        return;
    }
    let database = TestDatabase::new();
    let mut connection = database.connect();
    connection.batch_execute("BEGIN").unwrap();
    let others = [
        ("lookup", lookup::LOOKUP),
        ("lookup_batch", lookup::LOOKUP_BATCH),
        ("lookup_by_id", lookup::LOOKUP_BY_ID),
        ("list_names", LIST_NAMES),
    ];
    let others = others
        .into_iter()
        .chain(contacts::statements())
        .chain(messages::statements())
        .chain(recheck::statements())
        .chain(check::statements())
        .chain(judged_import::statements());
    for (name, statement) in import::statements().into_iter().chain(others) {
        let values = nulls(statement);
        let run = if statement.contains("CREATE TEMPORARY TABLE") {
            statement.to_owned()
        } else {
            let values = if values.is_empty() {
                values
            } else {
                format!("({values})")
            };
            format!("PREPARE {name} AS {statement} EXPLAIN EXECUTE {name} {values}")
        };
        connection
            .batch_execute(&run)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_connection_prepares_each_statement_once() {
    #[derive(QueryableByName)]
    struct Prepared {
        #[diesel(sql_type = BigInt)]
        statements: i64,
    }
    let database = TestDatabase::new();
    let client = fill(&database);
    let mut connection = database.connect();
    let (statistics, lists) = (ClientStatistics::default(), ListNames::default());
    let phone = readings("+5491130000777", Region::DEFAULT);
    let (email, piece) = (EmailTerm::parse("zzqy"), PhoneTerm::parse("777", Region::DEFAULT));
    let mut counts = Vec::new();
    for _ in 0..3 {
        lookup::find_by_phone(&mut connection, &lists, client, &phone).unwrap();
        lookup::find_all_by_phone(&mut connection, &lists, client, std::slice::from_ref(&phone)).unwrap();
        search::search_contacts(
            &mut connection,
            &statistics,
            client,
            piece.as_ref(),
            email.as_ref(),
            search::LIMIT,
        )
        .unwrap();
        let sql = "SELECT count(*) AS statements FROM pg_prepared_statements";
        let prepared: Prepared = diesel::sql_query(sql).get_result(&mut connection).unwrap();
        counts.push(prepared.statements);
    }
    // Two lookups, and the name of their list. The search prepares four statements: the client's size, the sample of its
    // newest contacts, and the grams for each of its two columns.
    assert_eq!(counts, [7, 7, 7]);
}

#[test]
fn the_name_of_a_list_is_read_once() {
    let database = TestDatabase::new();
    let client = fill(&database);
    let mut connection = database.connect();
    let phone = readings("+5491130000777", Region::DEFAULT);
    let lists = ListNames::default();
    let mut name = |lists: &ListNames| {
        let found = lookup::find_by_phone(&mut connection, lists, client, &phone).unwrap();
        found.map(|row| row.contact_list_name.to_string())
    };
    let before = name(&lists);
    assert!(before.is_some());
    database.execute("UPDATE contact_lists SET name = 'Renamed by SQL'");
    assert_eq!(name(&lists), before);
    assert_eq!(name(&ListNames::default()).as_deref(), Some("Renamed by SQL"));
}

#[test]
fn lookups_and_searches_never_scan_the_whole_table() {
    let database = TestDatabase::new();
    let client = fill(&database);
    let before = scans(&database, "contacts");
    let indexes = ["contacts_phone_key", "contacts_recent", "contact_texts_grams"];
    let before_by_index = indexes.map(|index| scans(&database, index));
    let (statistics, lists) = (ClientStatistics::default(), ListNames::default());
    let asked = database.pool().run(|connection| {
        // After the twenty rounds, each index must have at least twenty scans.
        for number in 0..20 {
            let phone = format!("+54911300{number:02}777");
            let found = lookup::find_by_phone(connection, &lists, client, &readings(&phone, Region::DEFAULT)).unwrap();
            assert_eq!(found.and_then(|row| row.contact.phone), Some(phone.clone()));
            let questions = vec![readings(&phone, Region::DEFAULT); 10];
            let found = lookup::find_all_by_phone(connection, &lists, client, &questions).unwrap();
            assert!(
                found
                    .iter()
                    .all(|row| row.as_ref().and_then(|row| row.contact.phone.as_ref()) == Some(&phone))
            );
            for term in ["@", "example", "zzqy", &format!("f{number}{number}{number}f")] {
                let term = EmailTerm::parse(term).unwrap();
                search::search_contacts(connection, &statistics, client, None, Some(&term), search::LIMIT).unwrap();
            }
            for term in [phone.as_str(), "777", "99999999", "54"] {
                let term = PhoneTerm::parse(term, Region::DEFAULT).unwrap();
                search::search_contacts(connection, &statistics, client, Some(&term), None, search::LIMIT).unwrap();
            }
        }
        Ok(())
    });
    asked.expect("the queries are answered");
    assert_eq!(
        scans(&database, "contacts"),
        before,
        "the table was scanned sequentially"
    );
    for (index, before) in indexes.into_iter().zip(before_by_index) {
        wait_until(PATIENCE, &format!("{index} is not used"), || {
            scans(&database, index) >= before + 20
        });
    }
}

#[test]
fn a_contact_is_found_by_its_integer_id_through_an_index() {
    let database = TestDatabase::new();
    let client = fill(&database);
    let mut connection = database.connect();
    let contact = diesel::sql_query("SELECT id::text, serial_id FROM contacts ORDER BY serial_id DESC LIMIT 1");
    let contact: Added = contact.get_result(&mut connection).unwrap();
    let of_index = |column: &str| {
        let sql = format!(
            "SELECT sum({column})::bigint AS count
             FROM pg_statio_user_indexes AS io JOIN pg_stat_user_indexes USING (indexrelid)
             WHERE {}",
            is_of("contacts_serial_id_key", "io.indexrelname")
        );
        count(&mut database.connect_to_contacts(), &sql)
    };
    let (blocks, index_scans) = ("idx_blks_hit + idx_blks_read", "idx_scan");
    wait_until(PATIENCE, "the statistics of the inserts are missing", || {
        of_index(blocks) > 20_000
    });
    let before = (of_index(index_scans), of_index(blocks), scans(&database, "contacts"));
    let id = ContactId::Integer(contact.serial_id);
    let found = database
        .pool()
        .run(|connection| contacts::find_uuid(connection, client, id));
    assert_eq!(found.unwrap().map(|id| id.to_string()), Some(contact.id));
    wait_until(PATIENCE, "the index is not used", || {
        of_index(index_scans) == before.0 + 1
    });
    // The whole index has more than 80 blocks.
    let read = of_index(blocks) - before.1;
    assert!(read < 10, "{read} blocks");
    assert_eq!(scans(&database, "contacts"), before.2);
}

#[test]
fn the_search_tables_follow_every_kind_of_write_to_contacts() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Any", Region::DEFAULT).unwrap();
    let insert = format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, external_user_id, phone, phone_key, email, last_message_at)
         SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), n,
                CASE WHEN n % 3 > 0 THEN '+5411' || n END, CASE WHEN n % 3 > 0 THEN '5411' || n END,
                CASE WHEN n % 4 > 0 THEN 'Ana' || n || '@x.com' END,
                CASE WHEN n % 5 > 0 THEN timestamptz '2025-01-01' - n * interval '1 day' END
         FROM generate_series(1, 60) AS n"
    );
    let missing = "
        SELECT count(*) AS count
        FROM (SELECT client_id, id, last_message_at, phone, lower(email) AS email_lower,
                     contact_name_words(name, external_user_id) AS name_words,
                     contact_gram_prefix(client_id, contact_period(last_message_at), border) AS gram_prefix
              FROM contacts CROSS JOIN contact_period_border) AS wanted
        FULL JOIN contact_texts AS texts USING (client_id, id)
        WHERE (wanted.last_message_at, wanted.phone, wanted.email_lower, wanted.name_words, wanted.gram_prefix)
              IS DISTINCT FROM
              (texts.last_message_at, texts.phone, texts.email_lower, texts.name_words, texts.gram_prefix)";
    let unknown_words = "
        SELECT count(*) AS count
        FROM contacts CROSS JOIN LATERAL contact_dictionary_words(name_words, lower(email)) AS given
        WHERE NOT EXISTS (SELECT FROM contact_words AS known
                          WHERE known.client_id = contacts.client_id AND known.word = given.word
                                AND known.is_name = given.is_name)";
    let (mut most, mut most_newest) = (0, 0);
    connection
        .batch_execute("UPDATE contacts_newest_border SET since = now()")
        .unwrap();
    for write in [
        insert.as_str(),
        "UPDATE contacts SET last_message_at = now() WHERE external_user_id::int % 7 = 0",
        &set_last_message(
            "now() + external_user_id::int * interval '1 minute' - interval '20 minutes'",
            "external_user_id::int % 3 > 0",
        ),
        "UPDATE contacts SET phone = NULL, phone_key = NULL WHERE external_user_id::int % 2 = 0",
        "UPDATE contacts SET name = 'Ana-Łucía O''Brien ' || external_user_id WHERE external_user_id::int % 3 = 0",
        "UPDATE contacts SET external_user_id = external_user_id::int + 0 WHERE external_user_id::int > 50",
        "UPDATE contacts SET name = NULL WHERE external_user_id::int % 9 = 0",
        "UPDATE contacts SET email = 'Ñ' || external_user_id || '@Y.com' WHERE external_user_id::int > 40",
        "UPDATE contacts SET id = md5(id::text)::uuid, blocked = true WHERE external_user_id::int < 10",
        &set_last_message(
            "last_message_at - interval '30 minutes'",
            "external_user_id::int % 2 = 0",
        ),
        "UPDATE contacts SET last_message_at = NULL WHERE external_user_id::int % 5 = 0",
        "DELETE FROM contacts WHERE external_user_id::int BETWEEN 20 AND 29",
        "DELETE FROM contacts WHERE external_user_id::int < 30",
        "TRUNCATE contacts",
    ] {
        connection.batch_execute(write).unwrap();
        assert_eq!(database.count(missing), 0, "{write}");
        assert_eq!(database.count(unknown_words), 0, "{write}");
        assert_eq!(database.count(newest_contacts::DIFFERENCES), 0, "{write}");
        most = most.max(database.count("SELECT count(*) AS count FROM contact_texts"));
        most_newest = most_newest.max(database.count("SELECT count(*) AS count FROM contacts_newest"));
    }
    assert_eq!((most, most_newest), (60, 29));
}
