//! `GET /api/public/contacts`: contacts with recent messages, page by page.

use crate::support::contact_api::{UNKNOWN_ID, info, refusal};
use crate::support::database::count;
use crate::support::{Contact, TestApp};

#[test]
fn contacts_with_a_message_in_the_last_days_are_listed_newest_first() {
    let app = TestApp::start();
    let add = |email, last_message_at| {
        app.add(Contact {
            email: Some(email),
            last_message_at,
            ..Contact::default()
        })
        .id
    };
    let yesterday = add("a@x.com", "now() - interval '23 hours'");
    add("b@x.com", "null");
    let last_year = add("c@x.com", "now() - interval '364 days 23 hours'");
    let just_now = add("d@x.com", "now() + interval '4 minutes'");
    add("e@x.com", "now() - interval '365 days 1 minute'");
    let last_week = add("f@x.com", "now() - interval '6 days 23 hours'");
    let ask = |days: u16| app.get(&format!("/api/public/contacts?days={days}"));
    assert_eq!(ask(1).ids(), [just_now.clone(), yesterday.clone()]);
    assert_eq!(ask(7).ids(), [just_now.clone(), yesterday.clone(), last_week.clone()]);
    assert_eq!(ask(365).ids(), [just_now, yesterday, last_week, last_year.clone()]);
    assert_eq!(ask(365).json()[3], info(&app, &last_year).json());
    assert_eq!(ask(365).header("link"), None);
    assert_eq!(app.get("/api/public/contacts/?days=1").status, 200);
}

#[test]
fn invalid_parameters_of_recent_contacts_are_400() {
    let app = TestApp::start();
    let between = "The parameter 'days' should be a whole number from 1 to 365.";
    let cursor = "The parameter 'cursor' is not a cursor of this server. Copy it unchanged from the previous answer.";
    let good = format!("{:016x}{}", 1_700_000_000_000_000_i64, UNKNOWN_ID.replace('-', ""));
    let path = "/api/public/contacts";
    assert_eq!(app.get(&format!("{path}?days=7&cursor={good}")).status, 200);
    for (query, message) in [
        ("", "Give the parameter 'days'."),
        ("days=", "Give the parameter 'days'."),
        ("days=0", between),
        ("days=366", between),
        ("days=1.5", between),
        ("days=%2B7", between),
        ("days=-1", between),
        ("days=week", between),
        (
            "days=1&days=1",
            "The parameter 'days' appears more than once. Send it once.",
        ),
        ("days=%00", "The parameter 'days' has a NUL character. Leave it out."),
        ("days=7&cursor=", cursor),
        ("days=7&cursor=abc", cursor),
        (&format!("days=7&cursor={good}0"), cursor),
        (&format!("days=7&cursor={}", good.to_uppercase()), cursor),
        (&format!("days=7&cursor=7fffffffffffffff{}", &good[16..]), cursor),
        (&format!("days=7&cursor=8000000000000000{}", &good[16..]), cursor),
        (&format!("days=7&cursor={}%C3%A9{}", &good[..15], &good[17..]), cursor),
    ] {
        assert_eq!(refusal(&app.get(&format!("{path}?{query}"))), message, "{query}");
    }
    let twice = app.get(&format!("{path}?days=7&cursor={good}&cursor={good}"));
    assert_eq!(
        refusal(&twice),
        "The parameter 'cursor' appears more than once. Send it once."
    );
}

#[test]
fn following_the_links_shows_each_contact_once_and_reads_only_the_index() {
    let app = TestApp::start();
    // 2,500 contacts with the same time, 2,499 with different times, and 25,001 older ones that no page may scan.
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT '{client}', gen_random_uuid(), id, 'c' || n || '@x.com',
                CASE WHEN n <= 2500 THEN now() - interval '1 day'
                     WHEN n <= 4999 THEN now() - n * interval '30 seconds'
                     ELSE now() - interval '40 days' END
         FROM contact_lists, generate_series(1, 30000) n",
        client = app.client
    ));
    app.sql("ANALYZE contacts");
    let mut seen = Vec::new();
    let mut next = Some("/api/public/contacts?days=30".to_owned());
    let mut pages = 0;
    while let Some(target) = next {
        let answer = app.get(&target);
        assert_eq!(answer.status, 200, "{answer:?}");
        let contacts = answer.json();
        let contacts = contacts.as_array().unwrap();
        pages += 1;
        assert_eq!(contacts.len(), if pages < 5 { 1_000 } else { 999 });
        for contact in contacts {
            let time = contact["last_message_at"].as_str().unwrap().to_owned();
            seen.push((std::cmp::Reverse(time), contact["id"].as_str().unwrap().to_owned()));
        }
        next = answer.header("link").map(|link| {
            let target = link
                .strip_prefix('<')
                .and_then(|link| link.strip_suffix(">; rel=\"next\""));
            target.expect("a link to the next page").to_owned()
        });
    }
    assert_eq!((pages, seen.len()), (5, 4_999));
    assert!(seen.is_sorted(), "contacts are ordered newest first, then by id");
    seen.dedup();
    assert_eq!(seen.len(), 4_999);

    // PostgreSQL can delay the statistics of a connection until the connection closes.
    let TestApp { server, database, .. } = app;
    drop(server);
    // The name of a shard's table or index has a number.
    let mut connection = database.connect_to_contacts();
    let mut scans = |sql: &str| {
        let sql = format!("SELECT coalesce(sum({sql})::bigint, 0) AS count FROM pg_stat_user_indexes");
        count(&mut connection, &sql)
    };
    let began = std::time::Instant::now();
    while scans("idx_scan) FILTER (WHERE indexrelname ~ '^contacts_recent(_[0-9]+)?$'") < 9 {
        assert!(began.elapsed().as_secs() < 20, "the index contacts_recent is not used");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let others = "idx_tup_read) FILTER (WHERE relname ~ '^contacts(_[0-9]+)?$' AND indexrelname !~ '^contacts_recent'";
    assert_eq!(scans(others), 0, "no other index may be used");
    let read = scans("idx_tup_read) FILTER (WHERE indexrelname ~ '^contacts_recent'");
    assert!(read < 12_000, "a page must not read the rows of earlier pages: {read}");
}
