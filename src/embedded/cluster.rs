//! Making, starting, adopting and stopping the server.
//!
//! Everything that changes PostgreSQL's data directory is done by PostgreSQL's own programs or by a shell, as
//! the user whose it is; we read there, and no more. All of it wants the [`Turn`].

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid, User};

use super::lease::Turn;
use super::owner::Owner;
use super::programs::{DataVersion, Programs};
use super::{APPLICATION_DATABASE, APPLICATION_ROLE, EmbeddedError, SUPERUSER, socket};

/// How long a start may take. After a crash PostgreSQL first goes through what it had not yet written in place,
/// which on a slow disk is a matter of minutes.
const START_LIMIT: Duration = Duration::from_secs(3600);

/// How long a stop may take: a checkpoint, the size of the dirty part of the cache.
const STOP_LIMIT: Duration = Duration::from_secs(300);

/// How long the processes of a server that is gone may stand in the way. It is also long enough for a server whose
/// socket was removed: that looks once a minute whether the record is still its own, and ends where it isn't.
const LEAVE_LIMIT: Duration = Duration::from_secs(90);

/// How long a server has for the first byte of an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long a server may take from its first sign to its socket.
const LISTEN_LIMIT: Duration = Duration::from_secs(2);

const PROGRESS_EVERY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// What a failed start or `initdb` needs at least: less than one segment of the log of changes is a full disk.
const LEAST_ROOM: u64 = 16 << 20;

/// Character classes as Unicode has them, in the order of preference; the last is everywhere, and knows ASCII.
const CHARACTER_LOCALES: [&str; 4] = ["C.UTF-8", "C.utf8", "en_US.UTF-8", "C"];

const SETTINGS_FILE: &str = "contact-search.conf";
const PID_FILE: &str = "postmaster.pid";
const START_LOG: &str = "start.log";
const IDENTITY_MAP: &str = "contact-search";

/// PostgreSQL's data directory, within ours.
pub(super) fn pgdata(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres")
}

/// What is in the place of PostgreSQL's data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Data {
    Absent,
    Present(DataVersion),
}

impl Data {
    /// Looks without changing anything.
    ///
    /// Data are made beside their place and then moved there, so what is there is whole.
    pub(super) fn look(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let pgdata = pgdata(data_dir);
        match fs::read_to_string(pgdata.join("PG_VERSION")) {
            Ok(version) => match version.trim().parse() {
                Ok(major) => Ok(Self::Present(DataVersion { pgdata, major })),
                Err(_) => Err(EmbeddedError::NotData(pgdata)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_dir(&pgdata) {
                Ok(mut entries) => match entries.next() {
                    None => Ok(Self::Absent),
                    Some(_) => Err(EmbeddedError::NotData(pgdata)),
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Absent),
                Err(problem) => Err(EmbeddedError::DataDirectory { path: pgdata, problem }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(EmbeddedError::NotData(pgdata)),
            Err(problem) => Err(EmbeddedError::DataDirectory { path: pgdata, problem }),
        }
    }

    pub(super) fn version(&self) -> Option<DataVersion> {
        match self {
            Self::Absent => None,
            Self::Present(version) => Some(version.clone()),
        }
    }
}

/// A data directory with the programs and the user that fit it.
#[derive(Debug)]
pub(super) struct Cluster {
    data_dir: PathBuf,
    pgdata: PathBuf,
    programs: Programs,
    owner: Owner,
    settings: Vec<(String, String)>,
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

    /// Makes the data with the application's role and database, all or nothing.
    pub(super) fn initialize(&self, turn: &Turn) -> Result<(), EmbeddedError> {
        log::info!("making a database in {}", self.data_dir.display());
        // What is under this name was never a database in use: an earlier attempt that was cut short.
        let unfinished = self.data_dir.join("postgres.new");
        let outcome = self.initialize_at(&unfinished, turn);
        if outcome.is_err()
            && let Err(error) = fs::remove_dir_all(&unfinished)
        {
            log::debug!("{}: {error}", unfinished.display());
        }
        outcome
    }

    fn initialize_at(&self, unfinished: &Path, turn: &Turn) -> Result<(), EmbeddedError> {
        match fs::remove_dir_all(unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.unusable(unfinished, error)),
            _ => {}
        }
        DirBuilder::new()
            .mode(0o700)
            .create(unfinished)
            .and_then(|()| self.owner.give(unfinished))
            .map_err(|error| self.unusable(unfinished, error))?;
        self.run_initdb(unfinished, turn)?;
        self.make_application_database(unfinished)?;
        let own = unfinished.join("postgresql.conf");
        let theirs = fs::read_to_string(&own).map_err(|error| self.unusable(&own, error))?;
        let included = format!(
            "{theirs}\n# Written anew at each start; what is to be other than there, after this line.\ninclude = '{SETTINGS_FILE}'\n"
        );
        self.write(&own, &included)?;
        if self.is_durable() {
            let mut sync = self.command("initdb", unfinished);
            sync.arg("--sync-only");
            self.run_making(sync)?;
        }
        // Atomic, and over an empty directory too.
        fs::rename(unfinished, &self.pgdata).map_err(|error| self.unusable(&self.pgdata, error))?;
        if self.is_durable() {
            File::open(&self.data_dir)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| self.unusable(&self.data_dir, error))?;
        }
        Ok(())
    }

    fn run_initdb(&self, unfinished: &Path, turn: &Turn) -> Result<(), EmbeddedError> {
        let mut last = Ok(());
        for locale in CHARACTER_LOCALES {
            let mut initdb = self.command("initdb", unfinished);
            initdb.args([
                "--username",
                SUPERUSER,
                "--encoding",
                "UTF8",
                "--data-checksums",
                "--no-sync",
            ]);
            initdb.args(["--auth-local", "peer", "--auth-host", "reject"]);
            // Text sorts by its bytes and knows its classes and cases by Unicode, the same everywhere. Messages
            // are English, since some of them are recognised by their words.
            initdb.args(["--locale", "C", "--lc-ctype", locale]);
            if self.programs.major() >= 17 {
                initdb.args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]);
            }
            initdb.stdin(
                turn.shared_with_program()
                    .map_err(|error| self.unusable(unfinished, error))?,
            );
            last = self.run_making(initdb);
            match &last {
                Err(EmbeddedError::Initialize { output, .. }) if output.contains("invalid locale name") => {}
                _ => return last,
            }
        }
        last
    }

