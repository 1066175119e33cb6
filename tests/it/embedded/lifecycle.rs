//! The life of the private PostgreSQL, with real processes.
//!
//! If root runs the tests, PostgreSQL runs as the user `postgres`, and tests about unprivileged users run as that user,
//! too.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use contact_search::embedded::{PrivateDatabase, Startup};
use diesel::prelude::*;
use diesel::sql_query;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, Uid};

use crate::support::app::{Server, program};
use crate::support::database::programs;
use crate::support::private_database::{
    HOLDER_DIRECTORY, Holder, connect, hold, insert_row, is_running, open, open_durable, options, pid_file, postmaster,
    query, refusal, row_exists, server_user,
};
use crate::support::{OwnDirectory, PATIENCE, wait_until};

#[test]
fn the_first_start_creates_a_database_and_the_second_finds_its_rows() {
    let directory = OwnDirectory::new();

    let database = open_durable(directory.path());
    assert_eq!(database.startup(), Startup::Fresh);
    assert!(reports_server_version(&database));
    insert_row(&database.url());
    database.close().expect("the first stop");
    assert!(!is_running(directory.path()));

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Started);
    assert!(row_exists(&database.url()));
    drop(database);
    assert!(!is_running(directory.path()));
}

fn reports_server_version(database: &PrivateDatabase) -> bool {
    query(
        &database.url(),
        "SELECT split_part(current_setting('server_version'), ' ', 1)",
    ) == database.version()
}

#[test]
fn the_last_process_to_close_stops_the_server() {
    if let Some(data_dir) = std::env::var_os(HOLDER_DIRECTORY) {
        return hold(Path::new(&data_dir));
    }
    let directory = OwnDirectory::new();
    let mut first = Holder::start(directory.path());
    assert_eq!(first.opened().0, "Fresh");
    let second = open(directory.path());
    assert_eq!(second.startup(), Startup::Adopted);

    first.close();
    assert!(is_running(directory.path()));
    insert_row(&second.url());

    second.close().expect("the server stops");
    assert!(!is_running(directory.path()));
}

#[test]
fn two_processes_that_start_concurrently_share_one_server() {
    let directory = OwnDirectory::new();
    let mut one = Holder::start(directory.path());
    let mut other = Holder::start(directory.path());
    let mut states = [one.opened(), other.opened()].map(|(state, _)| state);
    states.sort();
    assert_eq!(states, ["Adopted", "Fresh"]);
    one.close();
    other.close();
    assert!(!is_running(directory.path()));
}

#[test]
fn the_next_process_adopts_the_server_of_a_killed_process() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    insert_row(&url);
    holder.kill();
    assert!(is_running(directory.path()));

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Adopted);
    assert!(row_exists(&database.url()));
    database.close().expect("the server stops");
    assert!(
        !is_running(directory.path()),
        "the lease of the killed process must not keep the server running"
    );
}

#[test]
fn ctrl_c_ends_the_process_but_not_the_server() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    // Sends the signal to the whole process group, as a terminal does.
    let group = Pid::from_raw(holder.process.id().cast_signed());
    killpg(group, Signal::SIGINT).expect("the group can be interrupted");
    holder.process.wait().expect("the process ends");
    insert_row(&url);
}

#[test]
fn an_acknowledged_write_survives_when_every_process_is_killed() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    let backends = query(&url, "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity");
    insert_row(&url);
    let postmaster = postmaster(directory.path());
    holder.kill();
    kill(postmaster, Signal::SIGKILL).expect("the server can be killed");
    for backend in backends.split(' ') {
        // The backend that answered the query has ended already.
        let _ = kill(Pid::from_raw(backend.parse().expect("a number")), Signal::SIGKILL);
    }

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Started);
    assert!(row_exists(&database.url()));
}

#[test]
fn the_server_restarts_a_killed_postgresql_and_stops_postgresql_on_sigterm() {
    let directory = OwnDirectory::new();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-demo", "--data-dir"]);
    command.arg(directory.path());
    if let Some(programs) = programs() {
        command.arg("--pg-bin").arg(programs);
    }
    let mut server = Server::start(command);
    wait_until(PATIENCE, "the server is not ready", || {
        server.get("/readyz", None).status == 200
    });
    let killed = postmaster(directory.path());
    kill(killed, Signal::SIGKILL).expect("PostgreSQL can be killed");
    server.wait_for_log(|log| log.contains("PostgreSQL stopped unexpectedly and was restarted"));
    wait_until(PATIENCE, "the server is not ready after the restart", || {
        server.get("/readyz", None).status == 200
    });
    assert_ne!(postmaster(directory.path()), killed);

    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGTERM).expect("the server can be signalled");
    assert_eq!(server.wait(), Some(0));
    assert!(!is_running(directory.path()));
}

