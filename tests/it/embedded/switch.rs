//! Other data in the place of the current ones: after an interruption, back, and the removal of the old data. These
//! tests need the programs of one version only. Data of another version are a copy whose `PG_VERSION` was changed.

use std::fs;
use std::path::Path;
use std::process::Command;

use contact_search::embedded::Startup;

use crate::support::OwnDirectory;
use crate::support::backup::{error_of, printed};
use crate::support::command::{private, run};
use crate::support::private_database::{Holder, insert_row, is_running, open, postmaster, row_exists};

fn entries(data_dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["lease", "lock", "socket"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

fn major(pgdata: &Path) -> u32 {
    let version = fs::read_to_string(pgdata.join("PG_VERSION")).unwrap();
    version.trim().parse().unwrap()
}

fn set_major(pgdata: &Path, major: u32) {
    fs::write(pgdata.join("PG_VERSION"), format!("{major}\n")).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()));
}

/// A database with a row, which is stopped.
fn with_row() -> OwnDirectory {
    let directory = OwnDirectory::with_database();
    let database = open(directory.path());
    insert_row(&database.url());
    database.close().unwrap();
    directory
}

#[test]
fn the_next_command_finishes_a_switch_that_was_killed_between_its_renames() {
    let directory = with_row();
    let data_dir = directory.path();
    let (current, next) = (data_dir.join("postgres"), data_dir.join("postgres.next"));
    fs::rename(&current, &next).unwrap();
    // A command that creates no database finds it too.
    printed(private(data_dir, &["client", "list"]));
    assert_eq!(entries(data_dir), ["postgres"]);

    fs::rename(&current, &next).unwrap();
    let database = open(data_dir);
    assert!(row_exists(&database.url()));
    database.close().unwrap();

    // Killed before the first rename.
    copy(&current, &next);
    fs::write(current.join("mark"), "").unwrap();
    let database = open(data_dir);
    assert!(row_exists(&database.url()));
    database.close().unwrap();
    let kept = format!("postgres-{}.old", major(&current));
    assert_eq!(entries(data_dir), ["postgres", &kept]);
    assert!(data_dir.join(kept).join("mark").exists());
}

#[test]
fn the_next_command_removes_what_an_interrupted_upgrade_has_left() {
    let directory = with_row();
    let data_dir = directory.path();
    fs::create_dir(data_dir.join("upgrade")).unwrap();
    copy(&data_dir.join("postgres"), &data_dir.join("upgrade"));
    let database = open(data_dir);
    assert!(row_exists(&database.url()));
    // While the database is in use, the directory is none of an upgrade.
    fs::create_dir(data_dir.join("upgrade")).unwrap();
    drop(open(data_dir));
    assert_eq!(entries(data_dir), ["postgres", "upgrade"]);
    assert!(row_exists(&database.url()));
    database.close().unwrap();
}

#[test]
fn a_server_that_an_interrupted_upgrade_has_left_running_is_stopped_and_not_adopted() {
    let directory = with_row();
    let data_dir = directory.path();
    let mut holder = Holder::start(data_dir);
    holder.opened();
    let left = postmaster(data_dir);
    holder.kill();
    // An upgrade runs this server read-only.
    fs::create_dir(data_dir.join("upgrade")).unwrap();
    let database = open(data_dir);
    assert_eq!(database.startup(), Startup::Started);
    assert_ne!(postmaster(data_dir), left);
    assert!(row_exists(&database.url()));
    assert_eq!(entries(data_dir), ["postgres"]);
}

#[test]
fn an_upgrade_of_current_data_does_nothing_and_says_so() {
    let directory = with_row();
    let data_dir = directory.path();
    let output = run(private(data_dir, &["database", "upgrade"]), "");
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), ""));
    assert!(
        output.stderr.contains("are already those of PostgreSQL"),
        "{}",
        output.stderr
    );
    assert_eq!(entries(data_dir), ["postgres"]);
}

#[test]
fn the_refusal_of_older_data_names_the_command_that_upgrades_them() {
    let directory = with_row();
    let data_dir = directory.path();
    let pgdata = data_dir.join("postgres");
    let own = major(&pgdata);
    set_major(&pgdata, 14);
    let message = error_of(private(data_dir, &["client", "list"]));
    assert!(
        message.contains("run `contact-search database upgrade`, which"),
        "{message}"
    );
    let message = error_of(private(data_dir, &["database", "upgrade"]));
    assert!(
        message.contains(&format!(
            "moving the data to PostgreSQL {own} needs the programs of PostgreSQL 14 once more"
        )) && message.contains("postgresql-14")
            && message.contains("--old-pg-bin"),
        "{message}"
    );
    set_major(&pgdata, 99);
    let message = error_of(private(data_dir, &["client", "list"]));
    assert!(!message.contains("database upgrade"), "{message}");
    let message = error_of(private(data_dir, &["database", "upgrade"]));
    assert!(
        message.contains("are PostgreSQL 99's") && message.contains("--pg-bin"),
        "{message}"
    );
}

#[test]
fn the_way_back_keeps_the_newer_data_and_ends_when_the_old_data_are_removed() {
    let directory = with_row();
    let data_dir = directory.path();
    let (current, old) = (data_dir.join("postgres"), data_dir.join("postgres-14.old"));
    let kept = data_dir.join(format!("postgres-{}.old", major(&current)));
    for flag in ["--back", "--remove-old"] {
        let message = error_of(private(data_dir, &["database", "upgrade", flag]));
        assert!(message.contains("has no data of an older PostgreSQL"), "{message}");
    }
    copy(&current, &old);
    set_major(&old, 14);

    let database = open(data_dir);
    let message = error_of(private(data_dir, &["database", "upgrade", "--back"]));
    assert!(
        message.contains("a contact-search process uses the database"),
        "{message}"
    );
    database.close().unwrap();
    run(private(data_dir, &["database", "upgrade", "--back"]), "");
    assert_eq!((major(&current), kept.exists(), old.exists()), (14, true, false));
    let message = error_of(private(data_dir, &["database", "upgrade", "--back"]));
    assert!(message.contains("has no data of an older PostgreSQL"), "{message}");
    let message = error_of(private(data_dir, &["database", "upgrade", "--remove-old"]));
    assert!(message.contains("the upgrade was taken back"), "{message}");

    fs::rename(&current, &old).unwrap();
    fs::rename(&kept, &current).unwrap();
    let output = run(private(data_dir, &["database", "upgrade", "--remove-old"]), "");
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("postgres-14.old"), "{}", output.stderr);
    assert_eq!(entries(data_dir), ["postgres"]);
    assert!(!is_running(data_dir));
    assert!(row_exists(&open(data_dir).url()));
}

#[test]
fn an_upgrade_is_refused_without_private_data_and_for_the_operators_own_database() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("data");
    for flags in [&["database", "upgrade"][..], &["database", "upgrade", "--back"]] {
        let message = error_of(private(&data_dir, flags));
        assert!(message.contains("there is no private database in"), "{message}");
    }
    assert!(!data_dir.exists());
    let mut command = private(&data_dir, &["database", "upgrade"]);
    command.env("DATABASE_URL", "postgresql:///contacts");
    let message = error_of(command);
    assert!(
        message.contains("the environment variable DATABASE_URL names your own"),
        "{message}"
    );
}