    /// The server's single-user mode needs neither a socket nor a password.
    fn make_application_database(&self, unfinished: &Path) -> Result<(), EmbeddedError> {
        let mut single = self.command("postgres", unfinished);
        single.args(["--single", "-F", "-c", "exit_on_error=true", SUPERUSER]);
        let sql = format!(
            "CREATE ROLE {APPLICATION_ROLE} LOGIN;\nCREATE DATABASE {APPLICATION_DATABASE} OWNER {APPLICATION_ROLE};\n"
        );
        let outcome = (|| {
            let mut child = single
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            let sent = child
                .stdin
                .take()
                .map_or(Ok(()), |mut stdin| stdin.write_all(sql.as_bytes()));
            let output = child.wait_with_output()?;
            // Where it ended early, its own words tell more than our broken pipe.
            if output.status.success() {
                sent.map(|()| output)
            } else {
                Ok(output)
            }
        })();
        self.made(&single, outcome)
    }

    fn run_making(&self, mut command: Command) -> Result<(), EmbeddedError> {
        let outcome = command.output();
        self.made(&command, outcome)
    }

    fn made(&self, command: &Command, outcome: io::Result<Output>) -> Result<(), EmbeddedError> {
        let output = outcome.map_err(|problem| cannot_run(command, problem))?;
        if output.status.success() {
            return Ok(());
        }
        let said = words(&output);
        if self.disk_is_full(&said) {
            return Err(EmbeddedError::DiskFull(self.data_dir.clone()));
        }
        Err(EmbeddedError::Initialize {
            path: self.pgdata.clone(),
            output: said,
        })
    }

    /// Returns a server that answers, and whether it was running before. `alone` says that no other process has
    /// a lease: then a server that doesn't answer may be stopped.
    pub(super) fn ensure_running(&self, turn: &Turn, alone: bool) -> Result<(Postmaster, bool), EmbeddedError> {
        let mut progress = Progress::new("PostgreSQL is running already, waiting until it is ready");
        loop {
            let Some(recorded) = self.recorded()? else {
                return Ok((self.start(turn)?, false));
            };
            let waited = progress.waited();
            let limit = match recorded.look() {
                Sign::Ready => {
                    let Some(server) = recorded.as_server() else { continue };
                    return Ok((server, true));
                }
                Sign::Starting => START_LIMIT,
                Sign::Stopping => STOP_LIMIT,
                Sign::Silent if alone => {
                    log::warn!("a PostgreSQL (process {}) doesn't answer: stopping it", recorded.pid);
                    self.stop_stuck(&recorded)?;
                    continue;
                }
                Sign::Silent => return Err(self.not_answering(&recorded)),
                Sign::Absent if !recorded.is_alive() => return Ok((self.start(turn)?, false)),
                Sign::Absent if waited > LISTEN_LIMIT => {
                    // Another program has the number now.
                    self.forget_process()?;
                    return Ok((self.start(turn)?, false));
                }
                Sign::Absent => LISTEN_LIMIT * 2,
            };
            if waited > limit {
                return Err(self.not_answering(&recorded));
            }
            progress.wait();
        }
    }

