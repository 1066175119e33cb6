//! Commands and servers that a signal ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use contact_search::store::PgConnection;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::support::app::Server;
use crate::support::command::{private, run, stdout};
use crate::support::database::{count, execute};
use crate::support::private_database::{connect, is_running, open_durable};
use crate::support::{OwnDirectory, PATIENCE, wait_until};

/// A command that waits for a lock on the private database, whose only user it is: an import.
struct BlockedImport {
    child: Child,
    directory: OwnDirectory,
    _lock: PgConnection,
}

impl BlockedImport {
    fn start(program: impl FnOnce(Command) -> Command) -> Self {
        let directory = OwnDirectory::new();
        stdout(run(private(&directory, &["client", "create", "Acme"]), ""));
        let file = directory.path().join("contacts.csv");
        std::fs::write(&file, "email\na@example.com\n").unwrap();

        let database = open_durable(directory.path());
        let mut lock = connect(&database.url());
        execute(&mut lock, "BEGIN; LOCK TABLE contacts");
        let mut command = program(private(&directory, &["import", "--client", "Acme"]));
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program can be started");
        wait_until(PATIENCE, "it doesn't wait for the lock", || {
            count(&mut lock, "SELECT count(*) AS count FROM pg_locks WHERE NOT granted") == 1
        });
        // The connection holds no lease.
        database.close().expect("the other one stays");
        Self {
            child,
            directory,
            _lock: lock,
        }
    }

    fn interrupt(&mut self, signal: Signal) -> (Option<i32>, String) {
        send(self.child.id(), signal);
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().expect("standard error is piped");
        stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

fn send(process: u32, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(process).unwrap());
    kill(process, signal).expect("it can be signalled");
}

/// Whoever runs the tests may have them ignore SIGHUP, and every process with them.
fn with_default_sighup(command: Command) -> Command {
    const EXEC: &str =
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])";
    wrap("python3", &["-c", EXEC], command)
}

/// The command as the arguments of another program.
fn wrap(program: &str, arguments: &[&str], command: Command) -> Command {
    let mut outer = Command::new(program);
    outer
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

#[test]
fn a_command_that_is_interrupted_leaves_the_database_as_it_was_and_stops_it() {
    for (signal, name, status) in [
        (Signal::SIGINT, "SIGINT", 130),
        (Signal::SIGTERM, "SIGTERM", 143),
        (Signal::SIGHUP, "SIGHUP", 129),
    ] {
        let mut import = BlockedImport::start(with_default_sighup);
        let (ended, said) = import.interrupt(signal);
        assert_eq!(ended, Some(status), "{said}");
        assert!(
            said.contains(&format!("contact-search: interrupted by {name}\n")),
            "{said}"
        );
        assert!(
            !is_running(import.directory.path()),
            "nobody is left to stop PostgreSQL"
        );
        let database = open_durable(import.directory.path());
        let mut connection = connect(&database.url());
        assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 0);
    }
}

#[test]
fn a_first_start_that_is_interrupted_stops_what_it_has_begun() {
    // While initdb runs, while PostgreSQL starts, and while the demo is filled in.
    for (begun, words) in [
        ("postgres.new/PG_VERSION", ""),
        ("postgres/postmaster.pid", ""),
        ("postgres/postmaster.pid", "ready"),
    ] {
        let directory = OwnDirectory::new();
        let mut command = private(&directory, &["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().expect("the program can be started");
        wait_until(PATIENCE, begun, || {
            std::fs::read_to_string(directory.path().join(begun)).is_ok_and(|text| text.contains(words))
        });
        // As a terminal does it: to every process of the group.
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap());
        killpg(group, Signal::SIGINT).expect("the group can be interrupted");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{begun}: {said}");
        assert!(
            said.contains("contact-search: interrupted by SIGINT\n"),
            "{begun}: {said}"
        );
        assert!(!is_running(directory.path()), "{begun}");
        assert!(!directory.path().join("postgres.new").exists(), "{begun}");
        stdout(run(private(&directory, &["client", "list"]), ""));
    }
}

#[test]
fn a_second_ctrl_c_ends_a_command_at_once_and_nohup_keeps_one_from_hangups() {
    let directory = OwnDirectory::new();
    // Who has this has the turn to start and stop the server: the command waits for it, and its end does.
    let turn = std::fs::File::create(directory.path().join("lock")).unwrap();
    turn.lock().unwrap();
    let mut command = wrap("nohup", &[], private(&directory, &["client", "list"]));
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut log = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
    let mut wait_for = |words: &str| {
        assert!(log.any(|line| line.unwrap().contains(words)), "{words}");
    };
    wait_for("waiting for another process");
    send(child.id(), Signal::SIGHUP);
    send(child.id(), Signal::SIGINT);
    wait_for("interrupted by SIGINT");
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none(), "it waits for its turn to leave");
    send(child.id(), Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_server_ends_well_on_every_signal_and_stops_postgresql() {
    let directory = OwnDirectory::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let command = private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]);
        let mut server = Server::start(with_default_sighup(command));
        // No sooner than its address is known: the first thing that a supervisor can do.
        send(server.pid(), signal);
        let start = Instant::now();
        assert_eq!(server.wait(), Some(0), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(10), "{signal}");
        assert!(!is_running(directory.path()), "{signal}");
    }
}
