//! `contact-search search`: the results of `GET /api/v1/search`, as a table and as JSON.

use serde_json::{Value, json};

use crate::support::app::on_terminal;
use crate::support::command::{error_of, run_on, stdout};
use crate::support::contact_query::calls;
use crate::support::{Contact, TestApp, TestDatabase};

/// A server with the contacts of most tests. Its client is `Test`.
fn app() -> TestApp {
    let app = TestApp::start();
    app.add(Contact {
        name: Some("María González"),
        phone: Some("+5492235961983"),
        email: Some("maria@example.com"),
        external_user_id: Some("CRM-7001"),
        last_message_at: "'2026-11-28T10:00:00Z'",
        ..Contact::default()
    });
    app.add(Contact {
        name: Some("Mario"),
        platform: "sms",
        email: Some("mario@example.com"),
        ..Contact::default()
    });
    app
}

fn search(database: &TestDatabase, arguments: &[&str]) -> String {
    stdout(run_on(database, &[&["search", "--client", "Test"], arguments].concat()))
}

#[test]
fn the_table_has_the_contact_and_why_it_matches() {
    let app = app();
    assert_eq!(
        search(&app.database, &["gonzales", "maria", "1983"]),
        "NAME            PHONE           EMAIL              CHANNEL   LAST MESSAGE       MATCHED BY\n\
         María González  +5492235961983  maria@example.com  whatsapp  2026-11-28 10:00Z  \
         gonzales: name similar; maria: name exact, email prefix; 1983: phone contains\n"
    );
    // An exact name comes before a similar one.
    assert_eq!(
        search(&app.database, &["name:mario"]),
        "NAME            PHONE           EMAIL              CHANNEL   LAST MESSAGE       MATCHED BY\n\
         Mario           -               mario@example.com  sms       never              mario: name exact\n\
         María González  +5492235961983  maria@example.com  whatsapp  2026-11-28 10:00Z  mario: name similar\n"
    );
    let by_id = search(&app.database, &["crm-7"]);
    assert!(by_id.ends_with("crm-7: external id prefix (CRM-7001)\n"), "{by_id}");
}

#[test]
fn the_words_can_be_one_argument_or_several() {
    let app = app();
    let one = search(&app.database, &["maria 0223 15-596-1983"]);
    assert!(one.contains("0223 15-596-1983: phone equivalent"), "{one}");
    assert_eq!(search(&app.database, &["maria", "0223", "15-596-1983"]), one);
    let pasted = search(&app.database, &["\"González, María\" <maria@example.com>"]);
    assert!(pasted.contains("+5492235961983"), "{pasted}");
}

#[test]
fn json_has_the_results_of_the_api() {
    let app = app();
    for query in ["maria", "gonzales 1983", "crm-7001", "mar", "nobody"] {
        let printed: Value = serde_json::from_str(&search(&app.database, &[query, "--json"])).expect("JSON");
        assert_eq!(printed, json!(calls::search(&app, query)), "{query}");
    }
}

#[test]
fn a_limit_shortens_the_result_and_standard_error_says_that_more_contacts_match() {
    let app = app();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Ana', n FROM generate_series(1, 50) AS n",
        app.client
    ));
    let more = "More contacts match. Print more with --limit.\n";
    for (options, count, explanation) in [
        (&[][..], 20, more),
        (&["--limit", "1"], 1, more),
        (&["--limit", "49"], 49, more),
        (&["--limit", "50"], 50, ""),
        (&["--limit", "1000"], 50, ""),
    ] {
        for format in [&["--json"][..], &[]] {
            let arguments = [&["search", "ana", "--client", "Test"], options, format].concat();
            let output = run_on(&app.database, &arguments);
            assert_eq!(output.stderr, explanation, "{arguments:?}");
            let printed = stdout(output);
            let printed = match format {
                [] => printed.lines().count() - 1,
                _ => serde_json::from_str::<Vec<Value>>(&printed).expect("an array").len(),
            };
            assert_eq!(printed, count, "{arguments:?}");
        }
    }
    for limit in ["0", "1001", "-1", "x"] {
        let output = run_on(&app.database, &["search", "ana", "--client", "Test", "--limit", limit]);
        assert_eq!(output.status, Some(2), "{limit}: {}", output.stderr);
    }
}

#[test]
fn no_match_and_a_wrong_query_are_explained_on_standard_error() {
    let app = app();
    let nobody = run_on(&app.database, &["search", "nobody", "--client", "Test"]);
    assert_eq!(
        (nobody.status, nobody.stdout.as_str(), nobody.stderr.as_str()),
        (Some(0), "", "No contact matches.\n")
    );
    let empty = error_of(run_on(&app.database, &["search", " ", "--client", "Test"]));
    assert!(empty.contains("the text has nothing to search for"), "{empty}");
    let long = error_of(run_on(
        &app.database,
        &["search", "a b c d e f g h i j k", "--client", "Test"],
    ));
    assert!(long.contains("the text has more than 10 words"), "{long}");
    let unknown = error_of(run_on(&app.database, &["search", "ana", "--client", "Nobody"]));
    assert!(unknown.contains("contact-search client list"), "{unknown}");
    assert_eq!(run_on(&app.database, &["search", "--client", "Test"]).status, Some(2));
}

#[test]
fn a_name_can_not_drive_the_terminal_that_shows_it() {
    let app = TestApp::start();
    app.add(Contact {
        name: Some("Ana\u{1b}[2J\nforged\u{202e}"),
        external_user_id: Some("id\u{9b}31m"),
        ..Contact::default()
    });
    let (status, shown) = on_terminal(&app.database, "search ana id --client Test");
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("Ana\\u{1b}[2J\\nforged\\u{202e}"), "{shown}");
    assert!(shown.contains("id: external id prefix (id\\u{9b}31m)"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{shown:?}");
    let json = search(&app.database, &["ana", "--json"]);
    assert!(
        json.contains("\\u001b") && !json.contains(['\u{1b}', '\u{202e}']),
        "{json}"
    );
}
