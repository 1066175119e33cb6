//! `POST /page/check`: the check of a file on the search page.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use contact_search::domain::key::Scope;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{Answer, Server, add_key};
use crate::support::check::file;
use crate::support::command::{run_on, stdout};
use crate::support::contact_api::{batch, stored};
use crate::support::database::execute;
use crate::support::import::FAKE_1000;

const CHECK: &str = "/page/check";

fn send(app: &TestApp, key: &str, content: &[u8]) -> Answer {
    app.server.send_body("POST", CHECK, &[("X-API-Key", key)], content)
}

/// The body of an answer in chunks. Each chunk begins with its length.
fn join_chunks(body: &str) -> String {
    let (mut rest, mut joined) = (body, String::new());
    while let Some((length, chunk)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        joined += &chunk[..length];
        rest = &chunk[length + 2..];
    }
    joined
}

/// The parts of the answer.
fn check(app: &TestApp, content: &[u8]) -> Vec<Value> {
    let answer = send(app, &app.key, content);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let body = join_chunks(&answer.body);
    let lines = body.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn rows(parts: &[Value]) -> Vec<Value> {
    let parts = parts.iter().filter_map(|part| part["rows"]["rows"].as_array());
    parts.flatten().cloned().collect()
}

/// The labelled file with its names in two columns, and a column that a spreadsheet would read as a formula.
fn labelled() -> String {
    let text = String::from_utf8_lossy(FAKE_1000);
    let mut file = "Name;Mail;Ext ID;Note\n".to_owned();
    for (at, line) in text.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let id = if at % 9 == 0 { cells[6] } else { "" };
        let _ = writeln!(file, "{} {};{};{id};=1+{at}", cells[1].trim(), cells[2], cells[5]);
    }
    file.replace("Ext ID", "external_user_id").replace("Mail", "email")
}

#[test]
fn the_verdicts_and_the_file_are_those_of_the_command_line() {
    let app = TestApp::start();
    let content = labelled();
    let known = content.lines().skip(1).step_by(3).filter_map(|line| {
        let cells: Vec<&str> = line.split(';').collect();
        let contact = json!({ "name": cells[0], "email": cells[1], "platform": "web" });
        cells[1].contains('@').then_some(contact)
    });
    batch(&app, known.collect());
    let parts = check(&app, content.as_bytes());

    let input = file(&content);
    let output = tempfile::NamedTempFile::new().unwrap();
    let path = |file: &tempfile::NamedTempFile| file.path().to_str().unwrap().to_owned();
    let (input, output) = (path(&input), path(&output));
    let arguments = [
        "check", &input, "--client", "Test", "--json", "--output", &output, "--force",
    ];
    let printed = stdout(run_on(&app.database, &arguments));
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rows = rows(&parts);
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        for (name, value) in line.as_object().unwrap() {
            assert_eq!(row[name], *value, "{name} of {line}");
        }
    }
    let texts = parts
        .iter()
        .filter_map(|part| part["file"]["csv"].as_str().or(part["rows"]["csv"].as_str()));
    assert_eq!(texts.collect::<String>(), std::fs::read_to_string(&output).unwrap());
    let last = parts.last().unwrap();
    assert_eq!(last["done"]["read"], lines.len());
    assert!(last["done"]["groups"].as_u64().unwrap() > 100);
    assert!(parts[0]["file"]["columns"].as_str().unwrap().contains("email"));
    let first = content.lines().nth(1).unwrap().split(';').collect::<Vec<_>>();
    assert_eq!(
        (&rows[0]["name"], &rows[0]["email"]),
        (&json!(first[0].trim()), &json!(first[1]))
    );
    let largest = parts
        .iter()
        .filter_map(|part| Some(part["rows"]["rows"].as_array()?.len()))
        .max();
    assert_eq!(largest, Some(1_000), "the rows come in parts of 1,000");
}

#[test]
fn nothing_is_written_and_rows_of_all_formats_are_read() {
    let app = TestApp::start();
    let card =
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana Etcheverry\r\nTEL:+5491123456789\r\nTEL:+5491123456780\r\nEND:VCARD\r\n";
    let parts = check(&app, card.as_bytes());
    let rows = rows(&parts);
    assert_eq!(
        (&rows[0]["verdict"], &rows[0]["name"]),
        (&json!("new"), &json!("Ana Etcheverry"))
    );
    let latin = b"name;phone\nJos\xe9 Nu\xf1ez;+5491123456789\nAn\xe1;\n";
    let parts = check(&app, latin);
    let notes = parts.last().unwrap()["done"]["notes"].as_str().unwrap();
    assert_eq!(notes, "the file was read as windows-1252, which is not UTF-8");
    assert_eq!(stored(&app, "name"), "");
}

