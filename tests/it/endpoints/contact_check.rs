//! `POST /api/v1/contacts/check`: the verdicts about contacts that are not written.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use contact_search::domain::key::Scope;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{Answer, REAL_DEADLINES, Server, add_key};
use crate::support::check::file;
use crate::support::command::{run_on, stdout};
use crate::support::contact_api::{batch, refusal, stored};
use crate::support::database::execute;
use crate::support::import::FAKE_1000;

const CHECK: &str = "/api/v1/contacts/check";

fn check(app: &TestApp, contacts: &Value) -> Value {
    let answer = app.send("POST", CHECK, &json!({ "contacts": contacts }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn members(results: &Value, name: &str) -> Vec<Value> {
    let results = results["results"].as_array().expect("results").iter();
    results.map(|result| result[name].clone()).collect()
}

/// A contact with an id of the channel `platform`, which several contacts of different channels can share.
fn contact(platform: &str, name: &str, phone: &str, email: &str, id: &str) -> Value {
    json!({ "platform": platform, "name": name, "phone": phone, "email": email, "externalUserId": id })
}

/// The rows of the labelled file. Every third row has a phone, which the rows of one person share.
fn labelled() -> Vec<Value> {
    let text = String::from_utf8_lossy(FAKE_1000);
    let rows = text.lines().skip(1).enumerate().map(|(at, line)| {
        let cells: Vec<&str> = line.split(',').collect();
        let phone = match at % 3 {
            0 => format!("+54911{:08}", 23_000_000 + cells[6].parse::<u32>().unwrap()),
            _ => String::new(),
        };
        contact(
            "other",
            &format!("{} {}", cells[1].trim(), cells[2]),
            &phone,
            cells[5],
            "",
        )
    });
    rows.filter(|row| row["phone"] != "" || row["email"] != "").collect()
}

/// The verdicts of `contact-search check` about the contacts, written as a file.
fn check_on_command_line(app: &TestApp, contacts: &[Value], arguments: &[&str]) -> Vec<Value> {
    let columns = ["platform", "name", "phone", "email", "externalUserId"];
    let mut text = "platform,name,phone,email,external_user_id\n".to_owned();
    for contact in contacts {
        let cells = columns.map(|column| format!("\"{}\"", contact[column].as_str().unwrap_or_default()));
        text += &format!("{}\n", cells.join(","));
    }
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let arguments = [&["check", path, "--client", "Test", "--json"], arguments].concat();
    let output = stdout(run_on(&app.database, &arguments));
    let lines = output.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["reasons"] = reasons_of(&line);
        line
    });
    lines.collect()
}

/// The reasons of a verdict. The command line names the column of an invalid value, and the call the member.
fn reasons_of(result: &Value) -> Value {
    match result["verdict"] == "invalid" {
        true => json!("of an invalid value"),
        false => result["reasons"].clone(),
    }
}

/// The results of a call as the command line would print them. The first row of a file is on line 2.
fn as_lines(results: &Value) -> Vec<Value> {
    let results = results["results"].as_array().unwrap().iter();
    let lines = results.map(|result| {
        json!({
            "line": result["index"].as_u64().unwrap() + 2,
            "verdict": result["verdict"],
            "score": result["score"],
            "reasons": reasons_of(result),
            "contactIds": result["contactIds"],
            "duplicateOf": result["duplicateOf"].as_u64().map(|index| index + 2),
        })
    });
    lines.collect()
}

#[test]
fn the_verdicts_are_those_of_the_command_line() {
    let app = TestApp::start();
    let rows = labelled();
    let known: Vec<Value> = rows.iter().step_by(2).cloned().collect();
    batch(&app, json!(known));
    // Keys that more contacts share than are compared: a phone and an email, as wholes, a mailbox, and a name.
    for part in 0..2 {
        let shared = (0..600).map(|number| {
            let platform = format!("p{part}-{number}");
            match number % 2 {
                0 => contact(&platform, "", "+5491155550000", "info@acme.com", "placeholder"),
                _ => contact(
                    &platform,
                    "Maria Gonzalez",
                    "",
                    &format!("m+{part}{number}@gmail.com"),
                    "",
                ),
            }
        });
        batch(&app, shared.collect());
    }
    for number in 0..60 {
        let phone = format!("+54911{:08}", 70_000_000 + number);
        batch(
            &app,
            json!([contact("other", &format!("Zoe Quispe{number}"), &phone, "", "")]),
        );
    }
    let mut asked: Vec<Value> = rows.into_iter().step_by(3).collect();
    asked.extend([
        contact("", "Maria Gonzalez", "", "m@gmail.com", ""),
        contact("", "", "011 15 5555-0000", "", ""),
        contact("", "Maria Gonzales", "+5491155550000", "", ""),
        contact("whatsapp", "", "", "INFO@acme.com", ""),
        contact("", "Zoe Quispe", "", "", "placeholder"),
        contact("", "Zoe Quispe7", "+5491170000007", "other@acme.com", ""),
        contact("", "Bea Nuñez", "+5491123456783", "bea@acme.com", "crm-7"),
        contact("", "Beatriz Núñez", "+5491123456783", "bea@acme.com", ""),
        contact("", "Pedro Gómez", "+5491123456783", "", ""),
        contact("", "", "000", "", "crm-7"),
    ]);
    for threshold in ["0.5", "0.2", "0.9"] {
        let target = format!("{CHECK}?threshold={threshold}");
        let answer = app.send("POST", &target, &json!(asked));
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let expected = check_on_command_line(&app, &asked, &["--threshold", threshold]);
        assert_eq!(expected.len(), asked.len());
        for (line, expected) in as_lines(&answer).iter().zip(&expected) {
            assert_eq!(line, expected, "threshold {threshold}");
        }
        for verdict in ["new", "exact", "likely", "conflict", "duplicate_in_file", "invalid"] {
            let count = expected.iter().filter(|line| line["verdict"] == verdict).count();
            assert!(count > 0, "{verdict} at {threshold}");
            assert_eq!(answer["counts"][verdict], count, "{verdict}");
        }
    }
    let default = check(&app, &json!(asked));
    assert_eq!(as_lines(&default), check_on_command_line(&app, &asked, &[]));
}

#[test]
fn an_invalid_item_names_its_member_and_does_not_stop_the_others() {
    let app = TestApp::start();
    let known = &batch(&app, json!([{ "name": "Ana Etcheverry", "phone": "+5491123456789" }]))[0];
    let items = json!([
        { "name": "Nobody" },
        { "name": "Ana Etcheverry", "phone": "011 15 2345-6789", "unknown": 1 },
        7,
        { "email": "a@x.com", "blocked": "no" },
        { "name": "Bea Nuñez", "email": "bea@x.com" },
        { "email": "a@x.com", "lastInboundAt": "2999-01-01T00:00:00Z" },
        { "email": "BEA@x.com" },
    ]);
    let answer = check(&app, &items);
    let names = [
        "invalid",
        "exact",
        "invalid",
        "invalid",
        "new",
        "invalid",
        "duplicate_in_file",
    ];
    assert_eq!(members(&answer, "verdict"), names);
    let (expected, reasons) = (0..names.len(), members(&answer, "reasons"));
    assert_eq!(members(&answer, "index"), expected.map(Value::from).collect::<Vec<_>>());
    assert_eq!(
        [0, 2, 3, 5].map(|at| reasons[at][0].as_str().unwrap()),
        [
            "The contact is not identified. Give 'externalUserId', 'phone' or 'email'.",
            "An object was expected. Send {…}.",
            "The member 'blocked' should be true or false.",
            "The time 'lastInboundAt' is more than five minutes ahead. Check the sender's clock.",
        ]
    );
    assert_eq!(answer["results"][1]["contactIds"], json!([known["id"]]));
    assert_eq!(answer["results"][6]["duplicateOf"], 4);
    assert_eq!(
        answer["results"][0],
        json!({
            "index": 0, "verdict": "invalid", "score": 0.0, "reasons": reasons[0], "contactIds": [],
            "duplicateOf": null,
        })
    );
    assert_eq!(
        answer["counts"],
        json!({ "new": 1, "exact": 1, "likely": 0, "conflict": 0, "duplicate_in_file": 1, "invalid": 4 })
    );
}

#[test]
fn a_call_has_at_most_a_thousand_contacts_and_a_probability_as_its_threshold() {
    let app = TestApp::start();
    let items = |count: usize| -> Value {
        (0..count)
            .map(|number| json!({ "externalUserId": format!("{number}") }))
            .collect()
    };
    let full = check(&app, &items(1_000));
    assert_eq!(full["counts"]["new"], 1_000);
    let answer = app.send("POST", CHECK, &items(1_001));
    assert_eq!(
        refusal(&answer),
        "'contacts' has more than 1000 items. Send fewer at once."
    );
    assert_eq!(
        refusal(&app.send("POST", CHECK, &json!({}))),
        "Give the member 'contacts'."
    );
    assert_eq!(check(&app, &json!([]))["results"], json!([]));
    for wrong in ["0", "-1", "1.01", "x", "NaN", "inf", "0,5"] {
        let answer = app.send("POST", &format!("{CHECK}?threshold={wrong}"), &items(1));
        let expected = "The parameter 'threshold' should be a number above 0 and up to 1, such as 0.8.";
        assert_eq!(refusal(&answer), expected, "{wrong}");
        assert_eq!(answer.header("x-error-code"), Some("parameter-invalid"));
        assert_eq!(answer.json()["param"], "threshold");
    }
    for right in ["", "1", "0.001", "5e-1"] {
        let answer = app.send("POST", &format!("{CHECK}?threshold={right}"), &items(1));
        assert_eq!(answer.status, 200, "{right}");
    }
    assert_eq!(stored(&app, "name"), "", "nothing was written");
}

#[test]
fn a_key_that_may_only_search_checks_contacts_in_a_database_that_takes_no_writes() {
    let app = TestApp::start();
    batch(&app, json!([{ "name": "Ana Etcheverry", "phone": "+5491123456789" }]));
    let key = add_key(&mut app.database.connect(), app.client, &[Scope::Search], None);
    app.sql(
        "DO $$ BEGIN
            EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = true', current_database());
        END $$",
    );
    let body = json!([{ "phone": "+5491123456789", "name": "Ana Etcheverry" }]).to_string();
    let answer = app.server.send_json("POST", CHECK, Some(&key), body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["counts"]["exact"], 1);
}

#[test]
fn contacts_of_other_clients_are_not_compared() {
    let app = TestApp::start();
    let other = TestApp::start();
    let contact = json!([{ "name": "Ana Etcheverry", "phone": "+5491123456789" }]);
    batch(&other, contact.clone());
    let mut connection = app.database.connect();
    let client = contact_search::store::clients::create_client(
        &mut connection,
        "Neighbour",
        contact_search::domain::phone::Region::DEFAULT,
    )
    .unwrap();
    let key = add_key(&mut connection, client, &Scope::ALL, None);
    let written = app
        .server
        .send_json("POST", "/api/v1/contacts/", Some(&key), contact.to_string().as_bytes());
    assert_eq!(written.status, 200);
    assert_eq!(check(&app, &contact)["counts"]["new"], 1);
}

/// Sends a check that waits for a lock on the contacts.
fn send_check(server: &Server, key: &str) -> TcpStream {
    let body = json!([{ "phone": "+5491123456789" }]).to_string();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST {CHECK} HTTP/1.1\r\nHost: test\r\nX-API-Key: {key}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream
}

fn read_answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::parse(&bytes)
}

