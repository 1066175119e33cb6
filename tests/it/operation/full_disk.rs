//! The disk of the private database fills up during requests, and has room again later.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::store;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::json;

use crate::support::app::{Answer, Server, program};
use crate::support::database::programs;
use crate::support::disk::{fill, small_disk};
use crate::support::{PATIENCE, SetOnDrop, wait_until};

/// At first the disk has no room for rows, and later none for PostgreSQL's WAL. Without room for its WAL, PostgreSQL
/// stops, and every restart fails.
#[test]
fn a_full_disk_is_503_until_there_is_room_and_no_acknowledged_write_is_lost() {
    let test = "operation::full_disk::a_full_disk_is_503_until_there_is_room_and_no_acknowledged_write_is_lost";
    let Some(disk) = small_disk(test, "200m") else { return };
    let (data_dir, ballast) = (disk.join("data"), disk.join("ballast"));
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--pool-size", "16", "--no-demo"]);
    command.args(["--bootstrap", "Test", "--data-dir"]).arg(&data_dir);
    if let Some(programs) = programs() {
        command.arg("--pg-bin").arg(programs);
    }
    let server = Server::start(command);
    let output = server.output.lock().unwrap().clone();
    let (_, rest) = output.split_once("shown only once: ").expect("a key");
    let key = rest.split_whitespace().next().expect("a key");
    let database = PrivateDatabase::open(&Options {
        data_dir,
        programs: programs(),
        settings: Vec::new(),
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let mut superuser = store::connection::connect(&database.superuser_url("contact_search")).unwrap();

    let read = || server.get("/api/public/contacts/search?email=ana", Some(key));
    let write = |external_user_id: &str| {
        let name = "Ana ".repeat(100);
        let body = json!({
            "channel": "webchat", "external_user_id": external_user_id, "contact_name": name,
            "contact_email": format!("ana{external_user_id}@example.com"),
        });
        let body = body.to_string();
        server.send_json("POST", "/api/public/customer/upsert/info", Some(key), body.as_bytes())
    };
    let readyz = || server.get("/readyz", None).status;
    let should_stop = AtomicBool::new(false);
    let repeat = |ask: &dyn Fn(usize) -> Answer| {
        let mut answers = Vec::new();
        while !should_stop.load(Ordering::Relaxed) {
            answers.push(ask(answers.len()));
            thread::sleep(Duration::from_millis(5));
        }
        answers
    };
    let (reads, writes) = thread::scope(|scope| {
        let (repeat, read, write) = (&repeat, &read, &write);
        let reader = scope.spawn(move || repeat(&|_| read()));
        let writer = scope.spawn(move || repeat(&|number| write(&number.to_string())));
        let stop = SetOnDrop(&should_stop);
        let mut probes = 0;
        let mut probe = || {
            probes += 1;
            write(&format!("probe{probes}"))
        };

        assert_eq!((read().status, probe().status), (200, 200));
        fill(&ballast, u64::MAX);
        let refusal = "The database takes no writes now. Try again in a second.";
        wait_until(PATIENCE, "writes still succeed", || {
            let answer = probe();
            answer.status == 503 && answer.header("retry-after") == Some("1") && answer.body.contains(refusal)
        });
        wait_until(PATIENCE, "reads do not work on a full disk", || {
            (read().status, readyz(), probe().status) == (200, 200, 503)
        });
        server.wait_for_log(|log| log.contains("the database's disk is full"));
        assert_eq!(server.get("/healthz", None).status, 200);
        fs::remove_file(&ballast).unwrap();
        wait_until(PATIENCE, "writes do not succeed again", || probe().status == 200);

        fill(&ballast, u64::MAX);
        // This time PostgreSQL stops, and each restart fails.
        wait_until(PATIENCE, "PostgreSQL keeps running without room for its WAL", || {
            // Switches to another WAL segment, for which there is no room.
            let _ = superuser.batch_execute("SELECT pg_switch_wal(), pg_logical_emit_message(false, '', '')");
            server
                .log
                .lock()
                .unwrap()
                .contains("PostgreSQL stopped unexpectedly; restarting it failed")
        });
        wait_until(PATIENCE, "the server is still ready", || readyz() == 503);
        assert_eq!(server.get("/healthz", None).status, 200);
        assert_eq!((read().status, probe().status), (503, 503));
        fs::remove_file(&ballast).unwrap();
        wait_until(PATIENCE, "the server does not recover", || {
            readyz() == 200 && read().status == 200 && probe().status == 200
        });
        drop(stop);
        (reader.join().unwrap(), writer.join().unwrap())
    });
    for answer in reads.iter().chain(&writes) {
        assert!([200, 503, 504].contains(&answer.status), "{answer:?}");
    }
    let acknowledged: Vec<_> = (0..).zip(&writes).filter(|(_, answer)| answer.status == 200).collect();
    println!(
        "{} reads, {} writes, {} acknowledged",
        reads.len(),
        writes.len(),
        acknowledged.len()
    );

    let mut connection = store::connection::connect(&database.url()).unwrap();
    let mut count = |sql: &str| {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let row: Row = diesel::sql_query(sql).get_result(&mut connection).unwrap();
        row.count
    };
    let ids: Vec<_> = acknowledged.iter().map(|(number, _)| format!("'{number}'")).collect();
    let missing = format!(
        "SELECT count(*) FROM unnest(ARRAY[{}]) AS written (id)
         WHERE NOT EXISTS (SELECT FROM contacts WHERE external_user_id = written.id)",
        ids.join(", ")
    );
    assert_eq!(count(&missing), 0);
    // A contact and its search texts are written together.
    let halves = "SELECT count(*) FROM contacts FULL JOIN contact_texts USING (client_id, id)
        WHERE contacts.email IS NULL OR contact_texts.email_lower IS NULL";
    assert_eq!(count(halves), 0);
    // The server no longer uses the database, so closing it stops PostgreSQL.
    drop(server);
    database.close().expect("PostgreSQL stops");
}
