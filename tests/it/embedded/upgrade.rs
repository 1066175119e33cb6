//! `contact-search database upgrade` between two versions of PostgreSQL. `script/check test-postgresql-18` names the
//! programs of both.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use contact_search::embedded::{Options, PrivateDatabase};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::backup::{contents, credential_version, error_of, printed, rows};
use crate::support::command::{CommandOutput, private, run};
use crate::support::database::{execute, programs};
#[cfg(target_os = "linux")]
use crate::support::disk::small_disk;
use crate::support::private_database::{connect, durable, is_running, query};
use crate::support::{OwnDirectory, PATIENCE, wait_until};

/// Names the directory of the older programs. `CONTACT_SEARCH_TEST_PG_BIN` names that of the newer ones.
const OLD: &str = "CONTACT_SEARCH_TEST_OLD_PG_BIN";

/// How often the kill test kills an upgrade.
const KILLS: usize = 20;

/// How many data directories the kill test uses at once.
const WORKERS: usize = 4;

/// The directory of the older programs. Without it, says that the test is not run, also if the test's output is
/// captured.
fn old_programs(test: &str) -> Option<PathBuf> {
    let old = std::env::var_os(OLD).map(PathBuf::from);
    if old.is_none() {
        let line = format!("NOT RUN: {test} needs {OLD}. `script/check test-postgresql-18` runs it.\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    old
}

fn new_programs() -> PathBuf {
    programs().expect("CONTACT_SEARCH_TEST_PG_BIN names the newer programs")
}

fn open_with(data_dir: &Path, programs: &Path) -> PrivateDatabase {
    let options = Options {
        programs: Some(programs.to_owned()),
        ..durable(data_dir)
    };
    PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"))
}

/// A data directory of the older version with 1,000 contacts and a key.
fn old_data(old: &Path) -> OwnDirectory {
    let directory = OwnDirectory::new();
    for arguments in [
        &["generate", "--contacts", "1000", "--client", "Acme"][..],
        &["key", "create", "--client", "Acme"],
    ] {
        let mut command = private(directory.path(), arguments);
        command.env("CONTACT_SEARCH_PG_BIN", old);
        printed(command);
    }
    directory
}

fn upgrade(data_dir: &Path, old: &Path, flags: &[&str]) -> Command {
    let mut command = private(data_dir, &[&["database", "upgrade"], flags].concat());
    if flags.is_empty() {
        command.arg("--old-pg-bin").arg(old);
    }
    command
}

/// Runs a command that must succeed, and returns its standard error.
fn said(command: Command) -> String {
    let CommandOutput { status, stdout, stderr } = run(command, "");
    assert_eq!((status, stdout.as_str()), (Some(0), ""), "{stderr}");
    stderr
}

/// The standard error of an upgrade that must fail. It can have several lines, because PostgreSQL's own messages do.
fn refusal(data_dir: &Path, old: &Path) -> String {
    let CommandOutput { status, stderr, .. } = run(upgrade(data_dir, old, &[]), "");
    assert_eq!(status, Some(1), "{stderr}");
    stderr
}

fn major(pgdata: &Path) -> Option<u32> {
    let version = fs::read_to_string(pgdata.join("PG_VERSION")).ok()?;
    version.trim().parse().ok()
}

/// Whether an interrupted upgrade has got so far that the next command finishes it.
fn has_switched(data_dir: &Path, from: Option<u32>) -> bool {
    data_dir.join("postgres.next").exists() || major(&data_dir.join("postgres")) != from
}

/// Everything that an upgrade must keep.
fn kept(url: &str) -> Vec<String> {
    let mut kept = contents(url);
    kept.push(credential_version(url));
    kept.push(rows(url, "SELECT version FROM __diesel_schema_migrations"));
    kept
}

/// Compares two results of [`kept`], and shows only the first rows that differ.
fn assert_kept(url: &str, before: &[String], moment: &str) {
    for (after, before) in kept(url).iter().zip(before) {
        if after != before {
            let lines = after.lines().zip(before.lines());
            let difference = lines.into_iter().find(|(after, before)| after != before);
            panic!("{moment}: {difference:?}");
        }
    }
}

fn entries(data_dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["lease", "lock"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

#[test]
fn an_upgrade_keeps_all_rows_and_settings_and_the_way_back() {
    let Some(old) = old_programs("an_upgrade_keeps_all_rows_and_settings_and_the_way_back") else {
        return;
    };
    let new = new_programs();
    let directory = old_data(&old);
    let data_dir = directory.path();
    let pgdata = data_dir.join("postgres");
    let from = major(&pgdata).unwrap();
    let old_kept = data_dir.join(format!("postgres-{from}.old"));

    let database = open_with(data_dir, &old);
    let mut owner = connect(&database.superuser_url("contact_search"));
    execute(
        &mut owner,
        "ALTER ROLE contact_search SET search_path TO \"$user\", public",
    );
    execute(&mut owner, "ALTER DATABASE contact_search SET random_page_cost TO 1.5");
    execute(
        &mut owner,
        "ALTER ROLE ALL IN DATABASE contact_search SET application_name TO 'it''s ours'",
    );
    execute(&mut owner, "ALTER SYSTEM SET work_mem TO '5MB'");
    execute(
        &mut owner,
        "CREATE TABLE operators_own (\"a b\" text, n numeric); INSERT INTO operators_own VALUES (E'x\\n', 0.10)",
    );
    drop(owner);
    let before = kept(&database.url());
    database.close().unwrap();
    let config = pgdata.join("postgresql.conf");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text + "effective_cache_size = '3GB'\n").unwrap();

    let steps = said(upgrade(data_dir, &old, &[]));
    assert!(
        steps.contains(&format!("Moving the data from PostgreSQL {from}.")),
        "{steps}"
    );
    assert!(steps.contains("--back") && steps.contains("--remove-old"), "{steps}");
    let to = major(&pgdata).unwrap();
    assert!(to > from && major(&old_kept) == Some(from));
    assert!(!is_running(data_dir));
    let database = open_with(data_dir, &new);
    let url = database.url();
    assert_kept(&url, &before, "after the upgrade");
    for (setting, value) in [
        ("search_path", "\"$user\", public"),
        ("random_page_cost", "1.5"),
        ("work_mem", "5MB"),
        ("effective_cache_size", "3GB"),
        ("fsync", "on"),
        ("wal_level", "replica"),
        ("data_checksums", "on"),
        ("default_transaction_read_only", "off"),
    ] {
        assert_eq!(
            query(&url, &format!("current_setting('{setting}')")),
            value,
            "{setting}"
        );
    }
    assert_eq!(
        query(
            &database.superuser_url("contact_search"),
            "SELECT count(*) FROM operators_own WHERE \"a b\" = E'x\\n'"
        ),
        "1"
    );
    assert_eq!(
        query(&url, "SELECT reltuples FROM pg_class WHERE relname = 'contacts'"),
        "1000"
    );
    execute(&mut connect(&url), "CREATE TABLE written_later ()");
    database.close().unwrap();
    let found = printed(private(data_dir, &["search", "--client", "Acme", "a"]));
    assert!(!found.is_empty());
    assert!(said(upgrade(data_dir, &old, &[])).contains("nothing was done"));

    // Back, and forward again.
    said(upgrade(data_dir, &old, &["--back"]));
    let newer = data_dir.join(format!("postgres-{to}.old"));
    assert_eq!(
        (major(&pgdata), major(&newer), old_kept.exists()),
        (Some(from), Some(to), false)
    );
    let database = open_with(data_dir, &old);
    assert_kept(&database.url(), &before, "at the end");
    assert_eq!(query(&database.url(), "to_regclass('written_later') IS NULL"), "true");
    database.close().unwrap();
    assert!(error_of(upgrade(data_dir, &old, &["--remove-old"])).contains("the upgrade was taken back"));
    said(upgrade(data_dir, &old, &[]));
    assert!(said(upgrade(data_dir, &old, &["--remove-old"])).contains("postgres-"));
    // The data that `--back` has put aside have writes that no other data have.
    assert_eq!(entries(data_dir), ["postgres".to_owned(), format!("postgres-{to}.old")]);
    let database = open_with(data_dir, &new);
    assert_kept(&database.url(), &before, "at the end");
}

#[test]
fn an_upgrade_that_can_not_succeed_leaves_the_old_data_as_they_were() {
    let Some(old) = old_programs("an_upgrade_that_can_not_succeed_leaves_the_old_data_as_they_were") else {
        return;
    };
    let directory = old_data(&old);
    let data_dir = directory.path();
    let assert_unchanged = || {
        assert_eq!(entries(data_dir), ["postgres"]);
        assert!(!is_running(data_dir));
    };

    let database = open_with(data_dir, &old);
    let before = kept(&database.url());
    let message = error_of(upgrade(data_dir, &old, &[]));
    assert!(
        message.contains("a contact-search process uses the database"),
        "{message}"
    );
    let mut superuser = connect(&database.superuser_url("postgres"));
    execute(&mut superuser, "CREATE ROLE reporter");
    execute(&mut superuser, "CREATE DATABASE others");
    drop(superuser);
    database.close().unwrap();
    let message = error_of(upgrade(data_dir, &old, &[]));
    assert!(
        message.contains("have the database others, the role reporter, which"),
        "{message}"
    );
    assert_unchanged();

    let database = open_with(data_dir, &old);
    let mut superuser = connect(&database.superuser_url("postgres"));
    execute(&mut superuser, "DROP DATABASE others");
    execute(&mut superuser, "DROP ROLE reporter");
    drop(superuser);
    // The new version refuses a statement of the dump. Then pg_restore ends, and pg_dump, which still has texts to
    // write, ends by a signal.
    let mut superuser = connect(&database.superuser_url("contact_search"));
    execute(
        &mut superuser,
        "CREATE TABLE odd AS SELECT md5(n::text) || md5(n::text) AS content FROM generate_series(1, 50000) AS n; \
         UPDATE pg_attribute SET attoptions = '{no_option=1}' WHERE attrelid = 'odd'::regclass AND attnum = 1",
    );
    drop(superuser);
    database.close().unwrap();
    let message = refusal(data_dir, &old);
    assert!(
        message.contains("pg_restore failed") && message.contains("unrecognized parameter \"no_option\""),
        "{message}"
    );
    assert_unchanged();
    let database = open_with(data_dir, &old);
    let mut superuser = connect(&database.superuser_url("contact_search"));
    execute(&mut superuser, "DROP TABLE odd");
    drop(superuser);
    database.close().unwrap();

    // A setting that the newer version does not know.
    let config = data_dir.join("postgres/postgresql.conf");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}vacuum_defer_cleanup_age = 0\n")).unwrap();
    let message = refusal(data_dir, &old);
    assert!(
        message.contains("unrecognized configuration parameter \"vacuum_defer_cleanup_age\""),
        "{message}"
    );
    assert_unchanged();
    fs::write(&config, text).unwrap();

    let missing = data_dir.join("none");
    let message = error_of(upgrade(data_dir, &missing, &[]));
    assert!(
        message.contains("--old-pg-bin") && message.contains("none can't be used"),
        "{message}"
    );
    let database = open_with(data_dir, &old);
    assert_kept(&database.url(), &before, "at the end");
}

#[cfg(target_os = "linux")]
#[test]
fn an_upgrade_without_room_for_the_new_data_is_refused() {
    let Some(old) = old_programs("an_upgrade_without_room_for_the_new_data_is_refused") else {
        return;
    };
    let test = "embedded::upgrade::an_upgrade_without_room_for_the_new_data_is_refused";
    let Some(disk) = small_disk(test, "250m") else { return };
    let data_dir = disk.join("data");
    printed({
        let mut command = private(&data_dir, &["client", "create", "Acme"]);
        command.env("CONTACT_SEARCH_PG_BIN", &old);
        command
    });
    let message = error_of(upgrade(&data_dir, &old, &[]));
    assert!(
        message.contains("MB of free space, and the new data may need"),
        "{message}"
    );
    assert_eq!(entries(&data_dir), ["postgres"]);
}

/// Starts an upgrade, and returns it with the lines of its standard error.
fn start(data_dir: &Path, old: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut command = upgrade(data_dir, old, &[]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, lines.map_while(Result::ok))
}

#[test]
fn a_command_that_starts_during_an_upgrade_waits_for_it_and_a_signal_ends_the_upgrade_cleanly() {
    let Some(old) = old_programs("a_command_that_starts_during_an_upgrade_waits_for_it") else {
        return;
    };
    let directory = old_data(&old);
    let data_dir = directory.path();
    let (mut child, mut lines) = start(data_dir, &old);
    lines.find(|line| line.starts_with("Creating")).expect("a step");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(
        rest.iter().any(|line| line.contains("interrupted by SIGINT")),
        "{rest:?}"
    );
    assert!(!is_running(data_dir) && !is_running(&data_dir.join("upgrade")));

    let (mut child, mut lines) = start(data_dir, &old);
    lines.find(|line| line.starts_with("Creating")).expect("a step");
    let listing = run(private(data_dir, &["client", "list"]), "");
    assert!(listing.stdout.contains("Acme"), "{}", listing.stderr);
    assert!(
        listing
            .stderr
            .contains("waiting for `contact-search database upgrade` to end"),
        "{}",
        listing.stderr
    );
    // The listing came after the switch, so it ran on the newer version.
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert!(!is_running(data_dir));
}

/// Kills an upgrade at two points of each step: when the step begins, and after half of its usual duration. The first
/// step is the time before the first line of progress.
struct KillTest<'a> {
    old: &'a Path,
    new: &'a Path,
    template: &'a Path,
    before: &'a [String],
    /// The duration of each step of an upgrade that is not killed.
    steps: &'a [Duration],
}

impl KillTest<'_> {
    fn kill_at(&self, data_dir: &Path, point: usize) {
        let (mut child, mut lines) = start(data_dir, self.old);
        let step = point / 2;
        let mut seen = Vec::new();
        while seen.len() < step {
            seen.push(lines.next().unwrap_or_else(|| panic!("no step {step}: {seen:?}")));
        }
        if point % 2 == 1 {
            std::thread::sleep(self.steps[step] / 2);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Returns whether the killed upgrade had already switched.
    fn run(&self, data_dir: &Path, point: usize) -> bool {
        let pgdata = data_dir.join("postgres");
        let copied = Command::new("cp").arg("-a").args([self.template, &pgdata]).status();
        assert!(copied.is_ok_and(|status| status.success()));
        let from = major(&pgdata);
        self.kill_at(data_dir, point);
        if point % 4 == 3 && !has_switched(data_dir, from) {
            // Twice, without a command in between that cleans up.
            self.kill_at(data_dir, point);
        }
        let has_switched = has_switched(data_dir, from);
        let database = open_with(data_dir, if has_switched { self.new } else { self.old });
        let url = database.url();
        assert_kept(&url, self.before, &format!("killed at point {point}"));
        assert_eq!(query(&url, "current_setting('transaction_read_only')"), "off");
        execute(&mut connect(&url), "CREATE TABLE written_after_the_kill ()");
        database.close().unwrap();

        said(upgrade(data_dir, self.old, &[]));
        said(upgrade(data_dir, self.old, &["--remove-old"]));
        assert_eq!(entries(data_dir), ["postgres"], "point {point}");
        assert_ne!(major(&pgdata), from);
        let database = open_with(data_dir, self.new);
        let mut url = connect(&database.url());
        execute(&mut url, "DROP TABLE written_after_the_kill");
        drop(url);
        assert_kept(&database.url(), self.before, &format!("upgraded after point {point}"));
        database.close().unwrap();
        fs::remove_dir_all(&pgdata).unwrap();
        has_switched
    }
}

/// Runs an upgrade, and returns the duration of each step.
fn steps(data_dir: &Path, old: &Path) -> Vec<Duration> {
    let mut began = Instant::now();
    let (mut child, lines) = start(data_dir, old);
    let mut steps = Vec::new();
    for _ in lines {
        steps.push(began.elapsed());
        began = Instant::now();
    }
    assert!(child.wait().unwrap().success());
    steps
}

#[test]
fn an_upgrade_killed_at_twenty_points_leaves_a_usable_database_and_succeeds_when_run_again() {
    let Some(old) = old_programs("an_upgrade_killed_at_twenty_points") else {
        return;
    };
    let new = new_programs();
    let source = old_data(&old);
    let database = open_with(source.path(), &old);
    let before = kept(&database.url());
    database.close().unwrap();
    // The directories share this test's slot, which belongs to this thread.
    let directories: Vec<OwnDirectory> = (0..WORKERS).map(|_| OwnDirectory::new()).collect();
    let template = source.path().join("template");
    let copied = Command::new("cp")
        .arg("-a")
        .args([&source.path().join("postgres"), &template])
        .status();
    assert!(copied.is_ok_and(|status| status.success()));
    let steps = steps(source.path(), &old);
    println!("steps: {steps:?}");
    assert!(steps.len() * 2 > KILLS, "every point is within the upgrade");
    let test = KillTest {
        old: &old,
        new: &new,
        template: &template,
        before: &before,
        steps: &steps,
    };
    let (next, switched) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for directory in &directories {
            let (test, next, switched) = (&test, &next, &switched);
            scope.spawn(move || {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    if point >= KILLS {
                        break;
                    }
                    let has_switched = test.run(directory.path(), point);
                    switched.fetch_add(has_switched.into(), Ordering::Relaxed);
                }
            });
        }
    });
    let switched = switched.into_inner();
    println!("{switched} of {KILLS} upgrades had switched when they were killed");
    // No server outlives the test: those of killed upgrades were stopped.
    for directory in &directories {
        wait_until(PATIENCE, "a server still runs", || !is_running(directory.path()));
    }
}
