//! The directory of a private PostgreSQL: whose it is, what may be in it, and what is wrong with it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use contact_search::embedded::PrivateDatabase;
use nix::unistd::{Uid, User};

use crate::support::OwnDirectory;
use crate::support::command::{run, stdout};
use crate::support::database::programs;
#[cfg(target_os = "linux")]
use crate::support::disk::{fill, small_disk};
use crate::support::private_database::{
    Holder, insert_row, is_running, open, options, refusal, row_exists, server_user,
};

#[test]
fn an_unprivileged_user_has_a_database_too() {
    let directory = OwnDirectory::new();
    let user = server_user();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("a directory can be made");
    std::os::unix::fs::chown(&data_dir, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("it can be given");

    // Root, where we are, may be the first: then the data are still that user's.
    let database = open(&data_dir);
    insert_row(&database.url());
    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    let (state, url) = holder.opened();
    assert_eq!(state, "Adopted");
    database.close().expect("the other one stays");
    assert!(row_exists(&url));
    holder.close();
    assert!(!is_running(&data_dir));

    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    assert_eq!(holder.opened().0, "Started");
    holder.close();
    assert!(!is_running(&data_dir));
}

#[test]
fn a_database_that_root_begins_is_the_data_directorys_owners() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("a directory can be made");
    let mut owner = Uid::effective();
    if owner.is_root() {
        // Neither of the users whom root takes by itself.
        owner = User::from_name("daemon").ok().flatten().expect("it is everywhere").uid;
        std::os::unix::fs::chown(&data_dir, Some(owner.as_raw()), None).expect("it can be given");
    }
    let database = open(&data_dir);
    insert_row(&database.url());
    assert!(row_exists(&database.url()));
    database.close().expect("it stops");
    assert_eq!(fs::metadata(data_dir.join("postgres")).unwrap().uid(), owner.as_raw());
}

#[test]
fn a_data_directory_too_long_for_a_socket_has_its_socket_in_tmp() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("long".repeat(25));
    let database = open(&data_dir);
    let socket = socket_directory(&database);
    assert!(socket.starts_with("/tmp"), "{}", socket.display());
    let metadata = fs::symlink_metadata(&socket).expect("the socket's directory");
    assert_eq!(
        (metadata.mode() & 0o777, metadata.uid()),
        (0o700, server_user().uid.as_raw())
    );
    insert_row(&database.url());
    database.close().expect("it stops");
    assert!(!socket.exists(), "it stays for ever");

    // Somebody else may know the name, and be there first.
    fs::create_dir(&socket).expect("a directory can be made");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).expect("it can be opened");
    let sentence = refusal(&options(&data_dir));
    fs::remove_dir(&socket).expect("it is empty");
    assert!(
        sentence.starts_with("there is no directory for PostgreSQL's socket"),
        "{sentence}"
    );
    assert!(
        sentence.contains("bytes too long") && sentence.contains("--data-dir"),
        "{sentence}"
    );

    symlink(directory.path(), &socket).expect("a link can be made");
    let sentence = refusal(&options(&data_dir));
    fs::remove_file(&socket).expect("it is a link");
    assert!(sentence.contains("is not a directory"), "{sentence}");

    assert!(row_exists(&open(&data_dir).url()));
}

fn socket_directory(database: &PrivateDatabase) -> PathBuf {
    let url = database.url();
    let (_, rest) = url.split_once("host=").expect("a host");
    PathBuf::from(rest.split('&').next().unwrap_or_default())
}

#[test]
fn a_data_directory_may_have_any_name() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("it's \"mine\" $(false) `false` ñ, %20 \\");
    let database = open(&data_dir);
    insert_row(&database.url());
    database.close().expect("it stops");
    assert!(row_exists(&open(&data_dir).url()));
}

#[test]
fn data_of_another_major_version_are_left_alone() {
    let directory = OwnDirectory::new();
    open(directory.path()).close().expect("it stops");
    let version = directory.path().join("postgres/PG_VERSION");
    fs::write(&version, "13\n").expect("the file can be written");
    let sentence = refusal(&options(directory.path()));
    assert!(
        sentence.contains("are of PostgreSQL 13, and the programs found are of"),
        "{sentence}"
    );
    assert!(sentence.contains("install PostgreSQL 13"), "{sentence}");
    assert_eq!(fs::read_to_string(version).expect("it is there"), "13\n");
}

#[test]
fn missing_programs_are_named_with_what_to_install() {
    let directory = OwnDirectory::new();
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("a directory can be made");
    let mut options = options(&directory.path().join("data"));
    options.programs = Some(empty.clone());
    assert_eq!(
        refusal(&options),
        format!(
            "{} has no usable PostgreSQL server programs (it has no postgres): \
             set CONTACT_SEARCH_PG_BIN to a directory of postgres, initdb and pg_ctl, of version 14 or newer",
            empty.display()
        )
    );
    assert!(!directory.path().join("data/postgres").exists());
}

