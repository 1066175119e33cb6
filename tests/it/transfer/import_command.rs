//! `contact-search import`, as a user types it.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::app::{encode, on_terminal, program};
use crate::support::command::{CommandOutput, run};
use crate::support::{TestApp, TestDatabase};

const FAKE_1000: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/fake_1000.csv");

/// `import FILE` into the client `Test` of a database.
fn command(database: &TestDatabase, file: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = program();
    command.arg("import").arg(file.as_ref()).args(["--client", "Test"]);
    command.args(arguments).env("DATABASE_URL", database.url());
    command
}

/// A temporary file with the text.
fn file(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file can be created");
    file.write_all(text.as_ref()).expect("a file can be written");
    file
}

fn contacts(database: &TestDatabase) -> i64 {
    database.count("SELECT count(*) AS count FROM contacts")
}

/// Waits for a process that must end on its own.
fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        if start.elapsed() > Duration::from_secs(20) {
            let _ = child.kill();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_running_server_finds_imported_contacts_at_once() {
    let app = TestApp::start();
    let columns = [
        "--column",
        "name=first_name,surname",
        "--column",
        "external_user_id=unique_id",
        "--skip-bad-rows",
    ];
    let hannah = || app.get("/api/public/contacts/search?email=hannah88");
    assert_eq!(hannah().json(), Value::Array(Vec::new()));
    let output = run(command(&app.database, FAKE_1000, &columns), "");
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        output.stdout,
        "1000 rows read = 990 created + 0 updated + 0 unchanged + 0 merged within the file + 10 rejected\n"
    );
    assert!(
        output.stderr.starts_with(
            "  name             from first_name, surname\n  email            from email\n  external_user_id from \
             unique_id\n  ignored: dob, city, cluster\n\n\
             line 12, column email: it is no email: an '@' between other characters is needed\n"
        ),
        "{}",
        output.stderr
    );
    let found = hannah().json();
    let mut names: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Julia", "Julia Taylor", "Julia Taylor", "Julia Taylor"]);
}

#[test]
fn rows_without_an_identity_are_reported_one_by_one_or_skipped() {
    let app = TestApp::start();
    let columns = ["--column", "name=first_name,surname"];
    let lists = "SELECT count(*) AS count FROM contact_lists";
    let before = app.database.count(lists);
    let output = run(command(&app.database, FAKE_1000, &columns), "");
    assert_eq!((output.status, output.stdout.as_str()), (Some(1), ""));
    let rejected = |stderr: &str| stderr.lines().filter(|line| line.starts_with("line ")).count();
    assert_eq!(rejected(&output.stderr), 122, "{}", output.stderr);
    let reason = ", column email: an external id, a phone with digits, or an email is needed";
    let without_sign = ", column email: it is no email: an '@' between other characters is needed";
    let lines_with = |reason| output.stderr.lines().filter(|line| line.ends_with(reason)).count();
    assert_eq!((lines_with(reason), lines_with(without_sign)), (112, 10));
    assert!(
        output.stderr.ends_with(&format!(
            "{reason}\ncontact-search: {FAKE_1000} was not imported: 122 of 1000 rows can't be imported, so nothing was \
             written: correct them, or skip them with --skip-bad-rows\n"
        )),
        "{}",
        output.stderr
    );
    assert_eq!((contacts(&app.database), app.database.count(lists)), (0, before));

    let output = run(
        command(&app.database, FAKE_1000, &[&columns[..], &["--skip-bad-rows"]].concat()),
        "",
    );
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(
        output.stdout,
        "1000 rows read = 327 created + 0 updated + 0 unchanged + 551 merged within the file + 122 rejected\n"
    );
    assert_eq!(rejected(&output.stderr), 122, "{}", output.stderr);
    assert_eq!(contacts(&app.database), 327);
}

