//! Runs commands of the program to their end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::TestDatabase;
use super::app::{Server, program};
use super::database::programs;

/// The output and the exit status of a command.
pub struct CommandOutput {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// Runs a command to its end, with `input` on its standard input.
pub fn run(mut command: Command, input: &str) -> CommandOutput {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    // A command that does not read its input may have ended already.
    let _ = child
        .stdin
        .take()
        .expect("standard input is piped")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("a child can be waited for").into()
}

/// The program on a database of the tests' PostgreSQL.
pub fn command_on(database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).env("DATABASE_URL", database.url());
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    command
}

/// Runs the program on a database.
pub fn run_on(database: &TestDatabase, arguments: &[&str]) -> CommandOutput {
    run(command_on(database, arguments), "")
}

/// The standard output of a command that must have succeeded.
pub fn stdout(output: CommandOutput) -> String {
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    output.stdout
}

/// The standard error of a command that must have failed without a panic and without output.
pub fn error_of(output: CommandOutput) -> String {
    assert!(
        matches!(output.status, Some(1 | 2)),
        "{:?}: {}",
        output.status,
        output.stderr
    );
    assert_eq!(output.stdout, "");
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
    output.stderr
}

/// Runs a command whose standard output is closed. Returns the exit status and standard error.
pub fn run_unread(mut command: Command) -> (Option<i32>, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a child can be waited for");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

/// The program on the private database in a data directory.
pub fn private(data_dir: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).arg("--data-dir").arg(data_dir.as_ref());
    if let Some(programs) = programs() {
        command.env("CONTACT_SEARCH_PG_BIN", programs);
    }
    command
}

/// Runs each `curl` line that a new server prints as an example, and returns the answers.
pub fn run_printed_examples(server: &Server) -> Vec<Value> {
    let start = Instant::now();
    let lines: Vec<String> = loop {
        let output = server.output.lock().unwrap().clone();
        let lines: Vec<String> = output
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("curl "))
            .map(str::to_owned)
            .collect();
        if lines.len() == 2 {
            break lines;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{output}");
        std::thread::sleep(Duration::from_millis(10));
    };
    lines
        .iter()
        .map(|line| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{line} --silent --fail")]);
            serde_json::from_str(&stdout(run(command, ""))).expect("JSON")
        })
        .collect()
}

/// The ids of the keys whose lines in `key list` contain the text, newest first.
pub fn listed_keys(database: &TestDatabase, text: &str) -> Vec<String> {
    let list = stdout(run_on(database, &["key", "list"]));
    let lines = list.lines().filter(|line| line.contains(text));
    lines.map(|line| line[..36].to_owned()).collect()
}
