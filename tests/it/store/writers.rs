//! Concurrent writers: the contacts that they store, and the requests that they block.

use std::time::Instant;

use contact_search::domain::contact::ContactFields;
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::clients;
use contact_search::store::contacts::upsert_contacts;
use contact_search::transfer::import::{Import, ImportOptions};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::{REAL_DEADLINES, encode};
use crate::support::database::{count, execute};
use crate::support::{Contact, PATIENCE, TestApp, wait_until};

const UPSERT: &str = "/api/public/customer/upsert/info";
const BATCH: &str = "/api/v1/contacts/";
const MESSAGES: &str = "/api/v1/messages/";

const ALL: &str = "SELECT count(*) AS count FROM contacts";

/// Sends all bodies concurrently, each from a thread of its own.
fn send_at_once(app: &TestApp, calls: &[(&str, Value)]) {
    let start = std::sync::Barrier::new(calls.len());
    std::thread::scope(|scope| {
        for (target, body) in calls {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                let answer = app.post_with_retries(target, body);
                assert_eq!(answer.status, 200, "{body} {answer:?}");
            });
        }
    });
}

fn message(recipient: &Value, sent_at: &str) -> Value {
    let mut message = json!({"platform": "whatsapp", "direction": "inbound", "sentAt": sent_at});
    message
        .as_object_mut()
        .unwrap()
        .extend(recipient.as_object().unwrap().clone());
    message
}

#[test]
fn concurrent_writes_that_identify_one_person_differently_create_one_contact() {
    let app = TestApp::start();
    for number in 0..25 {
        let phone = format!("+56912345{number:03}");
        let by_phone = json!({"channel": "whatsapp", "contact_phone_number": phone});
        let by_both =
            json!({"channel": "whatsapp", "contact_phone_number": phone, "external_user_id": number.to_string()});
        let inbound = message(&json!({"phone": phone, "createMissing": true}), "2025-03-28T14:22:00Z");
        let item = json!([{"platform": "whatsapp", "phone": phone, "externalUserId": number.to_string()}]);
        send_at_once(
            &app,
            &[
                (UPSERT, by_phone),
                (UPSERT, by_both),
                (MESSAGES, inbound),
                (BATCH, item),
            ],
        );
        assert_eq!(app.database.count(ALL), number + 1);
    }
    let whole = "SELECT count(*) AS count FROM contacts
                 WHERE external_user_id IS NOT NULL AND last_inbound_at = '2025-03-28T14:22:00Z'";
    assert_eq!(app.database.count(whole), 25);
}

#[test]
fn concurrent_writes_in_several_notations_of_one_line_create_one_contact() {
    let app = TestApp::start();
    let client = clients::find_client(&mut app.database.connect(), "Test")
        .unwrap()
        .unwrap();
    for number in 0..20 {
        let phone = |start: &str| format!("{start}{:04}", 1000 + number);
        let file = format!("platform,phone\nwhatsapp,{}\n", phone("+54 11 2345-"));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
                import.run(&mut app.database.connect(), &client, &mut |_| {}).unwrap();
            });
            send_at_once(
                &app,
                &[
                    (
                        UPSERT,
                        json!({"channel": "whatsapp", "contact_phone_number": phone("11 2345-")}),
                    ),
                    (
                        UPSERT,
                        json!({"channel": "whatsapp", "contact_phone_number": phone("+54 9 11 2345-")}),
                    ),
                    (BATCH, json!([{"platform": "whatsapp", "phone": phone("+54 11 2345-")}])),
                    (
                        BATCH,
                        json!([{"platform": "whatsapp", "phone": phone("011 15-2345-"), "externalUserId": phone("")}]),
                    ),
                ],
            );
        });
        assert_eq!(app.database.count(ALL), number + 1);
    }
}

#[test]
fn an_import_concurrent_with_batches_and_messages_creates_each_contact_once() {
    let app = TestApp::start();
    let client = clients::find_client(&mut app.database.connect(), "Test")
        .unwrap()
        .unwrap();
    for round in 0..5 {
        let phone = |number: usize| format!("+569{round}2345{number:03}");
        let ids = |number: usize| (round * 1000 + number).to_string();
        let rows: String = (0..300)
            .map(|number| format!("whatsapp,{},{}\n", phone(number), ids(number)))
            .collect();
        let file = format!("platform,phone,external_user_id\n{rows}");
        let items: Vec<Value> = (0..300)
            .map(|number| json!({"platform": "whatsapp", "phone": phone(number), "name": "Ana"}))
            .collect();
        let inbound: Vec<Value> = (0..300)
            .rev()
            .map(|number| json!({"phone": phone(number), "createMissing": true}))
            .map(|recipient| message(&recipient, "2025-03-28T14:22:00Z"))
            .collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
                let report = import.run(&mut app.database.connect(), &client, &mut |_| {}).unwrap();
                assert_eq!(report.rejected, 0);
            });
            scope.spawn(|| assert_eq!(app.post_with_retries(BATCH, &json!(items)).status, 200));
            scope.spawn(|| assert_eq!(app.post_with_retries(MESSAGES, &json!(inbound)).status, 200));
        });
        assert_eq!(app.database.count(ALL), 300 * (round as i64 + 1));
    }
}