#[test]
fn a_contact_keeps_both_ids_when_imports_add_an_external_id_and_change_the_phone() {
    let app = TestApp::start();
    let import = |text: &str| {
        let file = file(text);
        let output = run(command(&app.database, file.path(), &[]), "");
        assert_eq!(output.status, Some(0), "{}", output.stderr);
    };
    let ids = |phone: &str| {
        let phone = encode(phone);
        let reached = app.get(&format!("/api/v1/contact-lookup/?phone={phone}")).json();
        let found = app.get(&format!("/api/public/contacts/search?phone={phone}")).ids();
        (reached["contact"]["id"].as_i64(), found)
    };
    import("phone,name\n+5491155550001,Ana\n");
    let first = ids("+5491155550001");
    assert!(first.0.is_some() && first.1.len() == 1, "{first:?}");
    import("phone,external_id\n+5491155550001,x\n");
    assert_eq!(ids("+5491155550001"), first, "the contact is adopted");
    import("phone,external_id\n+5491155550002,x\n");
    assert_eq!(ids("+5491155550002"), first, "the contact has another phone");
    assert_eq!(ids("+5491155550001"), (None, Vec::new()));
}

#[test]
fn rows_that_share_an_unresolved_phone_are_reported_in_the_summary() {
    let app = TestApp::start();
    let file = file("phone,email\n4555000,a@x.com\n4555000,b@x.com\n4555000,c@x.com\n");
    let output = run(command(&app.database, file.path(), &[]), "");
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(
        output
            .stdout
            .contains("\n3 rows share an invalid phone with a contact that has another email: "),
        "{}",
        output.stdout
    );
}

#[test]
fn messages_never_repeat_the_contents_of_a_bad_row() {
    let app = TestApp::start();
    let (phone, email, name) = ("+5491155557777", "canary@example.com", "Canary");
    let bad = [
        format!("{name},{phone},{email},perhaps,"),
        format!("{name},{phone},{email},,31/12/2024"),
        format!("{name},{phone},{email},,2999-01-01"),
        format!("{name},{phone},{email},,,{name}"),
        format!("{name}{},{phone},{email},,", "x".repeat(600)),
        format!("{name},{},{email},,", phone.repeat(30)),
        format!("{name},,,,"),
    ];
    let text = format!("name,phone,email,blocked,created_at\n{}\n", bad.join("\n"));
    let broken = [
        text.as_bytes(),
        b"Canary \xc3\xb1,+5491155557777,canary@example.com,\xff,\n",
    ]
    .concat();
    let headless = format!("{name},{phone},{email}\n");
    for (text, arguments, status) in [
        (text.as_bytes(), &[][..], 1),
        (text.as_bytes(), &["--skip-bad-rows"], 0),
        (&broken, &["--skip-bad-rows"], 1),
        (headless.as_bytes(), &[], 1),
        (headless.as_bytes(), &["--column", "phone=tel"], 1),
    ] {
        let file = file(text);
        let CommandOutput {
            status: ended,
            stdout,
            stderr,
        } = run(command(&app.database, file.path(), arguments), "");
        assert_eq!(ended, Some(status), "{stderr}");
        let output = format!("{stdout}{stderr}").to_lowercase();
        for canary in ["canary", "5491155557777"] {
            assert!(!output.contains(canary), "{output}");
        }
        if status == 0 {
            assert!(
                output.contains("7 rows read") && output.contains(" 7 rejected"),
                "{output}"
            );
        }
    }
    assert_eq!(contacts(&app.database), 0);
}

#[test]
fn wrong_options_and_files_are_refused_before_a_database_is_created() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let good = file("email\na@example.com\n");
    let empty = file("");
    let unclear = file("tel,mobile\n1,2\n");
    let (path, data_dir) = (good.path().to_str().unwrap(), data.to_str().unwrap());
    for (arguments, status, expected) in [
        (&["--list", " "][..], 1, "the list's name must have 1 to 200 characters"),
        (&["--platform", ""], 1, "the platform must have 1 to 64 characters"),
        (&["--region", "XX"], 2, "ISO 3166"),
        (&["--column", "fone=x"], 2, "there is no field “fone”"),
        (&["--column", "phone=x"], 1, "the file has no column “x”"),
    ] {
        let mut command = program();
        command.args(["import", path, "--client", "Test", "--data-dir", data_dir]);
        command.args(arguments);
        let output = run(command, "");
        assert_eq!(output.status, Some(status), "{}", output.stderr);
        assert!(output.stderr.contains(expected), "{}", output.stderr);
    }
    let missing = directory.path().join("none.csv");
    for (path, expected) in [
        (missing.as_path(), "can't be opened"),
        (directory.path(), "the file can't be read"),
        (empty.path(), "the file is empty"),
        (unclear.path(), "the columns tel, mobile could all be phone"),
    ] {
        let mut command = program();
        command
            .arg("import")
            .arg(path)
            .args(["--client", "Test", "--data-dir", data_dir]);
        let output = run(command, "");
        assert_eq!(output.status, Some(1), "{}", output.stderr);
        assert!(output.stderr.contains(expected), "{}", output.stderr);
    }
    assert!(!data.exists(), "the data directory must not be created");
}

