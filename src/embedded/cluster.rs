//! Starts, adopts and stops the server.
//!
//! Only PostgreSQL's own programs, or a shell running as their owner, change PostgreSQL's data directory. This process
//! only reads it. Every change needs the [`StartLock`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use super::error::EmbeddedError;
use super::layout::{PID_FILE, SETTINGS_FILE, START_LOG, pgdata};
use super::lease::StartLock;
use super::owner::Owner;
use super::postmaster::{LISTEN_LIMIT, PidFile, Postmaster, ServerStatus};
use super::programs::Programs;
use super::{config_files, socket};

/// Limit for a start. After a crash PostgreSQL replays its WAL first, which takes minutes on a slow disk.
const START_LIMIT: Duration = Duration::from_secs(3600);

/// Limit for a stop. PostgreSQL writes a checkpoint, which takes longer the more dirty pages its
/// cache has.
const STOP_LIMIT: Duration = Duration::from_secs(300);

/// How long to wait for the processes of a killed server. A server whose socket was removed also stops within this
/// time: `forget_process` replaces the process id in `postmaster.pid`, and the server checks this file once a minute.
const ORPHAN_LIMIT: Duration = Duration::from_secs(90);

const WAIT_LOG_INTERVAL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// A failed start or `initdb` with less free space than this, one WAL segment, counts as a full disk.
const MIN_FREE_SPACE: u64 = 16 << 20;

/// A data directory, with the programs and the user that fit it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) data_dir: PathBuf,
    pub(super) pgdata: PathBuf,
    pub(super) programs: Programs,
    pub(super) owner: Owner,
    pub(super) settings: Vec<(String, String)>,
}