/// Makes the first four attempts of an import fail, as if other writers had overtaken it. The file must name a new list.
fn lose_four_attempts(app: &TestApp) {
    execute(&mut app.database.connect_to_contacts(), "CREATE SEQUENCE attempts");
    app.sql(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('attempts') < 5 THEN
                 RAISE 'overtaken' USING ERRCODE = 'serialization_failure';
             END IF;
             RETURN NEW;
         END $$",
    );
    app.sql("CREATE TRIGGER lose BEFORE INSERT ON contact_lists FOR EACH ROW EXECUTE FUNCTION lose()");
}

#[test]
fn the_last_attempt_of_an_import_waits_for_a_batch_and_does_not_deadlock_with_it() {
    let app = TestApp::start();
    let client = clients::find_client(&mut app.database.connect(), "Test")
        .unwrap()
        .unwrap();
    app.add(Contact {
        phone: Some("+56912345601"),
        ..Contact::default()
    });
    lose_four_attempts(&app);
    // The batch locks the known contact, pauses, and then locks the line of the new contact. A statement looks for
    // deadlocks after a second of waiting, so the import is the first that could find one.
    app.sql(
        "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.9); RETURN NEW; END $$",
    );
    app.sql(
        "CREATE TRIGGER pause BEFORE UPDATE ON contacts FOR EACH ROW WHEN (NEW.name = 'Batch')
            EXECUTE FUNCTION pause()",
    );
    let file = "platform,phone,name,contact_list\nwhatsapp,+56912345601,Import,New\nwhatsapp,+56912345602,Import,New\n";
    let item = |phone| ContactFields {
        phone: Some(StoredPhone::read(phone, Region::DEFAULT, "whatsapp")),
        platform: Some("whatsapp".to_owned()),
        name: Some("Batch".to_owned()),
        ..ContactFields::default()
    };
    std::thread::scope(|scope| {
        let batch = scope.spawn(|| {
            let items = ["+56912345601", "+56912345603"].map(item);
            let (mut outcomes, deadline) = (Vec::new(), Instant::now() + PATIENCE);
            upsert_contacts(&mut app.database.connect(), client.id, &items, &mut outcomes, deadline).unwrap();
        });
        let paused = "SELECT count(*) AS count FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event = 'PgSleep'";
        let mut server = app.database.connect_to_contacts();
        wait_until(PATIENCE, "the batch does not pause", || count(&mut server, paused) == 1);
        let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
        let report = import.run(&mut app.database.connect(), &client, &mut |_| {}).unwrap();
        assert_eq!((report.created, report.updated), (1, 1));
        batch.join().unwrap();
    });
    assert_eq!(app.database.count(ALL), 3);
    let attempts = "SELECT last_value AS count FROM attempts";
    assert!(count(&mut app.database.connect_to_contacts(), attempts) >= 5);
}

