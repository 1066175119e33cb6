//! Writes that wait for another writer's locks, such as those of an import, beside writes of other contacts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use contact_search::store::PgConnection;
use serde_json::{Value, json};

use crate::support::contact_api::{BATCH, UPSERT, outcomes};
use crate::support::database::execute;
use crate::support::messages::message;
use crate::support::webhook::{SECRET, add_webhook, sign};
use crate::support::{Answer, Contact, SetOnDrop, TestApp};

const MESSAGES: &str = "/api/v1/messages/";
const SENT_AT: &str = "2025-03-28T14:22:00Z";

/// The number of contacts in the imported file that exist before the import, and of contacts that the import creates.
const KNOWN_IN_FILE: usize = 100;
const NEW_IN_FILE: usize = 100;

fn phone_in_file(number: usize) -> String {
    format!("+54911{}", 70_000_000 + number)
}

fn phone_outside_file(number: usize) -> String {
    format!("+54911{}", 71_000_000 + number)
}

fn upsert(phone: &str, name: usize) -> Value {
    json!({"channel": "whatsapp", "contact_phone_number": phone, "contact_name": format!("N{name}")})
}

/// Adds the contacts, and locks those of the file as a running import does.
fn start_import(app: &TestApp) -> PgConnection {
    for number in 0..KNOWN_IN_FILE {
        let (phone, other) = (phone_in_file(number), phone_outside_file(number));
        for phone in [&phone, &other] {
            app.add(Contact {
                phone: Some(phone),
                ..Contact::default()
            });
        }
    }
    let mut import = app.database.connect();
    execute(
        &mut import,
        &format!(
            "BEGIN;
             UPDATE contacts SET name = 'Imported' WHERE phone LIKE '+5491170%';
             INSERT INTO contacts (client_id, id, contact_list_id, platform, phone, phone_key)
             SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'whatsapp',
                    '+54911' || number, '54911' || number
             FROM generate_series({}, {}) AS number",
            app.client,
            70_000_000 + KNOWN_IN_FILE,
            70_000_000 + KNOWN_IN_FILE + NEW_IN_FILE - 1,
        ),
    );
    import
}

fn unrelated_writes_are_answered_beside(blocked_callers: usize) {
    let app = TestApp::start_with(&["--pool-size", "4"]);
    let hook = format!("/webhooks/whatsapp/{}", add_webhook(&app, app.client, SECRET));
    let mut import = start_import(&app);
    let deliver = |phone: &str, number: usize| {
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
                "messages": [{
                    "from": &phone[1..], "id": number.to_string(), "timestamp": "1743171720", "type": "text",
                }],
            }}]}],
        })
        .to_string();
        let headers = [("X-Hub-Signature-256", &*sign(SECRET, body.as_bytes()))];
        app.server.send_body("POST", &hook, &headers, body.as_bytes())
    };
    let (should_stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let repeat = |ask: &dyn Fn(usize) -> Answer| {
        let mut statuses = Vec::new();
        while !should_stop.load(Ordering::Relaxed) {
            statuses.push(ask(statuses.len()).status);
            thread::sleep(Duration::from_millis(50));
        }
        statuses
    };
    let (unrelated, blocked) = thread::scope(|scope| {
        let (app, repeat, deliver, written) = (&app, &repeat, &deliver, &written);
        let blocked: Vec<_> = (0..blocked_callers)
            .map(|caller| {
                scope.spawn(move || {
                    repeat(&|round| {
                        let phone = phone_in_file((caller * 37 + round * 11) % (KNOWN_IN_FILE + NEW_IN_FILE));
                        let answer = app.send("POST", UPSERT, &upsert(&phone, round));
                        written.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
                        answer
                    })
                })
            })
            .collect();
        let unrelated: Vec<_> = (0..4)
            .map(|caller| {
                scope.spawn(move || {
                    repeat(&|round| {
                        let phone = phone_outside_file(caller * 25 + round % 25);
                        match caller {
                            0 | 1 => deliver(&phone, round),
                            2 => app.send("POST", UPSERT, &upsert(&phone, round)),
                            _ => app.send("POST", MESSAGES, &message(&phone, "inbound", SENT_AT)),
                        }
                    })
                })
            })
            .collect();
        let stop = SetOnDrop(&should_stop);
        thread::sleep(Duration::from_secs(3));
        drop(stop);
        let join = |threads: Vec<thread::ScopedJoinHandle<'_, Vec<u16>>>| -> Vec<u16> {
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        };
        let unrelated = join(unrelated);
        assert_eq!(written.load(Ordering::Relaxed), 0, "the callers must be blocked");
        execute(&mut import, "COMMIT");
        (unrelated, join(blocked))
    });
    println!(
        "beside {blocked_callers} blocked callers: {} unrelated writes, {} blocked ones",
        unrelated.len(),
        blocked.len()
    );
    assert!(unrelated.iter().all(|status| *status == 200), "{unrelated:?}");
    assert!(
        blocked.contains(&200),
        "a waiting write is done when the import has ended"
    );
    // On a busy machine a write may find no connection.
    assert!(blocked.iter().all(|status| [200, 503].contains(status)), "{blocked:?}");
}