impl Cluster {
    pub(super) fn new(data_dir: &Path, programs: Programs, owner: Owner, settings: Vec<(String, String)>) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            pgdata: pgdata(data_dir),
            programs,
            owner,
            settings,
        }
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn pgdata(&self) -> &Path {
        &self.pgdata
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Returns a server that answers, and whether it was already running. `is_only_user` means that no other process
    /// has a lease, so a server that does not answer may be stopped.
    pub(super) fn ensure_running(
        &self,
        start_lock: &StartLock,
        is_only_user: bool,
    ) -> Result<(Postmaster, bool), EmbeddedError> {
        let mut wait_log = WaitLog::new("PostgreSQL is already running; waiting until it is ready");
        loop {
            let Some(pid_file) = self.pid_file()? else {
                return Ok((self.start(start_lock)?, false));
            };
            let waited = wait_log.waited();
            let limit = match pid_file.probe() {
                ServerStatus::Ready => {
                    let Some(server) = pid_file.postmaster() else { continue };
                    return Ok((server, true));
                }
                ServerStatus::Starting => START_LIMIT,
                ServerStatus::Stopping => STOP_LIMIT,
                ServerStatus::Unresponsive if is_only_user => {
                    log::warn!(
                        "stopping a PostgreSQL server (process {}) that does not answer",
                        pid_file.pid
                    );
                    self.stop_stuck(&pid_file)?;
                    continue;
                }
                ServerStatus::Unresponsive => return Err(self.not_answering(&pid_file)),
                ServerStatus::NotListening if !pid_file.is_alive() => return Ok((self.start(start_lock)?, false)),
                ServerStatus::NotListening if waited > LISTEN_LIMIT => {
                    // Another program has the process id now.
                    self.forget_process(&pid_file)?;
                    return Ok((self.start(start_lock)?, false));
                }
                ServerStatus::NotListening => LISTEN_LIMIT * 2,
            };
            if waited > limit {
                return Err(self.not_answering(&pid_file));
            }
            wait_log.wait();
        }
    }

    fn start(&self, start_lock: &StartLock) -> Result<Postmaster, EmbeddedError> {
        let socket_directory = socket::prepare(&self.data_dir, &self.owner)?;
        self.write(
            &self.pgdata.join(SETTINGS_FILE),
            &config_files::settings(&socket_directory, &self.settings),
        )?;
        self.write(
            &self.pgdata.join("pg_hba.conf"),
            &config_files::host_based_authentication(),
        )?;
        self.write(
            &self.pgdata.join("pg_ident.conf"),
            &config_files::identity_map(&self.owner),
        )?;
        let mut wait_log = WaitLog::new("waiting for the remaining processes of a killed PostgreSQL server");
        loop {
            match self.run_start(start_lock) {
                // PostgreSQL noticed that other processes still use the shared memory of a killed server.
                Err(EmbeddedError::Start { log, .. })
                    if log.contains("is still in use") && wait_log.waited() < ORPHAN_LIMIT =>
                {
                    wait_log.wait();
                }
                outcome => return outcome,
            }
        }
    }

    fn run_start(&self, start_lock: &StartLock) -> Result<Postmaster, EmbeddedError> {
        let began = SystemTime::now();
        self.write(&self.pgdata.join(START_LOG), "")?;
        let mut pg_ctl = self.pg_ctl("start");
        let limit = START_LIMIT.as_secs().to_string();
        pg_ctl.args(["--wait", "--timeout", &limit, "--log", START_LOG]);
        pg_ctl.stdin(
            start_lock
                .shared_with_program()
                .map_err(|error| self.unusable(&self.pgdata, error))?,
        );
        let mut child = pg_ctl
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|problem| cannot_run(&pg_ctl, problem))?;
        let mut wait_log = WaitLog::new("PostgreSQL is starting; recovery after a crash can take minutes");
        let status = loop {
            match child.try_wait().map_err(|problem| cannot_run(&pg_ctl, problem))? {
                Some(status) => break status,
                None => wait_log.wait(),
            }
        };
        if status.success()
            && let Some(server) = self.pid_file()?.and_then(|pid_file| pid_file.postmaster())
        {
            return Ok(server);
        }
        let log = self.log_since(began);
        if self.disk_is_full(&log) {
            return Err(EmbeddedError::DiskFull(self.data_dir.clone()));
        }
        Err(EmbeddedError::Start {
            path: self.pgdata.clone(),
            log,
        })
    }

    /// Whether the server stopped although this process has a lease, according to `postmaster.pid`.
    pub(super) fn has_ended(&self) -> Result<bool, EmbeddedError> {
        let pid_file = self.pid_file()?;
        Ok(pid_file.is_none_or(|pid_file| pid_file.pid == 0 || !pid_file.is_alive()))
    }

    /// Stops the running server. After a crash it can be another one than `used`.
    pub(super) fn stop(&self, start_lock: &StartLock, used: &Postmaster) -> Result<(), EmbeddedError> {
        let Some(pid_file) = self.pid_file()? else {
            return Ok(());
        };
        if pid_file.pid != used.pid && matches!(pid_file.probe(), ServerStatus::NotListening) {
            // Another program may have the process id now, and `pg_ctl` would stop that program.
            return Ok(());
        }
        let mut pg_ctl = self.pg_ctl("stop");
        pg_ctl.args(["--mode", "fast", "--timeout", &STOP_LIMIT.as_secs().to_string()]);
        pg_ctl.stdin(
            start_lock
                .shared_with_program()
                .map_err(|error| self.unusable(&self.pgdata, error))?,
        );
        let output = pg_ctl.output().map_err(|problem| cannot_run(&pg_ctl, problem))?;
        if !output.status.success() && pid_file.is_alive() {
            return Err(EmbeddedError::Stop {
                path: self.pgdata.clone(),
                output: error_output(&output),
            });
        }
        // The next start creates the socket's directory again. In /tmp the directory would stay forever.
        if let Some(directory) = &pid_file.socket_directory
            && let Err(error) = fs::remove_dir(directory)
        {
            log::debug!("{}: {error}", directory.display());
        }
        Ok(())
    }

    /// Stops a server that does not answer and has no users, in immediate mode if necessary.
    fn stop_stuck(&self, pid_file: &PidFile) -> Result<(), EmbeddedError> {
        for mode in ["fast", "immediate"] {
            let mut pg_ctl = self.pg_ctl("stop");
            pg_ctl.args(["--mode", mode, "--timeout", "10"]);
            let output = pg_ctl.output().map_err(|problem| cannot_run(&pg_ctl, problem))?;
            if output.status.success() {
                return Ok(());
            }
        }
        Err(self.not_answering(pid_file))
    }

    /// Replaces the process id in `postmaster.pid`, and in the lock file of the socket, by one that no process has.
    ///
    /// PostgreSQL refuses to start while a recorded process lives. Removing `postmaster.pid` would let it start, but
    /// then it would not check whether the shared memory named in the file is still in use. That check keeps two servers
    /// from writing the same data.
    fn forget_process(&self, pid_file: &PidFile) -> Result<(), EmbeddedError> {
        for path in [Some(self.pgdata.join(PID_FILE)), pid_file.socket_lock()]
            .into_iter()
            .flatten()
        {
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(self.unusable(&path, error)),
            };
            let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
            self.write(&path, &format!("{}\n{rest}", i32::MAX))?;
        }
        Ok(())
    }

    fn pid_file(&self) -> Result<Option<PidFile>, EmbeddedError> {
        PidFile::read(&self.pgdata).map_err(|error| self.unusable(&self.pgdata.join(PID_FILE), error))
    }

    /// A command on `pgdata`. The directory goes into the environment because `pg_ctl` pastes its arguments into a
    /// shell command.
    pub(super) fn command(&self, program: &str, pgdata: &Path) -> Command {
        let mut command = self.owner.command(&self.programs.program(program));
        command.env("PGDATA", pgdata);
        command
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = self.command("pg_ctl", &self.pgdata);
        // In this directory `pg_ctl` needs only the file name of the log. A path would go into a
        // shell command too.
        command.current_dir(&self.pgdata).args([action, "--silent"]);
        command
    }

    pub(super) fn write(&self, path: &Path, contents: &str) -> Result<(), EmbeddedError> {
        self.owner
            .write(path, contents)
            .map_err(|error| self.unusable(path, error))
    }

    /// The last lines that PostgreSQL has logged since `began`, first on its standard error and later in its log.
    fn log_since(&self, began: SystemTime) -> String {
        let mut text = fs::read_to_string(self.pgdata.join(START_LOG)).unwrap_or_default();
        let logs = fs::read_dir(self.pgdata.join("log")).into_iter().flatten().flatten();
        for log in logs {
            if log
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| modified >= began)
            {
                text += &fs::read_to_string(log.path()).unwrap_or_default();
            }
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Whether a program failed because the disk is full. The message can be missing, because a full disk has no room
    /// for a log.
    pub(super) fn disk_is_full(&self, output: &str) -> bool {
        mentions_full_disk(output) || free_space(&self.data_dir).is_ok_and(|room| room < MIN_FREE_SPACE)
    }

    pub(super) fn unusable(&self, path: &Path, problem: io::Error) -> EmbeddedError {
        if mentions_full_disk(&problem.to_string()) {
            return EmbeddedError::DiskFull(self.data_dir.clone());
        }
        EmbeddedError::DataDirectory {
            path: path.to_owned(),
            problem,
        }
    }

    fn not_answering(&self, pid_file: &PidFile) -> EmbeddedError {
        EmbeddedError::NotAnswering {
            path: self.pgdata.clone(),
            pid: pid_file.pid,
        }
    }
}

