//! The data directory: its owner, its name, its contents, and the errors about an unusable directory.

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
fn an_unprivileged_user_can_use_a_database_that_root_created_for_them() {
    let directory = OwnDirectory::new();
    let user = server_user();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("a directory can be created");
    std::os::unix::fs::chown(&data_dir, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .expect("the owner can be changed");

    // If the tests run as root, root opens the directory first. The data must still belong to the user.
    let database = open(&data_dir);
    insert_row(&database.url());
    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    let (state, url) = holder.opened();
    assert_eq!(state, "Adopted");
    database.close().expect("the other process keeps the server");
    assert!(row_exists(&url));
    holder.close();
    assert!(!is_running(&data_dir));

    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    assert_eq!(holder.opened().0, "Started");
    holder.close();
    assert!(!is_running(&data_dir));
}

#[test]
fn a_database_that_root_creates_belongs_to_the_owner_of_the_data_directory() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("a directory can be created");
    let mut owner = Uid::effective();
    if owner.is_root() {
        // By default, root chooses the user postgres or contact-search. This owner is neither.
        owner = User::from_name("daemon")
            .ok()
            .flatten()
            .expect("every system has the user daemon")
            .uid;
        std::os::unix::fs::chown(&data_dir, Some(owner.as_raw()), None).expect("the owner can be changed");
    }
    let database = open(&data_dir);
    insert_row(&database.url());
    assert!(row_exists(&database.url()));
    database.close().expect("the server stops");
    assert_eq!(fs::metadata(data_dir.join("postgres")).unwrap().uid(), owner.as_raw());
}

#[test]
fn a_data_directory_with_a_long_path_has_its_socket_in_tmp() {
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
    database.close().expect("the server stops");
    assert!(!socket.exists(), "the socket's directory must be removed");

    // An attacker may predict the name and create the directory first.
    fs::create_dir(&socket).expect("a directory can be created");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).expect("the permissions can be changed");
    let message = refusal(&options(&data_dir));
    fs::remove_dir(&socket).expect("the directory is empty");
    assert!(
        message.starts_with("no directory can hold PostgreSQL's socket"),
        "{message}"
    );
    assert!(
        message.contains("bytes too long") && message.contains("--data-dir"),
        "{message}"
    );

    symlink(directory.path(), &socket).expect("a link can be created");
    let message = refusal(&options(&data_dir));
    fs::remove_file(&socket).expect("the link can be removed");
    assert!(message.contains("is not a directory"), "{message}");

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
    database.close().expect("the server stops");
    assert!(row_exists(&open(&data_dir).url()));
}

#[test]
fn data_of_another_major_version_are_refused_and_kept() {
    let directory = OwnDirectory::new();
    open(directory.path()).close().expect("the server stops");
    let version = directory.path().join("postgres/PG_VERSION");
    fs::write(&version, "13\n").expect("the file can be written");
    let message = refusal(&options(directory.path()));
    assert!(
        message.contains("need PostgreSQL 13, but the installed programs are version"),
        "{message}"
    );
    assert!(message.contains("install PostgreSQL 13"), "{message}");
    assert_eq!(fs::read_to_string(version).expect("the file still exists"), "13\n");
}

#[test]
fn missing_postgresql_programs_are_reported_with_what_to_install() {
    let directory = OwnDirectory::new();
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("a directory can be created");
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
fn an_inaccessible_directory_is_reported_with_what_to_do() {
    let directory = OwnDirectory::new();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).expect("a directory can be created");
    let data_dir = closed.join("data");

    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("the permissions can be changed");
    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    let unprivileged = holder.report().expect_err("the directory is closed");
    holder.close();
    let ours = refusal(&options(&data_dir));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("the permissions can be changed");
    assert!(!data_dir.exists(), "a refused start must not leave a directory behind");

    let for_users = format!(
        "the data directory {} can't be used (Permission denied",
        data_dir.display()
    );
    assert!(unprivileged.starts_with(&for_users), "{unprivileged}");
    assert!(unprivileged.ends_with("name another with --data-dir"), "{unprivileged}");
    if Uid::effective().is_root() {
        let for_root = format!(
            "PostgreSQL runs as the user postgres, who can't reach {} because {} is closed to other users: \
             name another directory with --data-dir, or run `chmod o+x` on the closed one",
            data_dir.display(),
            closed.display()
        );
        assert_eq!(ours, for_root);
    } else {
        assert_eq!(ours, unprivileged);
    }
}

#[test]
fn a_file_is_refused_as_data_directory() {
    let directory = OwnDirectory::new();
    let file = directory.path().join("file");
    fs::write(&file, "years of work").expect("a file can be created");
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
fn a_directory_with_other_contents_is_refused_and_kept() {
    let directory = OwnDirectory::new();
    let foreign = directory.path().join("postgres");
    fs::create_dir(&foreign).expect("a directory can be created");
    let user = server_user();
    std::os::unix::fs::chown(&foreign, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .expect("the owner can be changed");
    fs::write(foreign.join("thesis.txt"), "years of work").expect("a file can be written");
    let message = refusal(&options(directory.path()));
    assert!(
        message.contains("does not contain PostgreSQL data: move it away"),
        "{message}"
    );
    assert!(foreign.join("thesis.txt").exists());
}

#[test]
fn the_default_data_directory_is_in_the_users_data_home_or_for_root_in_var_lib() {
    let is_root = nix::unistd::Uid::effective().is_root();
    if is_root {
        // Only compares the path. The machine may hold real data there.
        let directory = contact_search::embedded::default_data_dir().expect("root has a default data directory");
        assert_eq!(directory, std::path::Path::new("/var/lib/contact-search"));
    }
    let directory = OwnDirectory::new();
    let (copy, data) = (directory.path().join("contact-search"), directory.path().join("xdg"));
    // An unprivileged user may have no access to the program's directory.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_contact-search"))
        .arg(&copy)
        .status();
    assert!(copied.expect("cp can be run").success());
    std::fs::create_dir(&data).unwrap();
    let user = server_user();
    let mut command = Command::new(&copy);
    command.args(["client", "create", "Acme"]).current_dir("/").env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", &data).env("XDG_DATA_HOME", &data);
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    if is_root {
        nix::unistd::chown(&data, Some(user.uid), Some(user.gid)).unwrap();
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    stdout(run(command, ""));
    assert!(data.join("contact-search/postgres/PG_VERSION").exists());
    assert!(
        !data.join("contact-search/postgres/postmaster.pid").exists(),
        "the last process must stop PostgreSQL"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_the_data_survive() {
    let test = "embedded::data_directory::a_full_disk_is_reported_and_the_data_survive";
    let Some(disk) = small_disk(test, "120m") else {
        return;
    };
    let data_dir = disk.join("data");
    let full = format!(
        "the disk that holds {} is full: free some space and start again",
        data_dir.display()
    );

    // A first start without room leaves no partial data.
    fill(&disk.join("ballast"), 100 << 20);
    assert_eq!(refusal(&options(&data_dir)), full);
    assert!(!data_dir.join("postgres").exists() && !data_dir.join("postgres.new").exists());
    fs::remove_file(disk.join("ballast")).expect("the file can be removed");

    let database = open(&data_dir);
    insert_row(&database.url());
    database.close().expect("the server stops");
    fill(&disk.join("ballast"), u64::MAX);
    assert_eq!(refusal(&options(&data_dir)), full);
    fs::remove_file(disk.join("ballast")).expect("the file can be removed");
    assert!(row_exists(&open(&data_dir).url()));
}
