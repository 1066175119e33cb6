//! `GET /api/public/contacts/search`: the cases of the contract, one by one.

use chrono::TimeDelta;
use contact_search::domain::key::Scope;
use serde_json::{Value, json};

use crate::support::app::{add_key, encode, revoke};
use crate::support::{Answer, Contact, TestApp};

fn search(app: &TestApp, query: &str) -> Answer {
    app.get(&format!("/api/public/contacts/search?{query}"))
}

fn refusal(status: u16, message: &str, error: &str) -> String {
    format!(r#"{{"statusCode":{status},"message":"{message}","error":"{error}"}}"#)
}

#[test]
fn a_contact_has_the_13_documented_members_in_the_documented_order() {
    let app = TestApp::start();
    let added = app.add(Contact {
        name: Some("John Doe"),
        phone: Some("+56912345678"),
        email: Some("john@example.com"),
        created_at: "'2024-01-15T10:00:00Z'",
        last_message_at: "'2024-09-30T10:00:00.123456Z'",
        ..Contact::default()
    });
    app.sql(
        "UPDATE contacts SET chat_status = 'ATTENDED', ai_customer_id = '11111111-1111-1111-1111-111111111111',
                default_stage_id = '22222222-2222-2222-2222-222222222222'",
    );
    let answer = search(&app, "email=john%40example.com");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let (id, client) = (added.id, app.client);
    assert_eq!(
        answer.body,
        format!(
            r#"[{{"id":"{id}","name":"John Doe","phone":"+56912345678","email":"john@example.com","platform":"whatsapp","last_message_at":"2024-09-30T10:00:00.123Z","chat_status":"ATTENDED","created_at":"2024-01-15T10:00:00.000Z","client_id":"{client}","ai_customer_id":"11111111-1111-1111-1111-111111111111","default_stage_id":"22222222-2222-2222-2222-222222222222","blocked":false,"is_chat_read":true}}]"#
        )
    );
}

#[test]
fn missing_values_of_a_contact_are_null() {
    let app = TestApp::start();
    app.add(Contact {
        email: Some("a@example.com"),
        ..Contact::default()
    });
    app.add(Contact {
        phone: Some("+56912345678"),
        ..Contact::default()
    });
    for (query, missing) in [("email=a%40", "phone"), ("phone=569", "email")] {
        let contact = &search(&app, query).json()[0];
        for member in [missing, "name", "last_message_at", "ai_customer_id", "default_stage_id"] {
            assert_eq!(contact[member], Value::Null, "{query} {member}");
        }
    }
}

#[test]
fn the_trailing_slash_of_the_search_is_optional() {
    let app = TestApp::start();
    for path in ["/api/public/contacts/search", "/api/public/contacts/search/"] {
        let answer = app.get(&format!("{path}?email=a"));
        assert_eq!((answer.status, answer.body.as_str()), (200, "[]"), "{path}");
    }
}

#[test]
fn a_phone_is_found_by_any_substring_of_its_digits() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            phone: Some("+56912345678"),
            ..Contact::default()
        })
        .id;
    let terms = [
        "12345678",
        "+569",
        "56912345",
        "%2B56912345678",
        "(569)%201234-5678",
        "9",
        "%D9%A1%D9%A2%D9%A3", // 123 in Arabic-Indic digits
        "phone%3A%20569",
    ];
    for term in terms {
        assert_eq!(search(&app, &format!("phone={term}")).ids(), [id.as_str()], "{term}");
    }
    for term in ["568", "123456789", "87654321"] {
        assert_eq!(search(&app, &format!("phone={term}")).body, "[]", "{term}");
    }
}

#[test]
fn a_complete_number_in_any_notation_is_found_by_its_match_key() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            phone: Some("+5492235961983"),
            ..Contact::default()
        })
        .id;
    let fixed = app
        .add(Contact {
            phone: Some("+542235961983"),
            platform: "sms",
            ..Contact::default()
        })
        .id;
    let mut both = [id, fixed];
    both.sort();
    for term in [
        "54223155961983",
        "0223 15-596-1983",
        "+54 223 15-596-1983",
        "+5492235961983",
        "5492235961983@c.us",
    ] {
        assert_eq!(search(&app, &format!("phone={}", encode(term))).ids(), both, "{term}");
    }
}

#[test]
fn an_email_is_found_by_any_substring_ignoring_case() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            email: Some("John.Doe+crm@Anywhere.example"),
            ..Contact::default()
        })
        .id;
    for term in [
        "john",
        "JOHN",
        "doe",
        ".",
        "@",
        "n.d",
        "@anywhere",
        "ANYWHERE.EXAMPLE",
        "doe%2Bcrm",
        "doe+crm",
        "%20john%20",
        "john.doe%2bcrm%40anywhere.example",
    ] {
        assert_eq!(search(&app, &format!("email={term}")).ids(), [id.as_str()], "{term}");
    }
    for term in ["johnd", "anywhere.com", "%25", "_", "%5C", "j%25n", "joh_"] {
        assert_eq!(search(&app, &format!("email={term}")).body, "[]", "{term}");
    }
}