    fn start(&self, turn: &Turn) -> Result<Postmaster, EmbeddedError> {
        let socket_directory = socket::prepare(&self.data_dir, &self.owner)?;
        self.write(&self.pgdata.join(SETTINGS_FILE), &self.settings_text(&socket_directory))?;
        self.write(&self.pgdata.join("pg_hba.conf"), &host_based_authentication())?;
        self.write(&self.pgdata.join("pg_ident.conf"), &self.identities())?;
        let mut orphans = Progress::new("waiting for the processes of a PostgreSQL that was killed to end");
        loop {
            match self.run_start(turn) {
                // PostgreSQL has seen that others still use the shared memory of a server that is gone.
                Err(EmbeddedError::Start { log, .. })
                    if log.contains("is still in use") && orphans.waited() < LEAVE_LIMIT =>
                {
                    orphans.wait();
                }
                outcome => return outcome,
            }
        }
    }

    fn run_start(&self, turn: &Turn) -> Result<Postmaster, EmbeddedError> {
        let began = SystemTime::now();
        self.write(&self.pgdata.join(START_LOG), "")?;
        let mut pg_ctl = self.pg_ctl("start");
        let limit = START_LIMIT.as_secs().to_string();
        pg_ctl.args(["--wait", "--timeout", &limit, "--log", START_LOG]);
        pg_ctl.stdin(
            turn.shared_with_program()
                .map_err(|error| self.unusable(&self.pgdata, error))?,
        );
        let mut child = pg_ctl
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|problem| cannot_run(&pg_ctl, problem))?;
        let mut progress =
            Progress::new("PostgreSQL is starting; after a crash it recovers first, which can take a while");
        let status = loop {
            match child.try_wait().map_err(|problem| cannot_run(&pg_ctl, problem))? {
                Some(status) => break status,
                None => progress.wait(),
            }
        };
        if status.success()
            && let Some(server) = self.recorded()?.and_then(|recorded| recorded.as_server())
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

    /// Whether the server has ended without being stopped by one of us, as far as its record tells; for who has a lease.
    pub(super) fn has_ended(&self) -> Result<bool, EmbeddedError> {
        let recorded = self.recorded()?;
        Ok(recorded.is_none_or(|recorded| recorded.pid == 0 || !recorded.is_alive()))
    }

    /// Stops the server that runs now, which where it crashed meanwhile need not be the one that we `used`.
    pub(super) fn stop(&self, turn: &Turn, used: &Postmaster) -> Result<(), EmbeddedError> {
        let Some(recorded) = self.recorded()? else {
            return Ok(());
        };
        if recorded.pid != used.pid && matches!(recorded.look(), Sign::Absent) {
            // Its number may be another program's by now, and `pg_ctl` would end that one.
            return Ok(());
        }
        let mut pg_ctl = self.pg_ctl("stop");
        pg_ctl.args(["--mode", "fast", "--timeout", &STOP_LIMIT.as_secs().to_string()]);
        pg_ctl.stdin(
            turn.shared_with_program()
                .map_err(|error| self.unusable(&self.pgdata, error))?,
        );
        let output = pg_ctl.output().map_err(|problem| cannot_run(&pg_ctl, problem))?;
        if !output.status.success() && recorded.is_alive() {
            return Err(EmbeddedError::Stop {
                path: self.pgdata.clone(),
                output: words(&output),
            });
        }
        // Made again at the next start; in /tmp it would stay for ever.
        if let Some(directory) = &recorded.socket_directory
            && let Err(error) = fs::remove_dir(directory)
        {
            log::debug!("{}: {error}", directory.display());
        }
        Ok(())
    }

    /// Stops a server that nobody has a lease on and that doesn't answer, the hard way in the end.
    fn stop_stuck(&self, recorded: &Recorded) -> Result<(), EmbeddedError> {
        for mode in ["fast", "immediate"] {
            let mut pg_ctl = self.pg_ctl("stop");
            pg_ctl.args(["--mode", mode, "--timeout", "10"]);
            let output = pg_ctl.output().map_err(|problem| cannot_run(&pg_ctl, problem))?;
            if output.status.success() {
                return Ok(());
            }
        }
        Err(self.not_answering(recorded))
    }

