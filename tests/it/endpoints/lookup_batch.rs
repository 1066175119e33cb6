//! `POST /api/v1/contact-lookup/batch`: each result equals the single lookup's answer.

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::app::{add_key, encode};
use crate::support::{Answer, Contact, TestApp};

const PATH: &str = "/api/v1/contact-lookup/batch";

fn post(app: &TestApp, key: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX-API-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    app.server.send_raw(&[head.as_bytes(), body.as_bytes()].concat())
}

/// Looks up all phones, and checks that each has one result.
fn look_up_all(app: &TestApp, key: &str, phones: &[&str]) -> Vec<Value> {
    let answer = post(app, key, &json!({ "phones": phones }).to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let results = answer.json()["results"].as_array().expect("an array").clone();
    assert_eq!(results.len(), phones.len());
    results
}

/// The expected result: the single lookup's answer plus the phone as sent.
fn single(app: &TestApp, key: &str, phone: &str) -> Value {
    let target = format!("/api/v1/contact-lookup/?phone={}", encode(phone.trim()));
    let mut answer = app.server.get(&target, Some(key)).json();
    answer["phone"] = json!(phone);
    answer
}

#[test]
fn a_result_has_the_phone_as_sent_and_then_the_members_of_the_single_lookup() {
    let app = TestApp::start();
    let added = app.add(Contact {
        name: Some("Juan Perez"),
        phone: Some("+5492235961983"),
        created_at: "'2025-01-15T10:30:00.999Z'",
        ..Contact::default()
    });
    let list = app.database.count("SELECT contact_list_id AS count FROM contacts");
    let answer = post(&app, &app.key, r#"{"phones":["0223 15-596-1983","hola"],"more":1}"#);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let rest = r#""hasReplied":false,"lastReplyAt":null,"sessionWindowActive":false,"sessionExpiresAt":null"#;
    assert_eq!(
        answer.body,
        format!(
            r#"{{"results":[{{"phone":"0223 15-596-1983","found":true,"contact":{{"id":{},"fullName":"Juan Perez","phone":"+5492235961983","email":null,"contactListId":{list},"contactListName":"Lista Principal","source":null,"createdAt":"2025-01-15T10:30:00Z"}},{rest}}},{{"phone":"hola","found":false,"contact":null,{rest}}}]}}"#,
            added.serial_id
        )
    );
}

#[test]
fn every_row_of_the_phone_table_has_the_same_answer_as_in_the_single_lookup() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let rows: Vec<Vec<&str>> = include_str!("../../data/phone-cases.tsv")
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    let phones: Vec<&str> = rows.iter().map(|row| row[1]).collect();
    let stored: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[2]).filter(|row| *row != "-").collect();
    let mut found = 0;
    for region in ["AR", "BR", "CL", "CO", "MX", "US"] {
        let parsed: Region = region.parse().unwrap();
        let client = clients::create_client(&mut connection, region, parsed).unwrap();
        let key = add_key(&mut connection, client, &[Scope::Lookup], None);
        for phone in &stored {
            Contact {
                phone: Some(phone),
                ..Contact::default()
            }
            .add(&mut connection, client);
        }
        let results = look_up_all(&app, &key, &phones);
        for ((row, phone), result) in rows.iter().zip(&phones).zip(results) {
            assert_eq!(result, single(&app, &key, phone), "{region} {phone}");
            if row[0] == region && row[2] != "-" {
                assert_eq!(result["contact"]["phone"], row[2], "{region} {phone}");
                found += 1;
            }
        }
    }
    assert!(found > 20, "the table has too few rows");
}

#[test]
fn a_batch_finds_hidden_numbers_by_their_whatsapp_ids_like_the_single_lookup() {
    let app = TestApp::start();
    for id in ["235085806727321@lid", "98765432101234@lid"] {
        app.add(Contact {
            external_user_id: Some(id),
            last_message_at: "now() - interval '1 hour'",
            last_inbound_at: "now() - interval '1 hour'",
            ..Contact::default()
        });
    }
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    let phones = [
        "98765432101234:3@lid",
        "5491123456789",
        "77@lid",
        "235085806727321@lid",
        "98765432101234@lid",
    ];
    let results = look_up_all(&app, &app.key, &phones);
    let found: Vec<&Value> = results.iter().map(|result| &result["found"]).collect();
    assert_eq!(found, [true, true, false, true, true]);
    for (phone, result) in phones.iter().zip(results) {
        assert_eq!(result, single(&app, &app.key, phone), "{phone}");
    }
}

#[test]
fn results_keep_the_order_and_the_repetitions_of_the_phones() {
    let app = TestApp::start();
    for phone in ["+5491123456789", "+56912345678"] {
        app.add(Contact {
            phone: Some(phone),
            ..Contact::default()
        });
    }
    let phones = [
        "+56912345678",
        "x",
        "011 15 2345-6789",
        "+56912345678",
        " 5491123456789 ",
        "x",
    ];
    let results = look_up_all(&app, &app.key, &phones);
    let sent: Vec<&Value> = results.iter().map(|result| &result["phone"]).collect();
    assert_eq!(sent, phones);
    let found: Vec<Option<&str>> = results
        .iter()
        .map(|result| result["contact"]["phone"].as_str())
        .collect();
    let (chile, argentina) = (Some("+56912345678"), Some("+5491123456789"));
    assert_eq!(found, [chile, None, argentina, chile, argentina, None]);
    assert_eq!(look_up_all(&app, &app.key, &[]), Vec::<Value>::new());
}