#[test]
fn percent_underscore_and_backslash_are_literal() {
    let app = TestApp::start();
    let add = |email| {
        app.add(Contact {
            email: Some(email),
            ..Contact::default()
        })
        .id
    };
    let ids = [add("100%@example.com"), add("a_b@example.com"), add(r"c\d@example.com")];
    add("plain@example.com");
    for (term, id) in ["%25", "_", "%5C"].into_iter().zip(&ids) {
        let answer = search(&app, &format!("email={term}"));
        assert_eq!((answer.status, answer.ids()), (200, vec![id.clone()]), "{term}");
    }
    assert_eq!(search(&app, "email=d%5C").body, "[]", "a trailing backslash");
    assert_eq!(search(&app, "email=%5C%25").body, "[]");
}

#[test]
fn letters_beyond_ascii_are_case_insensitive_too() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            email: Some("PEÑA@éxample.com"),
            ..Contact::default()
        })
        .id;
    for term in ["peña", "PEÑA", "ÉXA", "ñ"] {
        assert_eq!(
            search(&app, &format!("email={}", encode(term))).ids(),
            [id.as_str()],
            "{term}"
        );
    }
}

#[test]
fn phone_and_email_are_combined_with_or() {
    let app = TestApp::start();
    let by_phone = app.add(Contact {
        phone: Some("+56912345678"),
        email: Some("x@example.com"),
        last_message_at: "'2024-01-01'",
        ..Contact::default()
    });
    let by_email = app.add(Contact {
        email: Some("john@example.com"),
        last_message_at: "'2024-01-02'",
        ..Contact::default()
    });
    let by_both = app.add(Contact {
        phone: Some("+56912345679"),
        email: Some("johnny@example.com"),
        last_message_at: "'2024-01-03'",
        ..Contact::default()
    });
    app.add(Contact {
        phone: Some("+5491123456789"),
        email: Some("other@example.com"),
        ..Contact::default()
    });
    assert_eq!(
        search(&app, "phone=569&email=john").ids(),
        [by_both.id, by_email.id.clone(), by_phone.id.clone()]
    );
    assert_eq!(
        search(&app, "phone=zz&email=john%40").ids(),
        [by_email.id],
        "a phone without a digit is ignored"
    );
    assert_eq!(
        search(&app, "phone=912345678&email=+").ids(),
        [by_phone.id],
        "a blank email is ignored"
    );
}

#[test]
fn without_a_search_term_the_answer_says_what_to_give() {
    let app = TestApp::start();
    let message = "Give at least one of the parameters 'phone' (with a digit in it) and 'email'.";
    for query in [
        "",
        "phone=",
        "email=",
        "phone=&email=",
        "phone=%20&email=+",
        "phone=abc",
        "phone=%2B",
        "q=john",
        "phone",
    ] {
        let answer = search(&app, query);
        assert_eq!(
            (answer.status, answer.body),
            (400, refusal(400, message, "Bad Request")),
            "{query}"
        );
    }
}

#[test]
fn contacts_are_ordered_by_latest_message_then_by_id_and_contacts_without_a_message_come_last() {
    let app = TestApp::start();
    let add = |email, last_message_at, blocked, platform| {
        app.add(Contact {
            email: Some(email),
            last_message_at,
            blocked,
            platform,
            ..Contact::default()
        })
        .id
    };
    let mut silent = [
        add("a1@x.com", "null", false, "sms"),
        add("a2@x.com", "null", true, "webchat"),
    ];
    let mut tied = [
        add("a3@x.com", "'2025-01-01'", false, "sms"),
        add("a4@x.com", "'2025-01-01'", false, "playground"),
    ];
    let latest = add("a5@x.com", "'2025-01-02'", true, "instagram");
    let oldest = add("a6@x.com", "'2020-01-01'", false, "web-whatsapp");
    silent.sort();
    tied.sort();
    let expected = [&[latest][..], &tied, &[oldest], &silent].concat();
    assert_eq!(search(&app, "email=x.com").ids(), expected);
}

#[test]
fn at_most_the_latest_50_contacts_are_returned() {
    let app = TestApp::start();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), n || '@example.com',
                timestamptz '2025-01-01' + n * interval '1 minute'
         FROM generate_series(1, 120) AS n",
        app.client
    ));
    let answer = search(&app, "email=example").json();
    let emails: Vec<&str> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["email"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (71..=120).rev().map(|n| format!("{n}@example.com")).collect();
    assert_eq!(emails, expected);
}