#[test]
fn a_file_that_is_no_table_of_contacts_is_refused_before_the_check() {
    let app = TestApp::start();
    let refused = |content: &[u8], status: u16, code: &str| {
        let answer = send(&app, &app.key, content);
        assert_eq!(
            (answer.status, answer.header("x-error-code")),
            (status, Some(code)),
            "{answer:?}"
        );
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused(b"", 400, "file-unreadable").contains("the file is empty"));
    // A page has no options, so the advice is another name of the column.
    assert_eq!(
        refused(b"a,b\n1,2\n", 400, "file-unreadable"),
        "The file can't be checked: no column is recognised as phone, email or external_user_id: name one “phone” in \
         the first line of the file; the columns are a, b."
    );
    let two = refused(b"telefono,celular\n1155550001,1155550002\n", 400, "file-unreadable");
    assert!(
        two.ends_with("keep one of them, and remove the others from the file."),
        "{two}"
    );
    let parts = check(&app, b"Phone 1,Phone 2\n1155550001,\n,1155550002\n");
    let second = parts.last().unwrap()["error"]["detail"].as_str().unwrap();
    assert!(second.ends_with("put the values of both into one column."), "{second}");
    for mended in ["phone\n1155550001\n", "telefono\n1155550001\n", "Phone 1\n1155550002\n"] {
        assert!(
            check(&app, mended.as_bytes()).last().unwrap()["done"].is_object(),
            "{mended}"
        );
    }
    assert!(refused(b"PK\x03\x04 no archive", 400, "file-unreadable").contains("workbook"));
    let large = vec![b'x'; 16 * 1024 * 1024 + 1];
    assert_eq!(
        refused(&large, 413, "body-too-large"),
        "The body is larger than 16 MiB. Send less at once."
    );
    // The fault is beyond the header, so the answer has begun.
    let parts = check(&app, b"name,email\nAna,ana@x.com\n\"Open,quote\n");
    let error = &parts.last().unwrap()["error"];
    assert_eq!(
        (&error["status"], &error["code"]),
        (&json!(400), &json!("file-unreadable"))
    );
    assert!(error["detail"].as_str().unwrap().contains("line 3"));
}

#[test]
fn the_check_needs_a_key_with_the_scope_search() {
    let app = TestApp::start();
    let content = b"name,email\nAna,ana@x.com\n";
    let none = app.server.send_body("POST", CHECK, &[], content);
    assert_eq!((none.status, none.header("x-error-code")), (401, Some("key-missing")));
    let mut connection = app.database.connect();
    let writer = add_key(&mut connection, app.client, &[Scope::Lookup, Scope::Write], None);
    let answer = send(&app, &writer, content);
    assert_eq!(
        (answer.status, answer.header("x-error-code")),
        (403, Some("scope-missing"))
    );
    let reader = add_key(&mut connection, app.client, &[Scope::Search], None);
    assert_eq!(send(&app, &reader, content).status, 200);
    let without = TestApp::start_with(&["--no-page"]);
    assert_eq!(send(&without, &without.key, content).status, 404);
}

/// Sends a file, and does not read the answer.
fn begin(server: &Server, key: &str) -> TcpStream {
    let content = "name,email\nAna,ana@x.com\n";
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST {CHECK} HTTP/1.1\r\nHost: test\r\nX-API-Key: {key}\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn one_file_is_checked_at_a_time_and_a_client_that_goes_away_ends_its_check() {
    let app = TestApp::start();
    let mut blocker = app.database.connect();
    execute(&mut blocker, "BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE");
    let mut running = begin(&app.server, &app.key);
    app.database.wait_for_blocked_check();
    let busy = send(&app, &app.key, b"name,email\nAna,ana@x.com\n");
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")), "{busy:?}");
    // Blank lines keep the connection open longer than the server allows an idle one.
    let mut read = String::new();
    while read.matches("\n\r\n").count() < 6 {
        let mut bytes = [0; 1024];
        let count = running.read(&mut bytes).unwrap();
        assert!(count > 0, "the server closes the connection: {read}");
        read += &String::from_utf8_lossy(&bytes[..count]);
    }
    running.shutdown(Shutdown::Both).unwrap();
    execute(&mut blocker, "ROLLBACK");
    for _ in 0..100 {
        let answer = send(&app, &app.key, b"name,email\nAna,ana@x.com\n");
        if answer.status == 200 {
            return;
        }
        assert_eq!(answer.status, 503);
    }
    panic!("the check of the client that has gone away does not end");
}

#[test]
fn a_slow_upload_does_not_keep_others_from_their_checks() {
    let app = TestApp::start();
    let slow: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = TcpStream::connect(app.server.address()).unwrap();
            let head = format!(
                "POST {CHECK} HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\nContent-Length: 1000\r\n\r\nname,email\n",
                app.key
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(rows(&check(&app, b"name,email\nAna,ana@x.com\n")).len(), 1);
    }
    drop(slow);
}

#[test]
fn a_file_with_too_many_rows_is_refused_with_a_sentence_that_names_the_command() {
    let app = TestApp::start();
    let parts = check(&app, format!("email\n{}", "x\n".repeat(200_001)).as_bytes());
    let error = &parts.last().unwrap()["error"];
    assert_eq!(error["status"], 400, "{error}");
    let detail = error["detail"].as_str().unwrap();
    assert!(
        detail.contains("more than 200000 rows") && detail.contains("`contact-search check`"),
        "{detail}"
    );
}
