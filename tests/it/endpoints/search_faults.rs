//! `GET /api/public/contacts/search`: contacts that exist, asked for in the way people type and paste.

use std::collections::HashMap;

use contact_search::domain::key::Scope;
use contact_search::store::clients;
use serde_json::json;

use crate::support::app::{add_key, encode};
use crate::support::contact_api::{UPSERT, upsert};
use crate::support::{Contact, TestApp};

/// The ids that a search finds with parameters such as `phone=1&email=a b`, which are not encoded.
fn found(app: &TestApp, key: &str, parameters: &str) -> Vec<String> {
    let parameters: Vec<String> = parameters
        .split('&')
        .map(|parameter| parameter.split_once('=').expect("a name and a value"))
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let target = format!("/api/public/contacts/search?{}", parameters.join("&"));
    app.server.get(&target, Some(key)).ids()
}

/// Adds sixty contacts with newer messages, whose phone or email is longer than the text and contains it.
fn add_neighbours(app: &TestApp, client: &str, text: &str) {
    let column = if text.contains('@') {
        "email, "
    } else {
        "phone, phone_key, "
    };
    let value = match text.contains('@') {
        true => format!("'x' || n || '.{text}'"),
        false => format!("'+{text}' || n, '{text}' || n"),
    };
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, {column} external_user_id, last_message_at)
         SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                {value}, n, timestamptz '2025-01-01' + n * interval '1 minute'
         FROM generate_series(1, 60) AS n"
    ));
}