#[test]
fn a_limit_shortens_the_answer_and_a_header_tells_whether_more_contacts_match() {
    let app = TestApp::start();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists),
                CASE WHEN n = 1 THEN 'a@b.example' ELSE n || 'a@b.example' END || CASE WHEN n <= 50 THEN '.org' ELSE '' END,
                timestamptz '2025-01-01' + n * interval '1 minute'
         FROM generate_series(1, 60) AS n",
        app.client
    ));
    for (query, count, has_more) in [
        ("email=example", 50, "true"),
        ("email=example&limit=50", 50, "true"),
        ("email=example&limit=", 50, "true"),
        ("email=example&limit=1", 1, "true"),
        // Exactly fifty match.
        ("email=example.org", 50, "false"),
        ("email=example.org&limit=49", 49, "true"),
        ("email=60a%40&limit=1", 1, "false"),
        ("email=60a%40", 1, "false"),
        ("email=nobody&limit=1", 0, "false"),
        ("phone=777&email=60a%40&limit=1", 1, "false"),
    ] {
        let answer = search(&app, query);
        assert_eq!(
            (answer.status, answer.ids().len(), answer.header("x-has-more")),
            (200, count, Some(has_more)),
            "{query}"
        );
    }
    let all = search(&app, "email=example").ids();
    assert_eq!(search(&app, "email=example&limit=7").ids(), all[..7]);
    // The oldest contact, whose whole email is the term.
    let exact = search(&app, "email=a@b.example.org&limit=1").json();
    assert_eq!(exact[0]["email"], "a@b.example.org");
    for limit in ["0", "51", "-1", "x", "1.0", "%2B1"] {
        let answer = search(&app, &format!("email=example&limit={limit}"));
        let message = "The parameter 'limit' should be a whole number from 1 to 50.";
        assert_eq!(
            (answer.status, answer.header("x-error-code"), answer.body.as_str()),
            (
                400,
                Some("parameter-invalid"),
                refusal(400, message, "Bad Request").as_str()
            ),
            "{limit}"
        );
    }
    assert_eq!(
        search(&app, "email=example&limit=1&limit=2").header("x-error-code"),
        Some("parameter-repeated")
    );
}

#[test]
fn every_wrong_key_has_the_same_401_and_a_missing_scope_is_403() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let expired = add_key(&mut connection, app.client, &Scope::ALL, Some(TimeDelta::seconds(-1)));
    let other_scopes = add_key(&mut connection, app.client, &[Scope::Lookup, Scope::Write], None);
    let revoked = add_key(&mut connection, app.client, &Scope::ALL, None);
    revoke(&mut connection, &revoked);
    let unauthorized = refusal(
        401,
        "Send a valid API key in the X-API-Key header, once.",
        "Unauthorized",
    );
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("X-API-Key", "")],
        vec![("X-API-Key", "mindo_000000000000000000000000")],
        vec![("X-API-Key", "malformed")],
        vec![("X-API-Key", &app.key), ("X-API-Key", &app.key)],
        vec![("X-API-Key", &expired)],
        vec![("X-API-Key", &revoked)],
    ];
    for headers in cases {
        let answer = app.server.send("GET", "/api/public/contacts/search?email=a", &headers);
        assert_eq!((answer.status, answer.body), (401, unauthorized.clone()), "{headers:?}");
    }
    let answer = app
        .server
        .get("/api/public/contacts/search?email=a", Some(&other_scopes));
    let message = "Use an API key with the scope 'search'. This key has 'lookup' and 'write'.";
    assert_eq!((answer.status, answer.body), (403, refusal(403, message, "Forbidden")));
}

#[test]
fn an_internal_failure_answers_something_went_wrong_without_details() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+56912345678"),
        ..Contact::default()
    });
    app.sql("ALTER TABLE contacts RENAME COLUMN chat_status TO gone");
    let answer = search(&app, "phone=569");
    assert_eq!(
        (answer.status, answer.body),
        (500, refusal(500, "Something went wrong", "Internal Server Error"))
    );
    let log = app.server.wait_for_log(|log| log.contains("answered"));
    assert_eq!(
        log.matches("chat_status").count(),
        1,
        "the cause must be logged once: {log}"
    );
}

#[test]
fn a_refusal_never_repeats_the_query() {
    let app = TestApp::start();
    for query in [
        "email=canary%00",
        "email=canary%FF",
        "email=canary%zz",
        "email=canary&email=canary",
    ] {
        let answer = search(&app, query);
        assert_eq!(answer.status, 400, "{query}");
        assert!(!answer.body.contains("canary"), "{}", answer.body);
        assert_eq!(answer.json()["error"], json!("Bad Request"));
    }
}