    /// Puts a number that no process has in the place of the one which PostgreSQL has recorded.
    ///
    /// PostgreSQL refuses to start while the recorded process lives. It would also start with the file removed,
    /// but then without looking whether the shared memory that the file names is still in use, which is what
    /// keeps two servers from writing the same data.
    fn forget_process(&self) -> Result<(), EmbeddedError> {
        let path = self.pgdata.join(PID_FILE);
        let text = fs::read_to_string(&path).map_err(|error| self.unusable(&path, error))?;
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        self.write(&path, &format!("{}\n{rest}", i32::MAX))
    }

    fn recorded(&self) -> Result<Option<Recorded>, EmbeddedError> {
        let path = self.pgdata.join(PID_FILE);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Recorded::parse(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(&path, error)),
        }
    }

    fn settings_text(&self, socket_directory: &Path) -> String {
        let mut text = String::from("# Written by contact-search at each start: changes are lost.\n");
        let own = [
            ("listen_addresses", ""),
            ("unix_socket_directories", &socket_directory.to_string_lossy()),
            ("unix_socket_permissions", "0700"),
            ("port", &socket::PORT.to_string()),
            ("max_connections", "100"),
            ("lc_messages", "C"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            // One file for each day of the week, begun anew when its day comes round.
            ("logging_collector", "on"),
            ("log_directory", "log"),
            ("log_filename", "postgresql-%a.log"),
            ("log_rotation_age", "1d"),
            ("log_rotation_size", "0"),
            ("log_truncate_on_rotation", "on"),
            // Details, contexts and statements hold contacts' phones and emails.
            ("log_error_verbosity", "terse"),
            ("log_min_error_statement", "panic"),
        ];
        let given = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(given) {
            let value = value.replace('\\', r"\\").replace('\'', "''");
            let _ = writeln!(text, "{name} = '{value}'");
        }
        text
    }

    /// Who may be which role: the user whom PostgreSQL runs as, and root, who can become that user anyway.
    fn identities(&self) -> String {
        let root = User::from_uid(Uid::from_raw(0)).ok().flatten();
        let mut users = vec![self.owner.name()];
        users.extend(root.iter().map(|root| root.name.as_str()));
        let mut text = String::from("# Written by contact-search at each start: changes are lost.\n");
        for user in users {
            for role in [APPLICATION_ROLE, SUPERUSER] {
                let _ = writeln!(text, "{IDENTITY_MAP} \"{user}\" {role}");
            }
        }
        text
    }

    /// Whether what PostgreSQL writes is to survive a loss of power.
    fn is_durable(&self) -> bool {
        !self
            .settings
            .iter()
            .any(|(name, value)| name == "fsync" && value == "off")
    }

    /// A program on that directory. The directory goes by the environment, since `pg_ctl` pastes an argument
    /// into a shell's command.
    fn command(&self, program: &str, pgdata: &Path) -> Command {
        let mut command = self.owner.command(&self.programs.program(program));
        command.env("PGDATA", pgdata);
        command
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = self.command("pg_ctl", &self.pgdata);
        // So that the log can be named without its directory, which goes into a shell's command too.
        command.current_dir(&self.pgdata).args([action, "--silent"]);
        command
    }

    fn write(&self, path: &Path, contents: &str) -> Result<(), EmbeddedError> {
        self.owner
            .write(path, contents)
            .map_err(|error| self.unusable(path, error))
    }

    /// The end of what PostgreSQL has logged since: at first on its standard error, later in its log.
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

    /// Whether a program failed for want of room. The words may be missing: on a full disk no log can be written.
    fn disk_is_full(&self, words: &str) -> bool {
        #[allow(clippy::useless_conversion, reason = "the numbers are narrower on macOS")]
        let room = nix::sys::statvfs::statvfs(&self.data_dir)
            .map(|disk| u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()));
        tells_of_a_full_disk(words) || room.is_ok_and(|room| room < LEAST_ROOM)
    }

    fn unusable(&self, path: &Path, problem: io::Error) -> EmbeddedError {
        if tells_of_a_full_disk(&problem.to_string()) {
            return EmbeddedError::DiskFull(self.data_dir.clone());
        }
        EmbeddedError::DataDirectory {
            path: path.to_owned(),
            problem,
        }
    }

    fn not_answering(&self, recorded: &Recorded) -> EmbeddedError {
        EmbeddedError::NotAnswering {
            path: self.pgdata.clone(),
            pid: recorded.pid,
        }
    }
}

/// A server that answers.
#[derive(Debug)]
pub(super) struct Postmaster {
    pid: i32,
    pub(super) socket_directory: PathBuf,
    pub(super) port: u16,
}