#[test]
fn a_missing_client_is_reported_before_the_rows_are_read() {
    let database = TestDatabase::new();
    let mut command = command(&database, "-", &[]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Writes more bytes than the import reads for the header. The pipe stays open, so the file has no end yet.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all("email\n".repeat(11_000).as_bytes()).unwrap();
    assert_eq!(wait(&mut child), Some(1));
    drop(stdin);
    let output = CommandOutput::from(child.wait_with_output().unwrap());
    assert!(
        output.stderr.contains("contact-search client list"),
        "{}",
        output.stderr
    );
}

#[test]
fn import_draws_a_progress_bar_only_on_a_terminal() {
    let app = TestApp::start();
    let file = file("email,name\na@example.com,Ana\n,Bea\nc@example.com,Cid\n");
    let arguments = format!("import '{}' --client Test --skip-bad-rows", file.path().display());
    let (status, output) = on_terminal(&app.database, &arguments);
    assert_eq!(status, Some(0), "{output}");
    let (bar, clear) = ("█", "\u{1b}[2K");
    assert!(output.contains(bar) && output.contains("100 %"), "{output:?}");
    let (_, last) = output.rsplit_once(clear).expect("the bar is cleared");
    assert!(
        last.contains("3 rows read = 2 created") && !last.contains(bar),
        "{last:?}"
    );
    assert!(output.contains("line 3, column email: "), "{output:?}");

    let output = run(command(&app.database, file.path(), &["--skip-bad-rows"]), "");
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    for text in [output.stdout, output.stderr] {
        assert!(
            !text.contains(bar) && !text.contains('\u{1b}') && !text.contains('\r'),
            "{text:?}"
        );
    }
}

/// The peak memory of a process so far in KiB, or `None` if the process has ended.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn neither_the_file_nor_its_rejected_rows_are_kept_in_memory() {
    const ROWS: usize = 400_000;
    const MIB: u64 = 1024 * 1024;
    let app = TestApp::start();
    // Nineteen of twenty rows are rejected. All others are about one contact. Thus reading takes most of the time.
    let good = format!("a@example.com,Ana,{}\n", "x".repeat(230));
    let bad = format!(",Bea,{}\n", "y".repeat(250));
    let rows = [good, bad.repeat(19)].concat();
    let mut text = tempfile::tempfile().unwrap();
    text.write_all(b"email,name,notes\n").unwrap();
    for _ in 0..ROWS / 20 {
        text.write_all(rows.as_bytes()).unwrap();
    }
    assert!(text.metadata().unwrap().len() > 95 * MIB);
    text.rewind().unwrap();
    let stderr_file = tempfile::NamedTempFile::new().unwrap();
    let mut child = command(&app.database, "-", &["--skip-bad-rows"])
        .stdin(text)
        .stdout(Stdio::piped())
        .stderr(File::create(stderr_file.path()).unwrap())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while let Some(now) = peak_memory(child.id()) {
        peak = now;
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = child.wait().unwrap();
    let output = CommandOutput::from(child.wait_with_output().unwrap());
    assert_eq!(status.code(), Some(0));
    assert!(
        output.stdout.starts_with("400000 rows read = 1 created + "),
        "{}",
        output.stdout
    );
    let rejections = fs::read_to_string(stderr_file.path()).unwrap();
    assert_eq!(
        rejections.lines().filter(|line| line.starts_with("line ")).count(),
        ROWS / 20 * 19
    );
    assert!(0 < peak && peak * 1024 < 64 * MIB, "{peak} KiB");
}