#[test]
fn no_write_overtakes_the_last_attempt_of_an_import() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let client = clients::find_client(&mut app.database.connect(), "Test")
        .unwrap()
        .unwrap();
    let known = app.add(Contact {
        phone: Some("+56912345601"),
        ..Contact::default()
    });
    lose_four_attempts(&app);
    // The import pauses after it has found the contacts of its rows.
    let pause = "pg_advisory_xact_lock(20261129)";
    app.sql(&format!(
        "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {pause}; RETURN NEW; END $$",
    ));
    app.sql(
        "CREATE TRIGGER pause BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.name = 'Import')
            EXECUTE FUNCTION pause()",
    );
    let file = "platform,phone,external_user_id,email,name,contact_list\n\
                whatsapp,+56912345601,a,,Import,New\n\
                webchat,,b,,Import,New\n\
                other,,,c@example.com,Import,New\n\
                whatsapp,+56912345602,,,Import,New\n";
    let attach = message(
        &json!({"phone": "+56912345601", "externalUserId": "z", "createMissing": true}),
        "2025-03-28T14:22:00Z",
    );
    let by_id = json!({"channel": "webchat", "external_user_id": "b"});
    let by_email = json!({"channel": "other", "contact_email": "c@example.com"});
    let by_phone = json!({"channel": "whatsapp", "contact_phone_number": "+56912345602"});
    let contact = format!("/api/public/contact/{}", known.id);
    let writes = [
        ("POST", MESSAGES, attach),
        ("POST", UPSERT, by_id),
        ("POST", UPSERT, by_email),
        ("POST", UPSERT, by_phone),
        ("PATCH", &contact, json!({"phone": "+56912345699"})),
        ("DELETE", &contact, json!({})),
    ];
    std::thread::scope(|scope| {
        // Declared inside the scope: if an assertion fails, the connection is dropped, so that the import need not wait
        // for its lock when the scope waits for the import.
        let mut other = app.database.connect_to_contacts();
        other.batch_execute(&format!("BEGIN; SELECT {pause}")).unwrap();
        let import = scope.spawn(|| {
            let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
            import.run(&mut app.database.connect(), &client, &mut |_| {})
        });
        app.database.wait_for_blocked_statement();
        let app = &app;
        let write = |(method, target, body): (&'static str, &str, Value)| app.send(method, target, &body);
        let answers: Vec<_> = writes
            .map(|call| scope.spawn(move || write(call)))
            .into_iter()
            .collect();
        for answer in answers {
            let answer = answer.join().unwrap();
            assert_eq!(answer.status, 503, "{answer:?}");
        }
        other.batch_execute("COMMIT").unwrap();
        let report = import.join().unwrap().unwrap();
        assert_eq!((report.created, report.updated), (3, 1));
    });
    assert_eq!(app.database.count(ALL), 4);
}

#[test]
fn concurrent_messages_in_several_notations_of_one_line_create_one_contact() {
    let app = TestApp::start();
    for number in 0..25 {
        let notations = ["+54 9 223 512-", "+54 223 15 512-", "223 15 512-", "+54 223 512-"];
        let calls = notations.map(|start| {
            let phone = format!("{start}{:04}", 1000 + number);
            let inbound = message(&json!({"phone": phone, "createMissing": true}), "2025-03-28T14:22:00Z");
            (MESSAGES, inbound)
        });
        send_at_once(&app, &calls);
        assert_eq!(app.database.count(ALL), number + 1);
    }
}

#[test]
fn an_array_with_repeated_new_people_creates_each_contact_once() {
    let app = TestApp::start();
    let messages: Vec<Value> = (0..1000)
        .map(|number| {
            let person = number % 800;
            let mut recipient = json!({"phone": format!("+569123{person:05}"), "createMissing": true});
            if person % 2 == 0 {
                recipient["externalUserId"] = json!(person.to_string());
            }
            message(&recipient, "2025-03-28T14:22:00Z")
        })
        .collect();
    let answer = app.send("POST", MESSAGES, &json!(messages));
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json();
    let statuses: Vec<&str> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect();
    assert!(
        statuses[..800].iter().all(|status| *status == "created"),
        "{statuses:?}"
    );
    assert!(
        statuses[800..].iter().all(|status| *status == "unchanged"),
        "{statuses:?}"
    );
    assert_eq!(app.database.count(ALL), 800);
}

#[test]
fn writes_to_a_locked_contact_are_503_and_reads_do_not_wait() {
    let app = TestApp::start_with(&[&["--pool-size", "2"], &REAL_DEADLINES[..]].concat());
    let phone = "+56912345678";
    let known = app.add(Contact {
        phone: Some(phone),
        ..Contact::default()
    });
    let mut other = app.database.connect();
    let lock = format!(
        "BEGIN; SELECT 1 FROM contacts WHERE client_id = '{}' AND id = '{}' FOR UPDATE",
        app.client, known.id
    );
    other.batch_execute(&lock).unwrap();
    let upsert = json!({"channel": "whatsapp", "contact_phone_number": phone, "contact_name": "Ana"});
    let inbound = message(&json!({ "phone": phone }), "2025-03-28T14:22:00Z");
    let many_messages = json!(vec![&inbound; 50]);
    std::thread::scope(|scope| {
        let app = &app;
        let writes: Vec<_> = [(UPSERT, &upsert), (MESSAGES, &inbound), (MESSAGES, &many_messages)]
            .repeat(5)
            .into_iter()
            .map(|(target, body)| scope.spawn(move || app.send("POST", target, body)))
            .collect();
        app.database.wait_for_blocked_statement();
        let lookup = format!("/api/v1/contact-lookup/?phone={}", encode(phone));
        let (mut found, mut refused) = (0, 0);
        while writes.iter().any(|write| !write.is_finished()) {
            let answer = app.get(&lookup);
            match answer.status {
                200 => found += u32::from(answer.json()["found"] == json!(true)),
                // On a busy machine a read may be late.
                503 => refused += 1,
                _ => panic!("{answer:?}"),
            }
        }
        assert!(found > 10 * refused, "{found} were found, {refused} refused");
        for write in writes {
            let answer = write.join().unwrap();
            assert_eq!(
                (answer.status, answer.header("retry-after")),
                (503, Some("1")),
                "{answer:?}"
            );
        }
    });
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(app.send("POST", UPSERT, &upsert).status, 200);
    assert_eq!(
        app.send("POST", MESSAGES, &inbound).json(),
        json!({"status": "updated"})
    );
}

