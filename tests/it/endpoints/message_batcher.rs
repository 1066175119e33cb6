//! `POST /api/v1/messages/`: many concurrent calls, with single messages and with arrays.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::app::REAL_DEADLINES;
use crate::support::messages::{message, post};
use crate::support::{Contact, Slot, TestApp};

const PHONE: &str = "+5492235961983";

#[test]
fn concurrent_messages_are_recorded_in_shared_transactions_with_individual_answers() {
    let app = TestApp::start();
    let phone = |number: usize| format!("+54911{:08}", 10_000_000 + number);
    for number in 0..200 {
        app.add(Contact {
            phone: Some(&phone(number)),
            ..Contact::default()
        });
    }
    let ahead = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    let expected = |number: usize| match number % 5 {
        0 | 1 => "updated",
        2 => "not_found",
        3 => "created",
        _ => "ahead",
    };
    let send = |number: usize| {
        let mut body = message(&phone(number), "inbound", "2025-03-28T14:22:00Z");
        match expected(number) {
            "not_found" => body["platform"] = json!("sms"),
            "created" => {
                body["platform"] = json!("sms");
                body["createMissing"] = json!(true);
            }
            "ahead" => body["sentAt"] = json!(ahead),
            _ => {}
        }
        let answer = app.post_with_retries("/api/v1/messages/", &body);
        match expected(number) {
            "ahead" => {
                assert_eq!(answer.status, 400, "{answer:?}");
                assert!(answer.body.contains("'sentAt'"), "{answer:?}");
            }
            expected => assert_eq!(answer.json(), json!({"status": expected}), "{number}: {answer:?}"),
        }
    };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                while let number @ ..200 = next.fetch_add(1, Ordering::Relaxed) {
                    send(number);
                }
            });
        }
    });
    let updated = "last_message_at IS NOT NULL AND platform = 'whatsapp'";
    let count = |of: &str, which: &str| {
        app.database
            .count(&format!("SELECT {of} AS count FROM contacts WHERE {which}"))
    };
    assert_eq!(count("count(*)", updated), 80);
    assert_eq!(count("count(*)", "platform = 'sms'"), 40);
    let transactions = count("count(DISTINCT xmin::text)", updated);
    assert!(
        transactions < 60,
        "too many separate transactions: {transactions} for 80 messages"
    );
}

#[test]
fn a_locked_contact_delays_no_message_to_other_contacts() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    let phones: Vec<String> = (0..40)
        .map(|number| format!("+54911{:08}", 10_000_000 + number))
        .collect();
    for phone in &phones {
        app.add(Contact {
            phone: Some(phone),
            ..Contact::default()
        });
    }
    let mut other = app.database.connect();
    let lock = format!(
        "BEGIN; SELECT 1 FROM contacts WHERE client_id = '{}' AND phone = '{}' FOR UPDATE",
        app.client, phones[0]
    );
    diesel::connection::SimpleConnection::batch_execute(&mut other, &lock).unwrap();
    let sent_at = "2025-03-28T14:22:00Z";
    std::thread::scope(|scope| {
        let locked = scope.spawn(|| post(&app, &app.key, &message(&phones[0], "inbound", sent_at)));
        for phone in &phones[1..] {
            scope.spawn(|| {
                let body = message(phone, "inbound", sent_at);
                let answer = app.post_with_retries("/api/v1/messages/", &body);
                assert_eq!(answer.json(), json!({"status": "updated"}), "{answer:?}");
            });
        }
        assert_eq!(locked.join().unwrap().status, 503);
    });
    let recorded = "SELECT count(last_message_at) AS count FROM contacts";
    assert_eq!(app.database.count(recorded), 39);
}

#[test]
fn blocked_messages_are_refused_at_their_deadline_and_work_again_afterwards() {
    let _alone = Slot::take_alone();
    let app = TestApp::start_with(&REAL_DEADLINES);
    app.add(Contact {
        phone: Some(PHONE),
        ..Contact::default()
    });
    let send = || post(&app, &app.key, &message(PHONE, "inbound", "2025-03-28T14:22:00Z"));
    let mut other = app.database.connect();
    let mut execute = |sql| diesel::connection::SimpleConnection::batch_execute(&mut other, sql).unwrap();
    execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let start = Instant::now();
                let answer = send();
                assert_eq!(
                    (answer.status, answer.header("retry-after")),
                    (503, Some("1")),
                    "{answer:?}"
                );
                assert!(start.elapsed() < Duration::from_millis(2_500), "{:?}", start.elapsed());
            });
        }
    });
    execute("ROLLBACK");
    assert_eq!(send().json(), json!({"status": "updated"}));
}

#[test]
fn concurrent_arrays_in_opposite_orders_neither_block_nor_lose_messages() {
    let app = TestApp::start();
    // An array of fewer than ten messages uses the lane `writes`. This lane has more connections than the lane `bulk`,
    // so more arrays run concurrently.
    let phones: Vec<String> = (0..9).map(|index| format!("+54911{}", 30_000_000 + index)).collect();
    let at = |minute: i64| {
        let start: DateTime<Utc> = "2025-03-28T14:00:00Z".parse().unwrap();
        (start + TimeDelta::minutes(minute)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let send = |minute: i64| {
        let mut messages: Vec<Value> = phones
            .iter()
            .map(|phone| {
                let mut message = message(phone, "inbound", &at(minute));
                message["createMissing"] = json!(true);
                message
            })
            .collect();
        if minute % 2 == 1 {
            messages.reverse();
        }
        loop {
            let answer = post(&app, &app.key, &json!(messages));
            // Without a free connection the answer is 503: retry.
            assert!([200, 503].contains(&answer.status), "{answer:?}");
            if answer.status == 200 {
                break answer.body.matches("created").count();
            }
        }
    };
    for round in 0..15 {
        let minutes = round * 8..(round + 1) * 8;
        let latest = at(minutes.end - 1);
        let send = &send;
        let created: usize = std::thread::scope(|scope| {
            let calls: Vec<_> = minutes.map(|minute| scope.spawn(move || send(minute))).collect();
            calls.into_iter().map(|call| call.join().unwrap()).sum()
        });
        assert_eq!(
            created,
            if round == 0 { phones.len() } else { 0 },
            "each contact must be created once"
        );
        let known = format!(
            "SELECT count(*) AS count FROM contacts WHERE last_inbound_at = '{latest}' AND last_message_at = '{latest}'"
        );
        assert_eq!(app.database.count(&known), 9, "round {round}");
        assert_eq!(app.database.count("SELECT count(*) AS count FROM contacts"), 9);
    }
}