#[test]
fn unrelated_writes_are_answered_while_six_writers_wait_for_an_import() {
    unrelated_writes_are_answered_beside(6);
}

#[test]
fn unrelated_writes_are_answered_while_twenty_writers_wait_for_an_import() {
    unrelated_writes_are_answered_beside(20);
}

#[test]
fn a_write_that_waits_for_a_lock_is_done_as_soon_as_the_lock_ends() {
    let app = TestApp::start();
    let known = app.add(Contact {
        phone: Some(&phone_in_file(0)),
        ..Contact::default()
    });
    let mut other = app.database.connect();
    let lock = format!(
        "BEGIN; SELECT 1 FROM contacts WHERE client_id = '{}' AND id = '{}' FOR UPDATE",
        app.client, known.id
    );
    execute(&mut other, &lock);
    thread::scope(|scope| {
        let write = scope.spawn(|| app.send("POST", UPSERT, &upsert(&phone_in_file(0), 7)));
        app.database.wait_for_blocked_statement();
        thread::sleep(Duration::from_secs(1));
        assert!(!write.is_finished(), "the write must wait");
        execute(&mut other, "COMMIT");
        let answer = write.join().unwrap();
        assert_eq!((answer.status, answer.json()["name"].as_str()), (200, Some("N7")));
    });
}

#[test]
fn unrelated_bulk_calls_are_answered_while_other_bulk_calls_wait_for_a_lock() {
    let app = TestApp::start();
    let locked = phone_in_file(KNOWN_IN_FILE - 1);
    let mut import = start_import(&app);
    let items = |phones: &mut dyn Iterator<Item = String>| -> Value {
        phones
            .map(|phone| json!({"platform": "whatsapp", "phone": phone}))
            .collect()
    };
    // The locked contact is in the second transaction of the batch.
    let new = |number: usize| format!("+54911{}", 72_000_000 + number);
    let waiting = items(&mut (0..149).map(new).chain([locked.clone()]));
    let messages: Value = (0..20).map(|_| message(&locked, "inbound", SENT_AT)).collect();
    let unrelated: Value = (0..20)
        .map(|number| message(&phone_outside_file(number), "inbound", SENT_AT))
        .collect();
    thread::scope(|scope| {
        let (app, waiting, messages) = (&app, &waiting, &messages);
        let batch = scope.spawn(move || app.post_with_retries(BATCH, waiting));
        let arrays = [(); 3].map(|()| scope.spawn(move || app.post_with_retries(MESSAGES, messages)));
        app.database.wait_for_blocked_statement();
        thread::sleep(Duration::from_secs(1));
        for _ in 0..10 {
            let answer = app.send("POST", MESSAGES, &unrelated);
            assert_eq!(answer.status, 200, "{answer:?}");
            thread::sleep(Duration::from_millis(100));
        }
        assert!(!batch.is_finished() && arrays.iter().all(|array| !array.is_finished()));
        execute(&mut import, "COMMIT");
        for array in arrays {
            assert_eq!(array.join().unwrap().status, 200);
        }
        // The batch created the contacts of the first transaction before the wait, and not again after it.
        let answer = batch.join().unwrap().json();
        let results = answer["results"].as_array().expect("results");
        let outcomes = outcomes(results);
        assert!(
            outcomes[..149].iter().all(|outcome| *outcome == "created"),
            "{outcomes:?}"
        );
        assert_eq!(outcomes[149], "unchanged");
    });
}
