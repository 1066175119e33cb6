//! Signals: how they end commands and servers.

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

/// An import into a private database. It waits for a lock on the table `contacts`. No other process holds a lease on
/// the private database, so PostgreSQL stops when the import ends.
struct BlockedImport {
    child: Child,
    directory: OwnDirectory,
    _lock: PgConnection,
}

impl BlockedImport {
    fn start(prepare: impl FnOnce(Command) -> Command) -> Self {
        let directory = OwnDirectory::with_database();
        stdout(run(private(&directory, &["client", "create", "Acme"]), ""));
        let file = directory.path().join("contacts.csv");
        std::fs::write(&file, "email\na@example.com\n").unwrap();

        let database = open_durable(directory.path());
        let mut lock = connect(&database.url());
        execute(&mut lock, "BEGIN; LOCK TABLE contacts");
        let mut command = prepare(private(&directory, &["import", "--client", "Acme"]));
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program can be started");
        wait_until(PATIENCE, "the import does not wait for the lock", || {
            count(&mut lock, "SELECT count(*) AS count FROM pg_locks WHERE NOT granted") == 1
        });
        // Closing releases the test's lease. The test's open connection holds no lease.
        database.close().expect("the import keeps PostgreSQL running");
        Self {
            child,
            directory,
            _lock: lock,
        }
    }

    fn interrupt(&mut self, signal: Signal) -> (Option<i32>, String) {
        send(self.child.id(), signal);
        let mut stderr_text = String::new();
        let mut stderr = self.child.stderr.take().expect("standard error is piped");
        stderr.read_to_string(&mut stderr_text).unwrap();
        (self.child.wait().unwrap().code(), stderr_text)
    }
}

fn send(process: u32, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(process).unwrap());
    kill(process, signal).expect("the process can be signalled");
}

/// Restores the default handler of SIGHUP. The tests may have been started with SIGHUP ignored, and child processes
/// inherit that.
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
fn an_interrupted_command_rolls_back_and_stops_the_private_database() {
    for (signal, name, status) in [
        (Signal::SIGINT, "SIGINT", 130),
        (Signal::SIGTERM, "SIGTERM", 143),
        (Signal::SIGHUP, "SIGHUP", 129),
    ] {
        let mut import = BlockedImport::start(with_default_sighup);
        let (ended, stderr_text) = import.interrupt(signal);
        assert_eq!(ended, Some(status), "{stderr_text}");
        assert!(
            stderr_text.contains(&format!("contact-search: interrupted by {name}\n")),
            "{stderr_text}"
        );
        assert!(
            !is_running(import.directory.path()),
            "PostgreSQL must be stopped, since no process uses it any more"
        );
        let database = open_durable(import.directory.path());
        let mut connection = connect(&database.url());
        assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM contacts"), 0);
    }
}

#[test]
fn an_interrupted_first_start_stops_cleanly_at_every_stage() {
    // Stages: initdb runs, PostgreSQL starts, the demo is being created.
    for (stage_file, words) in [
        ("postgres.new/PG_VERSION", ""),
        ("postgres/postmaster.pid", ""),
        ("postgres/postmaster.pid", "ready"),
    ] {
        let directory = OwnDirectory::new();
        let mut command = private(&directory, &["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().expect("the program can be started");
        wait_until(PATIENCE, stage_file, || {
            std::fs::read_to_string(directory.path().join(stage_file)).is_ok_and(|text| text.contains(words))
        });
        // Sends the signal to every process of the group, as a terminal does.
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap());
        killpg(group, Signal::SIGINT).expect("the group can be interrupted");
        let output = child.wait_with_output().unwrap();
        let stderr_text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{stage_file}: {stderr_text}");
        assert!(
            stderr_text.contains("contact-search: interrupted by SIGINT\n"),
            "{stage_file}: {stderr_text}"
        );
        assert!(!is_running(directory.path()), "{stage_file}");
        assert!(!directory.path().join("postgres.new").exists(), "{stage_file}");
        stdout(run(private(&directory, &["client", "create", "Acme"]), ""));
    }
}

#[test]
fn a_second_ctrl_c_ends_a_command_at_once_and_nohup_protects_it_from_sighup() {
    let directory = OwnDirectory::new();
    // This lock guards the start and the stop of PostgreSQL. The command waits for the lock before it starts
    // PostgreSQL, and again before it exits.
    let start_lock = std::fs::File::create(directory.path().join("lock")).unwrap();
    start_lock.lock().unwrap();
    let mut command = wrap("nohup", &[], private(&directory, &["client", "create", "Acme"]));
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
    assert!(
        child.try_wait().unwrap().is_none(),
        "the command must wait for the lock before it exits"
    );
    send(child.id(), Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_server_exits_with_success_on_every_signal_and_stops_postgresql() {
    let directory = OwnDirectory::with_database();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let command = private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]);
        let mut server = Server::start(with_default_sighup(command));
        // Sends the signal as soon as the server has printed its address, because a supervisor cannot act earlier.
        send(server.pid(), signal);
        let start = Instant::now();
        assert_eq!(server.wait(), Some(0), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(10), "{signal}");
        assert!(!is_running(directory.path()), "{signal}");
    }
}

#[test]
fn a_second_sigterm_or_sigint_ends_a_server_at_once_and_the_next_start_keeps_its_data() {
    for second in [Signal::SIGTERM, Signal::SIGINT] {
        let directory = OwnDirectory::with_database();
        let client = stdout(run(private(&directory, &["client", "create", "Acme"]), ""));
        let key = stdout(run(
            private(&directory, &["key", "create", "--client", client.trim()]),
            "",
        ));
        let command = private(&directory, &["serve", "--listen", "127.0.0.1:0", "--no-demo"]);
        let mut server = Server::start(command);
        let database = open_durable(directory.path());
        let mut lock = connect(&database.url());
        database.close().expect("the server keeps PostgreSQL running");
        execute(&mut lock, "BEGIN; LOCK TABLE contacts");
        let (address, key) = (server.address().to_owned(), key.trim().to_owned());
        // A request in flight, for which a graceful stop waits.
        let request =
            format!("GET /api/public/contacts/search?email=a HTTP/1.1\r\nHost: test\r\nX-API-Key: {key}\r\n\r\n");
        let mut stream = std::net::TcpStream::connect(address).expect("the server accepts");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        wait_until(PATIENCE, "the request does not wait for the lock", || {
            count(&mut lock, "SELECT count(*) AS count FROM pg_locks WHERE NOT granted") == 1
        });
        send(server.pid(), Signal::SIGTERM);
        std::thread::sleep(Duration::from_millis(500));
        assert!(is_running(directory.path()), "the request must be answered first");
        let start = Instant::now();
        send(server.pid(), second);
        assert_eq!(server.wait(), Some(128 + second as i32));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

        // The next server takes over the running PostgreSQL and shuts it down in order.
        let clients = stdout(run(private(&directory, &["client", "list"]), ""));
        assert!(clients.contains("Acme"), "{clients}");
        assert!(!is_running(directory.path()));
    }
}
