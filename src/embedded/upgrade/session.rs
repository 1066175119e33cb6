//! Runs PostgreSQL's client programs on the servers of an upgrade, as PostgreSQL's user.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::UpgradeError;
use super::preparation::ClientPrograms;
use super::step::Step;
use crate::embedded::cluster::{Cluster, cannot_run, error_output};
use crate::embedded::error::EmbeddedError;
use crate::embedded::layout::{APPLICATION_DATABASE, SUPERUSER};
use crate::embedded::postmaster::Postmaster;

/// The interval between two lines of progress.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(20);

/// Bytes that are copied at once.
const BUFFER: usize = 1 << 18;

/// A running server, and the client programs for it.
pub(super) struct Session<'a> {
    clients: &'a ClientPrograms,
    /// The new data.
    cluster: &'a Cluster,
    server: &'a Postmaster,
}

impl<'a> Session<'a> {
    pub(super) fn new(clients: &'a ClientPrograms, cluster: &'a Cluster, server: &'a Postmaster) -> Self {
        Self {
            clients,
            cluster,
            server,
        }
    }

    fn command(&self, program: &Path, database: &str) -> Command {
        let mut command = self.cluster.owner.command(program);
        command.arg("--host").arg(&self.server.socket_directory);
        command.args(["--port", &self.server.port.to_string(), "--username", SUPERUSER]);
        command.args(["--no-password", "--dbname", database]);
        command
    }

    /// Runs a script as the superuser, and returns the rows that it prints.
    pub(super) fn psql(&self, database: &str, script: &str) -> Result<Vec<String>, UpgradeError> {
        let mut psql = self.command(&self.clients.psql, database);
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        psql.args(["--set", "ON_ERROR_STOP=1", "--file", "-"]);
        let mut child = spawn(psql.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        // If the program fails early, its own message says more than our broken pipe.
        let _ = child
            .stdin
            .take()
            .map_or(Ok(()), |mut stdin| stdin.write_all(script.as_bytes()));
        let output = child.wait_with_output().map_err(|problem| cannot_run(&psql, problem))?;
        let output = self.check("psql", output)?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text
            .lines()
            .map(str::to_owned)
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// Fills the application's database of `new` with the contents of this one, in one transaction.
    ///
    /// The bytes pass through this process. If this process is killed, both programs lose their pipe.
    pub(super) fn copy_to(&self, new: &Session<'_>, report: &mut dyn FnMut(Step)) -> Result<(), UpgradeError> {
        let mut dump = self.command(&self.clients.pg_dump, APPLICATION_DATABASE);
        dump.args(["--format=custom", "--compress=0"]);
        let mut restore = new.command(&self.clients.pg_restore, APPLICATION_DATABASE);
        restore.args(["--single-transaction", "--exit-on-error"]);
        let mut restoring = spawn(restore.stdin(Stdio::piped()).stdout(Stdio::null()))?;
        let mut dumping = match spawn(dump.stdin(Stdio::null()).stdout(Stdio::piped())) {
            Ok(dumping) => dumping,
            Err(error) => {
                stop(&mut restoring);
                return Err(error);
            }
        };
        let (source, target) = (dumping.stdout.take(), restoring.stdin.take());
        let (dumped, restored) = thread::scope(|scope| {
            let dumping = scope.spawn(|| dumping.wait_with_output());
            let restoring = scope.spawn(|| restoring.wait_with_output());
            let start = Instant::now();
            if let (Some(source), Some(target)) = (source, target) {
                // A program that fails closes its end of the pipe. Its own message says more.
                if let Err(error) = pump(source, target, report) {
                    log::debug!("the copy was interrupted: {error}");
                }
            }
            let mut reported = Instant::now();
            while !restoring.is_finished() {
                thread::sleep(POLL);
                if reported.elapsed() >= REPORT_INTERVAL {
                    reported = Instant::now();
                    report(Step::Index(start.elapsed().as_secs()));
                }
            }
            (dumping.join(), restoring.join())
        });
        let ended = |outcome: thread::Result<io::Result<Output>>, command: &Command| {
            let outcome = outcome.unwrap_or_else(|_| Err(io::Error::other("it was not waited for")));
            outcome.map_err(|problem| cannot_run(command, problem))
        };
        let (dumped, restored) = (ended(dumped, &dump)?, ended(restored, &restore)?);
        // If pg_restore fails first, it closes the pipe, and a signal ends pg_dump without a message. If pg_dump fails
        // first, pg_restore gets an incomplete archive and also fails.
        if dumped.status.code().is_none() {
            new.check("pg_restore", restored)?;
            self.check("pg_dump", dumped)?;
        } else {
            self.check("pg_dump", dumped)?;
            new.check("pg_restore", restored)?;
        }
        Ok(())
    }

    fn check(&self, program: &str, output: Output) -> Result<Output, UpgradeError> {
        if output.status.success() {
            return Ok(output);
        }
        let message = error_output(&output);
        if self.cluster.disk_is_full(&message) {
            return Err(EmbeddedError::DiskFull(self.cluster.data_dir.clone()).into());
        }
        let output = match message.is_empty() {
            true => output.status.to_string(),
            false => message,
        };
        Err(UpgradeError::Failed {
            program: program.to_owned(),
            output,
        })
    }
}

fn spawn(command: &mut Command) -> Result<Child, UpgradeError> {
    let child = command.stderr(Stdio::piped()).spawn();
    Ok(child.map_err(|problem| cannot_run(command, problem))?)
}

/// Kills a program. That fails only if it has already ended.
fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Copies all bytes. At the end both pipes are closed.
fn pump(mut source: impl Read, mut target: impl Write, report: &mut dyn FnMut(Step)) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let (mut copied, mut reported) = (0, Instant::now());
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        target.write_all(&buffer[..count])?;
        copied += count as u64;
        if reported.elapsed() >= REPORT_INTERVAL {
            reported = Instant::now();
            report(Step::Copied(copied));
        }
    }
}
