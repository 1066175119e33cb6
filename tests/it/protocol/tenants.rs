//! Tenants: two clients with the same phones and emails never see each other's contacts.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use contact_search::domain::client::ClientId;
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::support::app::{add_key, encode};
use crate::support::command::{run_on, stdout};
use crate::support::{Contact, PATIENCE, TestApp};

const CALLERS: usize = 4;

/// The number of random requests. The full test sets it to a million with the environment variable.
fn requests() -> usize {
    std::env::var("CONTACT_SEARCH_TEST_REQUESTS").map_or(1_600, |count| count.parse().expect("a number"))
}

/// Sends requests one after another on one connection.
struct Caller(BufReader<TcpStream>);

impl Caller {
    fn connect(app: &TestApp) -> Self {
        let stream = TcpStream::connect(app.server.address()).expect("the server accepts");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends `GET target` until the server has capacity. Returns the answer, or `None` if the query is invalid.
    fn get(&mut self, target: &str, key: &str) -> Option<Value> {
        for _ in 0..200 {
            match self.get_once(target, key) {
                (200, answer) => return Some(answer),
                (400, _) => return None,
                (503, _) => thread::sleep(Duration::from_millis(20)),
                other => panic!("{target}: {other:?}"),
            }
        }
        panic!("the server never has capacity");
    }

    fn get_once(&mut self, target: &str, key: &str) -> (u16, Value) {
        let head = format!("GET {target} HTTP/1.1\r\nHost: test\r\nX-API-Key: {key}\r\n\r\n");
        self.0
            .get_mut()
            .write_all(head.as_bytes())
            .expect("the request can be sent");
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a line");
            let line = line.trim_end().to_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.split(' ').next().and_then(|code| code.parse().ok());
            } else if let Some(count) = line.strip_prefix("content-length: ") {
                length = count.parse().expect("a number");
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        (
            status.expect("an answer"),
            serde_json::from_slice(&body).expect("each answer is JSON"),
        )
    }
}

#[test]
fn no_request_finds_another_clients_contact() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &Scope::ALL, None);
    let phones = [
        "+5491123456789",
        "+541123456789",
        "+5492235961983",
        "+56912345678",
        "15 2345-6789",
    ];
    let emails = [
        "john@example.com",
        "john@EXAMPLE.com",
        "ana%_@example.com",
        r"b\@ejemplo.com",
        "maria.lopez@x.com",
    ];
    let names = ["John Doe", "Jhon", "Ana López", "José", "María Lopez"];
    let mut serial_ids = Vec::new();
    for client in [app.client, other] {
        let mut ids = Vec::new();
        for ((phone, email), name) in phones.iter().zip(emails).zip(names) {
            for platform in ["whatsapp", "sms"] {
                let contact = Contact {
                    name: Some(name),
                    phone: Some(phone),
                    email: Some(email),
                    platform,
                    ..Contact::default()
                };
                ids.push(contact.add(&mut connection, client).serial_id);
            }
        }
        serial_ids.push(ids);
    }
    let keys = [(app.client, &app.key), (other, &other_key)];
    let terms = (
        prop_oneof![
            "[0-9+ -]{1,14}",
            proptest::sample::select(phones.to_vec()).prop_map(str::to_owned)
        ],
        prop_oneof![
            "[a-zA-Z@.%_\\\\]{1,4}",
            "[@.a-z]",
            proptest::sample::select(emails.to_vec()).prop_map(str::to_owned)
        ],
        // Words of names and their typos.
        "(jo|an|jhon|johm|jose|lopes|maria|mario|doe)?",
    );
    // Each case sends five requests for each of the two clients.
    let cases = u32::try_from(requests().div_ceil(CALLERS * 10)).expect("the number of cases fits");
    // The contacts of the documented search, and those of the search by words.
    let found: [usize; 2] = thread::scope(|scope| {
        let callers = [(); CALLERS].map(|()| {
            scope.spawn(|| {
                let (found, found_by_words) = (Cell::new(0), Cell::new(0));
                let caller = RefCell::new(Caller::connect(&app));
                let mut runner = TestRunner::new(ProptestConfig {
                    cases,
                    failure_persistence: None,
                    ..ProptestConfig::default()
                });
                let ask = |(phone, email, name): (String, String, String)| {
                    for (index, (client, key)) in keys.iter().enumerate() {
                        for query in [
                            format!("phone={}", encode(&phone)),
                            format!("email={}", encode(&email)),
                            format!("phone={}&email={}", encode(&phone), encode(&email)),
                        ] {
                            let target = format!("/api/public/contacts/search?{query}");
                            // The query is invalid if the phone has no digit and the email is missing.
                            let Some(answer) = caller.borrow_mut().get(&target, key) else {
                                continue;
                            };
                            for contact in answer.as_array().unwrap() {
                                prop_assert_eq!(contact["client_id"].as_str().unwrap(), client.to_string());
                                found.set(found.get() + 1);
                            }
                        }
                        let words = encode(&format!("{name} {email} {phone}"));
                        let words = [encode(&name), encode(&email), encode(&phone), words];
                        let words = &words[email.len() % words.len()];
                        let answer = caller.borrow_mut().get(&format!("/api/v1/search?q={words}"), key);
                        let results = answer.map(|answer| answer["results"].clone());
                        for contact in results.iter().flat_map(|results| results.as_array().expect("an array")) {
                            prop_assert_eq!(contact["client_id"].as_str().unwrap(), client.to_string());
                            found_by_words.set(found_by_words.get() + 1);
                        }
                        let target = format!("/api/v1/contact-lookup/?phone={}", encode(&phone));
                        let answer = caller.borrow_mut().get(&target, key);
                        let id = answer.and_then(|answer| answer["contact"]["id"].as_i64());
                        prop_assert!(id.is_none_or(|id| serial_ids[index].contains(&id)));
                    }
                    Ok(())
                };
                runner.run(&terms, ask).unwrap();
                [found.get(), found_by_words.get()]
            })
        });
        let found = callers.map(|caller| caller.join().unwrap());
        [0, 1].map(|which| found.iter().map(|found| found[which]).sum())
    });
    println!("{found:?} contacts were found");
    assert!(
        found.iter().all(|found| *found > requests() / 5),
        "too few terms match contacts: {found:?}"
    );
}

#[test]
fn a_key_finds_only_the_contacts_of_its_client() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    let id = stdout(run_on(&app.database, &["client", "create", "Other"]));
    let mut connection = app.database.connect();
    let other = ClientId::new(id.trim().parse().unwrap());
    let key = add_key(&mut connection, other, &Scope::ALL, None);
    let target = "/api/v1/contact-lookup/?phone=5491123456789";
    assert_eq!(app.get(target).json()["found"], true);
    assert_eq!(app.server.get(target, Some(&key)).json()["found"], false);
}

#[test]
fn a_cursor_shows_only_the_contacts_of_the_key_that_it_is_sent_with() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &Scope::ALL, None);
    for client in [app.client, other] {
        app.sql(&format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id)
             SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                    'Ana', n
             FROM generate_series(1, 45) AS n"
        ));
    }
    let first = app.get("/api/v1/search?q=ana").json();
    let cursor = first["nextCursor"].as_str().expect("a second page");
    let answer = app.server.get(
        &format!("/api/v1/search?q=ana&cursor={}", encode(cursor)),
        Some(&other_key),
    );
    // The server may refuse the cursor of another client.
    assert!([200, 400].contains(&answer.status), "{answer:?}");
    for contact in answer.json()["results"].as_array().into_iter().flatten() {
        assert_eq!(contact["client_id"], other.to_string());
    }
}
