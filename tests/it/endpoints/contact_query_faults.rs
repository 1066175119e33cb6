//! `GET /api/v1/search`: queries that are refused, and texts that other programs would run as a command or a pattern.

use chrono::TimeDelta;
use contact_search::domain::key::Scope;

use crate::support::app::{add_key, encode, revoke};
use crate::support::contact_query::calls::{ask, ids, page, search, target};
use crate::support::{Answer, Contact, TestApp};

/// The code and the parameter at fault of a problem document with this status.
#[track_caller]
fn problem(answer: &Answer, status: u16) -> (String, Option<String>) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{answer:?}"
    );
    let body = answer.json();
    assert_eq!(body["status"], status, "{body}");
    let code = body["code"].as_str().expect("a code").to_owned();
    assert_eq!(body["type"], format!("/errors#{code}"), "{body}");
    (code, body["param"].as_str().map(str::to_owned))
}

#[test]
fn a_query_without_words_or_with_too_much_is_refused() {
    let app = TestApp::start();
    for (query, code, param) in [
        ("", "parameter-missing", "q"),
        ("q", "parameter-missing", "q"),
        ("q=", "parameter-missing", "q"),
        ("q=+%20%09", "parameter-missing", "q"),
        ("q=%E3%80%80", "parameter-missing", "q"),
        ("text=ana", "parameter-missing", "q"),
        ("q=a%00b", "parameter-invalid", "q"),
        ("q=%FF", "parameter-invalid", "q"),
        ("q=%C3", "parameter-invalid", "q"),
        ("q=%zz", "parameter-invalid", "q"),
        ("q=a&q=a", "parameter-repeated", "q"),
        ("q=a&cursor=x&cursor=x", "parameter-repeated", "cursor"),
        ("q=a&cursor=x", "cursor-invalid", "cursor"),
        ("q=a&cursor=%FF", "parameter-invalid", "cursor"),
        ("q=a&cursor=%00", "parameter-invalid", "cursor"),
    ] {
        let answer = app.get(&format!("/api/v1/search?{query}"));
        let expected = (code.to_owned(), Some(param.to_owned()));
        assert_eq!(problem(&answer, 400), expected, "{query}");
    }
    let too_long = (String::from("parameter-too-long"), Some(String::from("q")));
    assert_eq!(problem(&ask(&app, &"a".repeat(257)), 400), too_long);
    assert_eq!(problem(&ask(&app, &"é".repeat(129)), 400), too_long);
    assert_eq!(ask(&app, &"a".repeat(256)).status, 200);
    assert_eq!(ask(&app, &"é".repeat(128)).status, 200);
}

#[test]
fn ten_words_are_answered_and_eleven_are_refused() {
    let app = TestApp::start();
    let words: Vec<String> = (0..11).map(|number| format!("w{number}x")).collect();
    assert_eq!(ask(&app, &words[..10].join(" ")).status, 200);
    let (_, param) = problem(&ask(&app, &words.join(" ")), 400);
    assert_eq!(param.as_deref(), Some("q"));
}

#[test]
fn a_changed_cursor_is_refused_or_answered_but_never_fails() {
    let app = TestApp::start();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Ana', n FROM generate_series(1, 21) AS n",
        app.client
    ));
    let (_, cursor) = page(&app, "ana", None);
    let cursor = cursor.expect("a second page");
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.~".contains(character);
    assert!(
        cursor.chars().all(is_plain),
        "an address can hold the cursor as it is: {cursor}"
    );
    let mut refused = 0;
    let mut check = |changed: &str| {
        let answer = app.get(&target("ana", Some(changed)));
        assert!([200, 400].contains(&answer.status), "{changed}: {answer:?}");
        if answer.status == 400 {
            assert_eq!(problem(&answer, 400).0, "cursor-invalid", "{changed}");
            refused += 1;
        }
    };
    for at in 0..cursor.len() {
        check(&cursor[..at]);
        for other in ["0", "z", "-", " ", "é"] {
            check(&format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]));
        }
    }
    for appended in ["0", "z", "=", "\u{301}"] {
        check(&format!("{cursor}{appended}"));
    }
    check(&"9".repeat(200));
    assert!(refused > cursor.len(), "a shorter cursor is refused: {refused}");
    // The cursor of another query is refused or answered.
    let other = app.get(&target("anabel", Some(&cursor)));
    assert!([200, 400].contains(&other.status), "{other:?}");
}

#[test]
fn a_missing_or_wrong_key_is_401_and_a_missing_scope_is_403() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let expired = add_key(&mut connection, app.client, &Scope::ALL, Some(TimeDelta::seconds(-1)));
    let revoked = add_key(&mut connection, app.client, &Scope::ALL, None);
    revoke(&mut connection, &revoked);
    let other_scopes = add_key(&mut connection, app.client, &[Scope::Lookup, Scope::Write], None);
    let only_search = add_key(&mut connection, app.client, &[Scope::Search], None);
    let target = "/api/v1/search?q=ana";
    for (headers, code) in [
        (vec![], "key-missing"),
        (vec![("X-API-Key", "mindo_000000000000000000000000")], "key-invalid"),
        (vec![("X-API-Key", "malformed")], "key-invalid"),
        (vec![("X-API-Key", &app.key), ("X-API-Key", &app.key)], "key-invalid"),
        (vec![("X-API-Key", &expired)], "key-invalid"),
        (vec![("X-API-Key", &revoked)], "key-invalid"),
    ] {
        let answer = app.server.send("GET", target, &headers);
        assert_eq!(problem(&answer, 401).0, code, "{headers:?}");
    }
    // The key counts before the query.
    assert_eq!(problem(&app.server.get("/api/v1/search", None), 401).0, "key-missing");
    assert_eq!(
        problem(&app.server.get(target, Some(&other_scopes)), 403).0,
        "scope-missing"
    );
    assert_eq!(app.server.get(target, Some(&only_search)).status, 200);
    let answer = app.server.send("POST", target, &[("X-API-Key", &app.key)]);
    assert_eq!(problem(&answer, 405).0, "method-not-allowed");
}