/// Logs a message at intervals while waiting.
struct WaitLog {
    message: &'static str,
    started: Instant,
    last_logged: Instant,
}

impl WaitLog {
    fn new(message: &'static str) -> Self {
        let now = Instant::now();
        Self {
            message,
            started: now,
            last_logged: now,
        }
    }

    fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    fn wait(&mut self) {
        if self.last_logged.elapsed() >= WAIT_LOG_INTERVAL {
            self.last_logged = Instant::now();
            log::info!("{} ({} s)", self.message, self.waited().as_secs());
        }
        sleep(POLL);
    }
}

/// The free space of the disk that holds a directory, in bytes.
pub(super) fn free_space(directory: &Path) -> io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(directory)?;
    #[allow(clippy::useless_conversion, reason = "the numbers are narrower on macOS")]
    let room = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size());
    Ok(room)
}

fn mentions_full_disk(text: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|full| text.contains(full))
}

pub(super) fn cannot_run(command: &Command, problem: io::Error) -> EmbeddedError {
    EmbeddedError::Program {
        program: PathBuf::from(command.get_program()),
        problem,
    }
}

pub(super) fn error_output(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    if text.is_empty() {
        return String::from_utf8_lossy(&output.stdout).trim().to_owned();
    }
    text.to_owned()
}