/// What a server has written of itself into `postmaster.pid`, which it removes when it stops.
#[derive(PartialEq, Eq, Debug)]
struct Recorded {
    /// 0 where it isn't there: not yet, or never again after a full disk.
    pid: i32,
    port: u16,
    /// Written a moment after the process number.
    socket_directory: Option<PathBuf>,
    status: String,
}

/// What a recorded server gives away of itself.
enum Sign {
    Ready,
    Starting,
    Stopping,
    /// It listens and doesn't answer.
    Silent,
    /// Nobody listens.
    Absent,
}

impl Recorded {
    /// One fact a line: process, data directory, start, port, socket's directory, address, shared memory, status.
    fn parse(bytes: &[u8]) -> Self {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let text = |line: usize| {
            lines
                .get(line)
                .map_or("", |line| std::str::from_utf8(line).unwrap_or(""))
        };
        let directory = lines.get(4).copied().unwrap_or_default();
        Self {
            // The single-user mode records its own with a minus.
            pid: text(0).parse().map_or(0, i32::wrapping_abs),
            port: text(3).parse().unwrap_or(socket::PORT),
            socket_directory: (!directory.is_empty())
                .then(|| PathBuf::from(std::ffi::OsString::from_vec(directory.to_vec()))),
            status: text(7).to_owned(),
        }
    }

    fn as_server(&self) -> Option<Postmaster> {
        Some(Postmaster {
            pid: self.pid,
            socket_directory: self.socket_directory.clone()?,
            port: self.port,
        })
    }

    fn look(&self) -> Sign {
        let Some(directory) = &self.socket_directory else {
            return Sign::Absent;
        };
        let Ok(mut stream) = UnixStream::connect(directory.join(format!(".s.PGSQL.{}", self.port))) else {
            return Sign::Absent;
        };
        match self.status.as_str() {
            "ready" if answers(&mut stream).is_ok() => Sign::Ready,
            "ready" => Sign::Silent,
            "stopping" => Sign::Stopping,
            _ => Sign::Starting,
        }
    }

    /// Whether there may be a process of that number which we could end: the server's own, or by accident another.
    fn is_alive(&self) -> bool {
        self.pid == 0 || kill(Pid::from_raw(self.pid), None).is_ok()
    }
}

/// Asks for encryption, which a server answers by one byte without knowing who asks.
fn answers(stream: &mut UnixStream) -> io::Result<()> {
    const LENGTH: [u8; 4] = 8_u32.to_be_bytes();
    const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(&[LENGTH, SSL_REQUEST].concat())?;
    stream.read_exact(&mut [0])
}

fn host_based_authentication() -> String {
    format!("# Written by contact-search at each start: changes are lost.\nlocal all all peer map={IDENTITY_MAP}\n")
}

/// Waiting, and saying so from time to time.
struct Progress {
    what: &'static str,
    began: Instant,
    said: Instant,
}

impl Progress {
    fn new(what: &'static str) -> Self {
        let now = Instant::now();
        Self {
            what,
            began: now,
            said: now,
        }
    }

    fn waited(&self) -> Duration {
        self.began.elapsed()
    }

    fn wait(&mut self) {
        if self.said.elapsed() >= PROGRESS_EVERY {
            self.said = Instant::now();
            log::info!("{} ({} s)", self.what, self.waited().as_secs());
        }
        sleep(POLL);
    }
}

fn tells_of_a_full_disk(words: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|full| words.contains(full))
}

fn cannot_run(command: &Command, problem: io::Error) -> EmbeddedError {
    EmbeddedError::Program {
        program: PathBuf::from(command.get_program()),
        problem,
    }
}

fn words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    if text.is_empty() {
        return String::from_utf8_lossy(&output.stdout).trim().to_owned();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_record_is_read_at_any_stage_of_its_writing() {
        let whole = b"4711\n/data\n1763764000\n5432\n/run/x\n\n  1234  5678\nready   \n";
        let recorded = Recorded::parse(whole);
        assert_eq!(recorded.pid, 4711);
        assert_eq!(recorded.socket_directory.as_deref(), Some(Path::new("/run/x")));
        assert_eq!(recorded.status, "ready");
        for end in 0..whole.len() {
            Recorded::parse(&whole[..end]);
        }
        assert_eq!(Recorded::parse(b"4711\n/data\n").socket_directory, None);
        assert_eq!(Recorded::parse(b"-4711\n").pid, 4711);
        assert_eq!(Recorded::parse(b"").pid, 0);
    }
}