#[test]
fn a_closed_directory_is_named_with_what_to_do() {
    let directory = OwnDirectory::new();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).expect("a directory can be made");
    let data_dir = closed.join("data");

    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("it can be closed");
    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    let unprivileged = holder.report().expect_err("it is closed");
    holder.close();
    let ours = refusal(&options(&data_dir));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("it can be opened");
    assert!(!data_dir.exists(), "a directory that was refused is left behind");

    let for_users = format!(
        "the data directory {} can't be used (Permission denied",
        data_dir.display()
    );
    assert!(unprivileged.starts_with(&for_users), "{unprivileged}");
    assert!(unprivileged.ends_with("name another with --data-dir"), "{unprivileged}");
    if Uid::effective().is_root() {
        let for_root = format!(
            "PostgreSQL runs as postgres, who can't reach {} because {} is closed to others: \
             name another directory with --data-dir, or run `chmod o+x` on that one",
            data_dir.display(),
            closed.display()
        );
        assert_eq!(ours, for_root);
    } else {
        assert_eq!(ours, unprivileged);
    }
}

#[test]
fn a_file_is_no_data_directory() {
    let directory = OwnDirectory::new();
    let file = directory.path().join("file");
    fs::write(&file, "years of work").expect("a file can be made");
    assert_eq!(
        refusal(&options(&file)),
        format!(
            "the data directory {} is a file: move it away, or name a directory with --data-dir",
            file.display()
        )
    );
    let within = refusal(&options(&file.join("data")));
    assert!(within.contains("can't be used (Not a directory"), "{within}");
}

#[test]
fn what_is_not_a_database_is_left_alone() {
    let directory = OwnDirectory::new();
    let foreign = directory.path().join("postgres");
    fs::create_dir(&foreign).expect("a directory can be made");
    let user = server_user();
    std::os::unix::fs::chown(&foreign, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("it can be given");
    fs::write(foreign.join("thesis.txt"), "years of work").expect("a file can be written");
    let sentence = refusal(&options(directory.path()));
    assert!(
        sentence.contains("holds something other than PostgreSQL's data: move it away"),
        "{sentence}"
    );
    assert!(foreign.join("thesis.txt").exists());
}

#[test]
fn data_are_where_the_users_other_data_are_and_roots_below_var_lib() {
    let is_root = nix::unistd::Uid::effective().is_root();
    if is_root {
        // Only asked: a machine's own data may be there.
        let directory = contact_search::embedded::default_data_dir().expect("root has one");
        assert_eq!(directory, std::path::Path::new("/var/lib/contact-search"));
    }
    let directory = OwnDirectory::new();
    let (copy, data) = (directory.path().join("contact-search"), directory.path().join("xdg"));
    // An ordinary user may not be able to reach the program where it is.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_contact-search"))
        .arg(&copy)
        .status();
    assert!(copied.expect("cp can be run").success());
    std::fs::create_dir(&data).unwrap();
    let user = server_user();
    let mut command = Command::new(&copy);
    command.args(["client", "list"]).current_dir("/").env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", &data).env("XDG_DATA_HOME", &data);
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    if is_root {
        nix::unistd::chown(&data, Some(user.uid), Some(user.gid)).unwrap();
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    assert!(stdout(run(command, "")).starts_with("ID"));
    assert!(data.join("contact-search/postgres/PG_VERSION").exists());
    assert!(
        !data.join("contact-search/postgres/postmaster.pid").exists(),
        "it was the last to leave"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_the_data_are_there_when_there_is_room() {
    let test = "embedded::data_directory::a_full_disk_is_said_and_the_data_are_there_when_there_is_room";
    let Some(disk) = small_disk(test, "120m") else {
        return;
    };
    let data_dir = disk.join("data");
    let full = format!(
        "the disk that holds {} is full: make room and start again",
        data_dir.display()
    );

    // No room to begin with: nothing is left half made.
    fill(&disk.join("ballast"), 100 << 20);
    assert_eq!(refusal(&options(&data_dir)), full);
    assert!(!data_dir.join("postgres").exists() && !data_dir.join("postgres.new").exists());
    fs::remove_file(disk.join("ballast")).expect("it can be removed");

    let database = open(&data_dir);
    insert_row(&database.url());
    database.close().expect("it stops");
    fill(&disk.join("ballast"), u64::MAX);
    assert_eq!(refusal(&options(&data_dir)), full);
    fs::remove_file(disk.join("ballast")).expect("it can be removed");
    assert!(row_exists(&open(&data_dir).url()));
}
