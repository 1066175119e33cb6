//! The private PostgreSQL's life, with real processes.
//!
//! Where root runs the tests, PostgreSQL runs as the user `postgres`, and what is said of an unprivileged user is
//! tried as that user too.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use contact_search::embedded::{PrivateDatabase, State};
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
fn the_first_start_makes_a_database_and_the_second_finds_its_rows() {
    let directory = OwnDirectory::new();

    let database = open_durable(directory.path());
    assert_eq!(database.state(), State::Fresh);
    assert!(reports_server_version(&database));
    insert_row(&database.url());
    database.close().expect("the first stop");
    assert!(!is_running(directory.path()));

    let database = open(directory.path());
    assert_eq!(database.state(), State::Started);
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
fn the_last_process_to_leave_stops_the_server() {
    if let Some(data_dir) = std::env::var_os(HOLDER_DIRECTORY) {
        return hold(Path::new(&data_dir));
    }
    let directory = OwnDirectory::new();
    let mut first = Holder::start(directory.path());
    assert_eq!(first.opened().0, "Fresh");
    let second = open(directory.path());
    assert_eq!(second.state(), State::Adopted);

    first.close();
    assert!(is_running(directory.path()));
    insert_row(&second.url());

    second.close().expect("it stops");
    assert!(!is_running(directory.path()));
}

#[test]
fn two_processes_that_come_at_once_share_one_server() {
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
fn a_killed_process_leaves_its_lease_and_a_server_that_the_next_takes_over() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    insert_row(&url);
    holder.kill();
    assert!(is_running(directory.path()));

    let database = open(directory.path());
    assert_eq!(database.state(), State::Adopted);
    assert!(row_exists(&database.url()));
    database.close().expect("it stops");
    assert!(!is_running(directory.path()), "the killed process's lease still counts");
}

#[test]
fn ctrl_c_ends_the_process_and_not_the_server() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    // What a terminal does: the signal goes to the whole group.
    let group = Pid::from_raw(holder.process.id().cast_signed());
    killpg(group, Signal::SIGINT).expect("the group can be interrupted");
    holder.process.wait().expect("it ends");
    insert_row(&url);
}

#[test]
fn a_write_that_was_acknowledged_survives_the_killing_of_everything() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    let backends = query(&url, "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity");
    insert_row(&url);
    let postmaster = postmaster(directory.path());
    holder.kill();
    kill(postmaster, Signal::SIGKILL).expect("the server can be killed");
    for backend in backends.split(' ') {
        // The one that has answered the query is gone.
        let _ = kill(Pid::from_raw(backend.parse().expect("a number")), Signal::SIGKILL);
    }

    let database = open(directory.path());
    assert_eq!(database.state(), State::Started);
    assert!(row_exists(&database.url()));
}

#[test]
fn a_server_starts_its_postgresql_again_when_that_was_killed_and_leaves_it_alone_when_it_stops() {
    let directory = OwnDirectory::new();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-demo", "--data-dir"]);
    command.arg(directory.path());
    if let Some(programs) = programs() {
        command.arg("--pg-bin").arg(programs);
    }
    let mut server = Server::start(command);
    wait_until(PATIENCE, "it isn't ready", || server.get("/readyz", None).status == 200);
    let killed = postmaster(directory.path());
    kill(killed, Signal::SIGKILL).expect("the server can be killed");
    server.wait_for_log(|log| log.contains("PostgreSQL had ended, and was started again"));
    wait_until(PATIENCE, "it isn't ready again", || {
        server.get("/readyz", None).status == 200
    });
    assert_ne!(postmaster(directory.path()), killed);

    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGTERM).expect("it can be told to stop");
    assert_eq!(server.wait(), Some(0));
    assert!(!is_running(directory.path()));
}

#[test]
fn a_start_waits_for_the_processes_of_a_killed_server_to_end() {
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
    // SuspendedProcess, it doesn't notice that its server is gone, and keeps the memory that they shared.
    kill(backend, Signal::SIGSTOP).expect("it can be stopped");
    kill(postmaster(directory.path()), Signal::SIGKILL).expect("the server can be killed");

    let held_for = Duration::from_secs(1);
    let release = thread::spawn(move || {
        thread::sleep(held_for);
        kill(backend, Signal::SIGKILL).expect("it can be killed");
    });
    let began = Instant::now();
    let again = open(directory.path());
    assert!(began.elapsed() >= held_for, "two servers' processes had the same data");
    assert_eq!(again.state(), State::Started);
    assert!(row_exists(&again.url()));
    release.join().expect("the thread ends");
}

#[test]
fn a_server_that_does_not_answer_is_not_ended_under_others() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    insert_row(&database.url());
    let server = postmaster(directory.path());
    kill(server, Signal::SIGSTOP).expect("it can be stopped");
    let sentence = refusal(&options(directory.path()));
    kill(server, Signal::SIGCONT).expect("it can go on");
    let expected = format!("a PostgreSQL (process {server}) runs on");
    assert!(
        sentence.starts_with(&expected) && sentence.contains("doesn't answer"),
        "{sentence}"
    );
    assert!(row_exists(&database.url()));
    assert_eq!(postmaster(directory.path()), server);
}

#[test]
fn a_recorded_process_number_that_another_program_has_now_is_not_taken_for_the_server() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    insert_row(&database.url());
    let recorded = fs::read_to_string(pid_file(directory.path())).expect("a server runs");
    database.close().expect("it stops");
    let user = server_user();
    let mut another = Command::new("sleep");
    another.arg("60");
    if Uid::effective().is_root() {
        another.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let mut another = another.spawn().expect("another program runs");
    let (_, rest) = recorded.split_once('\n').expect("many lines");
    write_pid_file(directory.path(), &format!("{}\n{rest}", another.id()));

    let database = open(directory.path());
    assert_eq!(database.state(), State::Started);
    assert!(row_exists(&database.url()));
    assert!(
        another.try_wait().expect("it can be asked").is_none(),
        "the other program was ended"
    );
    another.kill().expect("it can be killed");
    another.wait().expect("it ends");
}

#[test]
fn a_record_that_a_full_disk_has_left_empty_is_no_obstacle() {
    let directory = OwnDirectory::new();
    open(directory.path()).close().expect("it stops");
    write_pid_file(directory.path(), "");
    assert_eq!(open(directory.path()).state(), State::Started);
}

fn write_pid_file(data_dir: &Path, contents: &str) {
    let path = pid_file(data_dir);
    fs::write(&path, contents).expect("the file can be written");
    let user = server_user();
    std::os::unix::fs::chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("it can be given");
}

#[test]
fn a_first_start_that_was_cut_short_is_done_again() {
    let directory = OwnDirectory::new();
    let holder = Holder::start(directory.path());
    let unfinished = directory.path().join("postgres.new/PG_VERSION");
    while !unfinished.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    holder.kill();
    assert!(!directory.path().join("postgres").exists());

    let database = open(directory.path());
    assert_eq!(database.state(), State::Fresh);
    insert_row(&database.url());
    assert!(!directory.path().join("postgres.new").exists());
}