#[test]
fn a_start_waits_until_all_processes_of_a_killed_server_have_ended() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    let mut connection = connect(&database.url());
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        pid: i32,
    }
    let backend: Backend = sql_query("SELECT pg_backend_pid() AS pid")
        .get_result(&mut connection)
        .expect("a number");
    let backend = Pid::from_raw(backend.pid);
    insert_row(&database.url());
    // A suspended backend does not notice that its server is gone, and keeps the shared memory.
    kill(backend, Signal::SIGSTOP).expect("the process can be suspended");
    kill(postmaster(directory.path()), Signal::SIGKILL).expect("the server can be killed");

    let held_for = Duration::from_secs(1);
    let release = thread::spawn(move || {
        thread::sleep(held_for);
        kill(backend, Signal::SIGKILL).expect("the process can be killed");
    });
    let began = Instant::now();
    let again = open(directory.path());
    assert!(
        began.elapsed() >= held_for,
        "processes of two servers used the same data at once"
    );
    assert_eq!(again.startup(), Startup::Started);
    assert!(row_exists(&again.url()));
    release.join().expect("the thread ends");
}

#[test]
fn an_unresponsive_server_that_others_use_is_not_stopped() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    insert_row(&database.url());
    let server = postmaster(directory.path());
    kill(server, Signal::SIGSTOP).expect("the process can be suspended");
    let message = refusal(&options(directory.path()));
    kill(server, Signal::SIGCONT).expect("the process can be resumed");
    let expected = format!("a PostgreSQL server (process {server}) is running in");
    assert!(
        message.starts_with(&expected) && message.contains("does not answer"),
        "{message}"
    );
    assert!(row_exists(&database.url()));
    assert_eq!(postmaster(directory.path()), server);
}

#[test]
fn a_stale_pid_file_whose_pid_belongs_to_another_program_is_ignored() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    insert_row(&database.url());
    let recorded = fs::read_to_string(pid_file(directory.path())).expect("a server runs");
    // PostgreSQL records its process id beside its socket, too.
    let socket_lock = directory.path().join("socket/.s.PGSQL.5432.lock");
    let recorded_lock = fs::read_to_string(&socket_lock).expect("a server runs");
    database.close().expect("the server stops");
    let user = server_user();
    let mut other_program = Command::new("sleep");
    other_program.arg("60");
    if Uid::effective().is_root() {
        other_program.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let mut other_program = other_program.spawn().expect("another program runs");
    let with_other_pid = |recorded: &str| {
        let (_, rest) = recorded.split_once('\n').expect("the file has several lines");
        format!("{}\n{rest}", other_program.id())
    };
    write_pid_file(directory.path(), &with_other_pid(&recorded));
    let socket_directory = socket_lock.parent().expect("a directory");
    fs::create_dir(socket_directory).expect("the server removed its directory");
    fs::set_permissions(socket_directory, fs::Permissions::from_mode(0o700)).expect("the directory is ours");
    give_to_server(socket_directory);
    fs::write(&socket_lock, with_other_pid(&recorded_lock)).expect("the file can be written");
    give_to_server(&socket_lock);

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Started);
    assert!(row_exists(&database.url()));
    assert!(
        other_program.try_wait().expect("the process can be queried").is_none(),
        "the other program must keep running"
    );
    other_program.kill().expect("the process can be killed");
    other_program.wait().expect("the process ends");
}

#[test]
fn an_empty_pid_file_that_a_full_disk_left_is_ignored() {
    let directory = OwnDirectory::new();
    open(directory.path()).close().expect("the server stops");
    write_pid_file(directory.path(), "");
    assert_eq!(open(directory.path()).startup(), Startup::Started);
}

fn write_pid_file(data_dir: &Path, contents: &str) {
    let path = pid_file(data_dir);
    fs::write(&path, contents).expect("the file can be written");
    give_to_server(&path);
}

/// Makes PostgreSQL's user the owner.
fn give_to_server(path: &Path) {
    let user = server_user();
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("the owner can be changed");
}

#[test]
fn an_aborted_first_start_is_repeated() {
    let directory = OwnDirectory::new();
    let holder = Holder::start(directory.path());
    let unfinished = directory.path().join("postgres.new/PG_VERSION");
    while !unfinished.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    holder.kill();
    assert!(!directory.path().join("postgres").exists());

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Fresh);
    insert_row(&database.url());
    assert!(!directory.path().join("postgres.new").exists());
}
