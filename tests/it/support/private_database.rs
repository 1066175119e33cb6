//! Private databases, opened by the test or by another process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use contact_search::embedded::{Options, PrivateDatabase};
use contact_search::store::{self, PgConnection};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, Uid, User};

use super::OwnDirectory;
use super::database::{execute, programs};

/// Options with the default settings of PostgreSQL, as users have them.
pub fn durable(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        programs: programs(),
        settings: Vec::new(),
    }
}

/// Options without fsync. Data can be lost only if the machine crashes.
pub fn options(data_dir: &Path) -> Options {
    Options {
        settings: vec![("fsync".into(), "off".into())],
        ..durable(data_dir)
    }
}

pub fn open_durable(data_dir: &Path) -> PrivateDatabase {
    PrivateDatabase::open(&durable(data_dir)).unwrap_or_else(|error| panic!("{error}"))
}

pub fn open(data_dir: &Path) -> PrivateDatabase {
    PrivateDatabase::open(&options(data_dir)).unwrap_or_else(|error| panic!("{error}"))
}

/// Opens the database, which must fail, and returns the error message.
pub fn refusal(options: &Options) -> String {
    match PrivateDatabase::open(options) {
        Ok(_) => panic!("the database was opened"),
        Err(error) => error.to_string(),
    }
}

pub fn connect(url: &str) -> PgConnection {
    store::connection::connect(url).expect("the database answers")
}

/// The result of an SQL expression, as text.
pub fn query(url: &str, expression: &str) -> String {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    let sql = format!("SELECT ({expression})::text AS answer");
    sql_query(&sql)
        .get_result::<Answer>(&mut connect(url))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .answer
}

/// Writes a row that must survive. The write is acknowledged when this returns.
pub fn insert_row(url: &str) {
    execute(&mut connect(url), "CREATE TABLE kept AS SELECT 'kept' AS word");
}

pub fn row_exists(url: &str) -> bool {
    query(url, "SELECT string_agg(word, ',') FROM kept") == "kept"
}

pub fn pid_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres/postmaster.pid")
}

pub fn postmaster(data_dir: &Path) -> Pid {
    let text = fs::read_to_string(pid_file(data_dir)).expect("a server runs");
    Pid::from_raw(
        text.lines()
            .next()
            .unwrap_or_default()
            .parse()
            .expect("a process number"),
    )
}

pub fn is_running(data_dir: &Path) -> bool {
    pid_file(data_dir).exists()
}

/// PostgreSQL's user: `postgres` if root runs the tests, otherwise the user that runs the tests.
pub fn server_user() -> User {
    let us = Uid::effective();
    let user = if us.is_root() {
        User::from_name("postgres")
    } else {
        User::from_uid(us)
    };
    user.ok().flatten().expect("PostgreSQL's user exists")
}

/// Another process that has the database open. It runs this test program with an environment variable that makes one
/// test call [`hold`].
pub struct Holder {
    pub process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

pub const HOLDER: &str = "embedded::lifecycle::the_last_process_to_close_stops_the_server";
pub const HOLDER_DIRECTORY: &str = "CONTACT_SEARCH_TEST_HOLDS";

impl Holder {
    pub fn start(data_dir: &Path) -> Self {
        Self::start_as(data_dir, &std::env::current_exe().expect("this program"), |_| ())
    }

    /// Runs as PostgreSQL's user, who may have no access to the directory of this program.
    pub fn start_unprivileged(directory: &OwnDirectory, data_dir: &Path) -> Self {
        let program = directory.path().join("holder");
        // Another process writes the copy. If the tests had it open for writing, a concurrently forked process would
        // inherit the descriptor and the copy could not be run.
        let copied = Command::new("cp")
            .arg(std::env::current_exe().expect("this program"))
            .arg(&program)
            .status();
        assert!(copied.expect("cp can be run").success());
        let user = server_user();
        Self::start_as(data_dir, &program, |command| {
            if Uid::effective().is_root() {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
        })
    }

    fn start_as(data_dir: &Path, program: &Path, set_user: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(program);
        command
            .args([HOLDER, "--exact", "--nocapture"])
            .env(HOLDER_DIRECTORY, data_dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        set_user(&mut command);
        let mut process = command.spawn().expect("another process can be started");
        let stdout = process.stdout.take().expect("standard output is piped");
        Self {
            process,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// The process's report: the state and the URL of the database, or the reason of a refusal.
    pub fn report(&mut self) -> Result<(String, String), String> {
        for line in self.lines.by_ref() {
            let line = line.expect("the output is text");
            if let Some(report) = line.strip_prefix("opened ") {
                let (state, url) = report.split_once(' ').expect("two words");
                return Ok((state.to_owned(), url.to_owned()));
            }
            if let Some(error) = line.strip_prefix("refused ") {
                return Err(error.to_owned());
            }
        }
        panic!("the process ended without a report");
    }

    pub fn opened(&mut self) -> (String, String) {
        self.report().unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn close(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("the process ends").success());
    }

    pub fn kill(mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }
}

/// Opens the database, prints the line that [`Holder::report`] parses, and closes the database at
/// the end of standard input.
#[allow(unsafe_code, reason = "nix has no safe function that sets a signal handler")]
pub fn hold(data_dir: &Path) {
    // Restores the default handler of SIGINT. A shell ignores SIGINT for background jobs, and child processes inherit
    // that.
    // SAFETY: no Rust handler is replaced or installed.
    unsafe { nix::sys::signal::signal(Signal::SIGINT, nix::sys::signal::SigHandler::SigDfl) }.expect("a valid signal");
    match PrivateDatabase::open(&options(data_dir)) {
        Ok(database) => {
            println!("\nopened {:?} {}", database.startup(), database.url());
            let _ = std::io::stdin().read_line(&mut String::new());
            database.close().expect("the database can be closed");
        }
        Err(error) => println!("\nrefused {error}"),
    }
}