#[test]
fn concurrent_batches_of_contacts_and_messages_do_not_deadlock() {
    let app = TestApp::start();
    app.database.disable_deadlock_detection();
    let phones: Vec<String> = (0..60).map(|number| format!("+569123450{number:02}")).collect();
    let inbound: Vec<Value> = phones
        .iter()
        .map(|phone| message(&json!({"phone": phone, "createMissing": true}), "2025-03-28T14:22:00Z"))
        .collect();
    for round in 0..4 {
        let items: Vec<Value> = phones
            .iter()
            .rev()
            .map(|phone| json!({"platform": "whatsapp", "phone": phone, "name": round.to_string()}))
            .collect();
        std::thread::scope(|scope| {
            let written = scope.spawn(|| app.send("POST", BATCH, &json!(items)));
            for _ in 0..4 {
                let answer = app.send("POST", MESSAGES, &json!(inbound));
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            let answer = written.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        });
    }
    assert_eq!(app.database.count(ALL), 60);
}

#[test]
fn a_message_is_not_recorded_for_a_contact_whose_identity_just_changed() {
    let app = TestApp::start();
    let inbound = |recipient: Value| message(&recipient, "2025-03-28T14:22:00Z");
    for (change, recipient) in [
        (
            "phone = '+56987654321', phone_key = '56987654321'",
            json!({"phone": "+56912345678"}),
        ),
        (
            "external_user_id = '8'",
            json!({"phone": "+56912345678", "externalUserId": "7"}),
        ),
    ] {
        app.sql("DELETE FROM contacts");
        let known = app.add(Contact {
            phone: Some("+56912345678"),
            ..Contact::default()
        });
        let mut other = app.database.connect();
        let lock = format!("BEGIN; UPDATE contacts SET {change} WHERE id = '{}'", known.id);
        other.batch_execute(&lock).unwrap();
        let answer = std::thread::scope(|scope| {
            let recorded = scope.spawn(|| app.send("POST", MESSAGES, &inbound(recipient)));
            app.database.wait_for_blocked_statement();
            other.batch_execute("COMMIT").unwrap();
            recorded.join().unwrap()
        });
        assert_eq!(answer.json(), json!({"status": "not_found"}));
        let untouched = "SELECT count(*) AS count FROM contacts WHERE last_message_at IS NULL";
        assert_eq!(app.database.count(untouched), 1);
    }
}

#[test]
fn a_batch_over_its_deadline_is_504_and_a_retry_writes_the_rest() {
    if crate::support::citus::is_not_for(
        "a_batch_over_its_deadline_is_504_and_a_retry_writes_the_rest",
        "because a hundred delayed inserts must fit into a deadline",
    ) {
        return;
    }
    let app = TestApp::start_with(&REAL_DEADLINES);
    // Delays each insert by 60 ms, so that the deadline of ten seconds passes in the batch's second transaction.
    app.sql(
        "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.06); RETURN NEW; END $$",
    );
    app.sql("CREATE TRIGGER slow BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION be_slow()");
    let items: Vec<Value> = (0..200)
        .map(|number| json!({"platform": "whatsapp", "phone": format!("+56912345{number:03}")}))
        .collect();
    let answer = app.send("POST", BATCH, &json!(items));
    assert_eq!(answer.status, 504, "{answer:?}");
    app.sql("DROP TRIGGER slow ON contacts");
    let answer = app.send("POST", BATCH, &json!(items)).json();
    let results = answer["results"].as_array().unwrap();
    let count = |outcome: &str| results.iter().filter(|result| result["status"] == outcome).count();
    assert_eq!((count("unchanged"), count("created")), (100, 100), "{results:?}");
}