#[test]
fn a_refusal_never_repeats_the_query() {
    let app = TestApp::start();
    let eleven = (0..11)
        .map(|number| format!("canary{number}"))
        .collect::<Vec<_>>()
        .join("+");
    for query in [
        "q=canary%00",
        "q=canary%FF",
        "q=canary%zz",
        "q=canary&q=canary",
        "q=a&cursor=canary",
        &format!("q={eleven}"),
        &format!("q=canary{}", "a".repeat(256)),
    ] {
        let answer = app.get(&format!("/api/v1/search?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(!answer.body.contains("canary"), "{}", answer.body);
    }
}

/// Texts that are patterns, operators or commands elsewhere.
const HOSTILE: [&str; 30] = [
    "%",
    "_",
    "\\",
    "\\\\",
    "a%",
    "%a%",
    "_na",
    "an_",
    "a\\",
    "\\a",
    "'",
    "''",
    "\"",
    "\\'",
    "' OR 1=1 --",
    "'; DROP TABLE contacts; --",
    "& | !",
    "a & b",
    "a|b",
    "!a",
    "a:*",
    ":*",
    "a <-> b",
    "<->",
    "a:A",
    "(a",
    "$1",
    "{a,b}",
    "\u{1}a",
    "NULL",
];

/// A server, and a client with as many contacts that no test searches for. The server searches a client with more than
/// 4,000 contacts in another way.
fn app_with_others(others: usize) -> TestApp {
    let app = TestApp::start();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, email)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Zoe Ku', 'p' || n || 'p@k.net'
         FROM generate_series(1, {others}) AS n",
        app.client
    ));
    app.sql("ANALYZE contacts");
    app
}

#[test]
fn patterns_and_operators_are_literal_texts() {
    for others in [10, 4_100] {
        let app = app_with_others(others);
        for text in HOSTILE {
            let answer = ask(&app, text);
            assert!([200, 400].contains(&answer.status), "{text:?}: {answer:?}");
            let found = answer.json()["results"].as_array().map_or(0, Vec::len);
            assert_eq!(found, 0, "{text:?} is in no contact");
        }
    }
}

#[test]
fn marks_in_stored_emails_are_found_literally() {
    let cases = [
        ("100%x@a.com", vec!["100%", "%x", "%", "0%X@a"]),
        ("a_b@a.com", vec!["a_b", "_", "_B@"]),
        (r"c\d@a.com", vec![r"c\d", r"\", r"\D"]),
        ("o'hara@a.com", vec!["o'hara", "hara", "o'h"]),
        ("x|y&z!@a.com", vec!["x|y", "|", "&", "y&z!@"]),
        ("w:*q@a.com", vec!["w:*", ":*", "*q"]),
        ("<->@b.org", vec!["->@b", "b.org"]),
        ("two\"quotes@a.com", vec!["two\"quotes", "o\"q"]),
    ];
    for others in [10, 4_100] {
        let app = app_with_others(others);
        let add = |email| {
            let contact = Contact {
                email: Some(email),
                ..Contact::default()
            };
            app.add(contact).id
        };
        let ids_of: Vec<String> = cases.iter().map(|(email, _)| add(email)).collect();
        for ((email, typed), id) in cases.iter().zip(&ids_of) {
            for text in typed {
                assert_eq!(ids(&app, text), [id.as_str()], "{text} in {email}, {others} others");
            }
        }
    }
}

#[test]
fn names_with_marks_of_other_languages_are_stored_and_found() {
    let app = TestApp::start();
    for (stored, typed) in [
        ("Robert'); DROP TABLE contacts;--", "robert drop"),
        ("a\\b c%d", "c%d"),
        ("100% Ana", "100 ana"),
        ("<script>alert(1)</script>", "script"),
        ("tab\tname", "tab name"),
        ("\u{202e}Evil", "\u{202e}evil"),
    ] {
        app.sql("DELETE FROM contacts");
        let contact = Contact {
            name: Some(stored),
            external_user_id: Some("7"),
            ..Contact::default()
        };
        app.add(contact);
        let results = search(&app, typed);
        assert_eq!(results.len(), 1, "{typed:?} finds {stored:?}");
        assert_eq!(results[0]["name"], stored);
    }
    // A query of any bytes gets an answer or a refusal.
    for byte in 1..=127_u8 {
        let text = char::from(byte).to_string();
        for typed in [text.clone(), format!("a{text}b"), format!("{text}{text} a")] {
            let answer = app.get(&format!("/api/v1/search?q={}", encode(&typed)));
            assert!([200, 400].contains(&answer.status), "{typed:?}: {answer:?}");
        }
    }
}