#[test]
fn the_cases_in_search_faults_tsv_hold() {
    let app = TestApp::start();
    let mut keys: HashMap<String, (String, String)> = HashMap::new();
    let table = include_str!("../../data/search-faults.tsv");
    for line in table.lines().skip(1) {
        let [_, region, stored, neighbours, asked, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("six columns: {line}");
        };
        let (client, key) = keys.entry(region.to_owned()).or_insert_with(|| {
            let mut connection = app.database.connect();
            let client = clients::create_client(&mut connection, region, region.parse().unwrap()).unwrap();
            (client.to_string(), add_key(&mut connection, client, &Scope::ALL, None))
        });
        app.sql("DELETE FROM contacts");
        let member = match stored.starts_with(['+', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
            true => "contact_phone_number",
            false => "contact_email",
        };
        let id = (stored != "-").then(|| {
            let body = json!({"channel": "other", member: stored}).to_string();
            let answer = app.server.send_json("POST", UPSERT, Some(key), body.as_bytes());
            assert_eq!(answer.status, 200, "{line}: {}", answer.body);
            answer.json()["id"].as_str().unwrap().to_owned()
        });
        if !neighbours.is_empty() {
            add_neighbours(&app, client, neighbours);
        }
        let ids = found(&app, key, asked);
        match (expected, id) {
            ("nobody", _) => assert_eq!(ids, [""; 0], "{line}"),
            ("found", Some(id)) if neighbours.is_empty() => assert_eq!(ids, [id], "{line}"),
            ("found", Some(id)) => assert!(ids.contains(&id) && ids.len() <= 50, "{line}: {}", ids.len()),
            _ => panic!("{line}"),
        }
    }
}

#[test]
fn an_email_with_digits_sent_as_phone_and_as_email_finds_the_contact_with_that_email() {
    let app = TestApp::start();
    add_neighbours(&app, &app.client.to_string(), "1985");
    for number in 0..40 {
        let email = format!("maria{}@example{}.com", 1985 + number % 3, number);
        let id = upsert(&app, json!({"channel": "other", "contact_email": email}))["id"].clone();
        for text in [&email, &email[..email.len() - 4]] {
            let ids = found(&app, &app.key, &format!("phone={text}&email={text}"));
            assert!(ids.iter().any(|found| id == *found), "{text}");
        }
    }
    let stranger = "maria1985@nowhere.example";
    assert_eq!(
        found(&app, &app.key, &format!("phone={stranger}&email={stranger}")),
        [""; 0]
    );
    assert_eq!(found(&app, &app.key, "phone=maria1985").len(), 50, "the digits alone");
}

#[test]
fn an_exact_email_or_number_is_not_cut_off_by_fifty_newer_contacts_and_the_order_stays_by_recency() {
    let app = TestApp::start();
    let client = app.client.to_string();
    let add = |contact: Contact| app.add(contact).id;
    let email = add(Contact {
        email: Some("ana@example.com"),
        platform: "sms",
        ..Contact::default()
    });
    let other = add(Contact {
        email: Some("ANA@example.com"),
        platform: "webchat",
        last_message_at: "'2020-01-01'",
        ..Contact::default()
    });
    let phone = add(Contact {
        phone: Some("411"),
        ..Contact::default()
    });
    add_neighbours(&app, &client, "ana@example.com");
    app.sql("UPDATE contacts SET external_user_id = 'e' || external_user_id WHERE email LIKE 'x%'");
    add_neighbours(&app, &client, "411");
    let newest: Vec<String> = found(&app, &app.key, "email=.ana@exampl");
    assert_eq!(newest.len(), 50);
    let ids = found(&app, &app.key, "email=ana@example.com");
    assert_eq!(ids[..48], newest[..48], "the newest contacts come first");
    assert_eq!(
        ids[48..],
        [other.clone(), email.clone()],
        "contacts without messages come last"
    );
    let ids = found(&app, &app.key, "phone=411");
    assert_eq!((ids.len(), ids.last()), (50, Some(&phone)));
    let ids = found(&app, &app.key, "phone=411&email=ana@example.com");
    assert_eq!(ids.len(), 50);
    for exact in [&email, &other, &phone] {
        assert!(ids.contains(exact), "both parameters");
    }
}

#[test]
fn a_contact_appears_while_its_argentine_number_is_typed() {
    let app = TestApp::start();
    for (number, terms) in [
        (
            "+5491124024856",
            [
                "011 15-2402-4856",
                "+54 11 15 2402-4856",
                "0054 9 11 2402-4856",
                "5491124024856",
            ],
        ),
        (
            "+5492235961983",
            [
                "0223 15-596-1983",
                "+54 223 596-1983",
                "54 0223 15 5961983",
                "(0223) 596-1983",
            ],
        ),
        (
            "+5492901412345",
            [
                "02901 15-41-2345",
                "+54 2901 41-2345",
                "2901 15 412345",
                "9 2901 41 2345",
            ],
        ),
    ] {
        let id = app
            .add(Contact {
                phone: Some(number),
                ..Contact::default()
            })
            .id;
        for term in terms {
            // A single digit can be the trunk prefix, which no stored number contains.
            let starts = term.char_indices().map(|(at, _)| &term[..=at]);
            for start in starts.filter(|start| start.bytes().filter(u8::is_ascii_digit).count() > 1) {
                // `00` is the international prefix, which no stored number contains.
                if start != "00" {
                    assert!(
                        found(&app, &app.key, &format!("phone={start}")).contains(&id),
                        "{number} by {start:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_blank_in_an_email_is_searched_as_a_plus_first_and_then_as_a_blank() {
    let app = TestApp::start();
    let blank = app
        .add(Contact {
            email: Some("ana maria@example.com"),
            ..Contact::default()
        })
        .id;
    assert_eq!(found(&app, &app.key, "email=ana maria@example.com"), [&*blank]);
    let plus = app
        .add(Contact {
            email: Some("ana+maria@example.com"),
            ..Contact::default()
        })
        .id;
    assert_eq!(
        found(&app, &app.key, "email=ana maria@example.com"),
        [plus],
        "a plus was found"
    );
    assert_eq!(found(&app, &app.key, "email=a ma").len(), 1);
    app.sql("DELETE FROM contacts WHERE email LIKE 'ana+%'");
    let phone = app
        .add(Contact {
            phone: Some("+5491124024856"),
            last_message_at: "now()",
            ..Contact::default()
        })
        .id;
    assert_eq!(
        found(&app, &app.key, "phone=2402&email=ana maria"),
        [phone, blank],
        "beside a phone"
    );
}

#[test]
fn an_email_that_was_stored_before_emails_were_cleaned_is_found_by_its_old_text() {
    let app = TestApp::start();
    for email in [
        "jose\u{301}@example.com",
        "ana\u{200B}@example.com",
        "Ana <ana@mail.example>,",
        "N/A",
        "ana",
    ] {
        let id = app
            .add(Contact {
                email: Some(email),
                ..Contact::default()
            })
            .id;
        assert_eq!(found(&app, &app.key, &format!("email={email}")), [id], "{email:?}");
        app.sql("DELETE FROM contacts");
    }
}