#[test]
fn a_blank_before_a_number_is_not_read_as_a_plus() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+34912345678"),
        ..Contact::default()
    });
    app.add(Contact {
        phone: Some("+5434912345678"),
        ..Contact::default()
    });
    let [with_blank, without_blank] = [" 34912345678", "34912345678"].map(|phone| {
        let mut result = look_up_all(&app, &app.key, &[phone]).remove(0);
        result["phone"] = Value::Null;
        result
    });
    assert_eq!(with_blank, without_blank);
}

#[test]
fn a_batch_of_a_thousand_phones_is_answered_and_a_larger_one_is_refused() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5491123450999"),
        ..Contact::default()
    });
    let phones: Vec<String> = (0..1_001).map(|number| format!("+549112345{number:04}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let results = look_up_all(&app, &app.key, &phones[..1_000]);
    assert_eq!(results.iter().filter(|result| result["found"] == true).count(), 1);
    assert_eq!(results[999]["found"], true);
    let answer = post(&app, &app.key, &json!({ "phones": phones }).to_string());
    let expected = json!({ "error": "El campo 'phones' supera los 1000 elementos" });
    assert_eq!((answer.status, answer.json()), (400, expected));
}

#[test]
fn an_invalid_body_is_refused_with_a_message_that_names_the_member() {
    let app = TestApp::start();
    let item = |index| format!("El campo 'phones[{index}]' debe ser un texto de 1 a 256 bytes, no vacio y sin NUL");
    let long = json!({ "phones": ["9".repeat(257)] }).to_string();
    for (body, expected) in [
        ("", "El cuerpo no es JSON en la linea 1, columna 0".to_owned()),
        ("[]", "El cuerpo debe ser un objeto".to_owned()),
        ("{}", "El campo 'phones' es requerido".to_owned()),
        (r#"{"phones":null}"#, "El campo 'phones' es requerido".to_owned()),
        (
            r#"{"phones":"1"}"#,
            "El campo 'phones' no tiene el tipo esperado".to_owned(),
        ),
        (r#"{"phones":["1",2]}"#, item(1)),
        (r#"{"phones":[null]}"#, item(0)),
        (r#"{"phones":["1","2",["3"]]}"#, item(2)),
        (r#"{"phones":[""]}"#, item(0)),
        (r#"{"phones":["1","\u00a0 "]}"#, item(1)),
        (r#"{"phones":["1\u0000"]}"#, item(0)),
        (&long, item(0)),
    ] {
        let answer = post(&app, &app.key, body);
        assert_eq!(
            (answer.status, answer.json()),
            (400, json!({ "error": expected })),
            "{body}"
        );
    }
    let longest = "9".repeat(256);
    assert_eq!(look_up_all(&app, &app.key, &[&longest])[0]["found"], false);
    let answer = post(&app, &app.key, &" ".repeat(2 * 1024 * 1024 + 1));
    assert_eq!(
        (answer.status, answer.json()),
        (413, json!({ "error": "El cuerpo supera los 2 MiB" }))
    );
}

#[test]
fn only_post_is_allowed_and_the_trailing_slash_is_optional() {
    let app = TestApp::start();
    let answer = app.get(PATH);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    let headers = [("X-API-Key", app.key.as_str())];
    assert_eq!(app.server.send("POST", &format!("{PATH}/"), &headers).status, 400);
}

#[test]
fn a_random_batch_has_the_same_answers_as_single_lookups() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    // The first two numbers are the mobile and the landline form of one line. Without their `+`, the Chilean and the
    // Spanish number are no valid Argentine numbers. The last two numbers do not resolve.
    let numbers = [
        "+5491123456789",
        "+541123456789",
        "+5492235961983",
        "+56912345678",
        "+34912345678",
        "15 2345-6789",
        "777",
    ];
    let platforms = ["whatsapp", "sms", "webchat"];
    let contact = (
        proptest::sample::select(numbers.to_vec()),
        proptest::sample::select(platforms.to_vec()),
        proptest::option::of(0..30_u32),
        any::<bool>(),
        0..3_u32,
    );
    let sent = proptest::sample::select(vec![
        "+5491123456789",
        "011 15-2345-6789",
        "1123456789",
        "541123456789",
        "0223 15-596-1983",
        "56912345678",
        "912345678",
        "34912345678",
        "1523456789",
        "777",
        "hola",
        "5491123456789@s.whatsapp.net",
    ]);
    let cases = (
        proptest::collection::vec(contact, 0..20),
        proptest::collection::vec(sent, 1..30),
    );
    TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
    .run(&cases, |(contacts, phones)| {
        app.sql("DELETE FROM contacts");
        let mut connection = app.database.connect();
        for (number, (phone, platform, hours, replied, day)) in contacts.iter().enumerate() {
            let at = hours.map_or("null".to_owned(), |hours| {
                format!("date_trunc('hour', now()) - interval '{hours} hours'")
            });
            let id = format!("{number}");
            let contact = Contact {
                phone: Some(phone),
                platform,
                external_user_id: Some(&id),
                created_at: &format!("'2025-01-01'::timestamptz + interval '{day} days'"),
                last_message_at: &at,
                last_inbound_at: if *replied { &at } else { "null" },
                ..Contact::default()
            };
            let client = if number % 4 == 3 { other } else { app.client };
            contact.add(&mut connection, client);
        }
        let results = look_up_all(&app, &app.key, &phones);
        for (phone, result) in phones.iter().zip(results) {
            prop_assert_eq!(result, single(&app, &app.key, phone));
        }
        Ok(())
    })
    .unwrap();
}