#[test]
fn one_check_runs_at_a_time_and_ends_at_its_deadline_while_other_calls_are_answered() {
    let app = TestApp::start_with(&REAL_DEADLINES);
    batch(&app, json!([{ "name": "Ana Etcheverry", "phone": "+5491123456789" }]));
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    let late = send_check(&app.server, &app.key);
    app.database.wait_for_blocked_check();
    let start = Instant::now();
    let busy = read_answer(send_check(&app.server, &app.key));
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")), "{busy:?}");
    assert_eq!(busy.header("x-error-code"), Some("server-busy"));
    assert!(
        start.elapsed() > Duration::from_secs(1),
        "it waits for the other check first"
    );
    // The lanes for other calls have connections of their own.
    assert_eq!(app.get("/api/v1/normalize?phone=1").status, 200);
    let late = read_answer(late);
    assert_eq!((late.status, late.header("retry-after")), (503, Some("10")), "{late:?}");
    assert_eq!(late.header("x-error-code"), Some("check-unfinished"));
    assert!(
        late.json()["detail"]
            .as_str()
            .unwrap()
            .contains("`contact-search check`")
    );
    execute(&mut blocker, "ROLLBACK");
    thread::sleep(Duration::from_millis(100));
    assert_eq!(
        check(&app, &json!([{ "phone": "+5491123456789" }]))["counts"]["exact"],
        1
    );
}

#[test]
fn the_check_of_a_client_that_has_gone_away_ends_early() {
    let app = TestApp::start();
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    let gone = send_check(&app.server, &app.key);
    app.database.wait_for_blocked_check();
    // A test that starts a process at this moment shares the socket with it for a moment, so a drop would not close it.
    gone.shutdown(Shutdown::Both).unwrap();
    execute(&mut blocker, "ROLLBACK");
    app.server
        .wait_for_log(|log| log.contains("an unfinished check of contacts"));
    assert_eq!(check(&app, &json!([{ "phone": "+5491123456789" }]))["counts"]["new"], 1);
}
