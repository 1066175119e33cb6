//! Creates the data directory, with the application's role and database.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::cluster::{Cluster, cannot_run, error_output};
use super::error::EmbeddedError;
use super::layout::{APPLICATION_DATABASE, APPLICATION_ROLE, SETTINGS_FILE, SUPERUSER};
use super::lease::StartLock;

/// Locales with Unicode character classes, in order of preference. The last exists everywhere but knows only ASCII.
const CHARACTER_LOCALES: [&str; 4] = ["C.UTF-8", "C.utf8", "en_US.UTF-8", "C"];

/// The line of `postgresql.conf` that includes our settings. The operator's own settings follow it.
pub(super) fn include_line() -> String {
    format!("include = '{SETTINGS_FILE}'")
}

impl Cluster {
    /// Creates the data directory with the application's role and database, all or nothing.
    pub(super) fn initialize(&self, start_lock: &StartLock) -> Result<(), EmbeddedError> {
        // A directory of this name is an earlier attempt that was interrupted, never a database in use.
        let unfinished = self.data_dir.join("postgres.new");
        let outcome = self.initialize_at(&unfinished, start_lock);
        if outcome.is_err()
            && let Err(error) = fs::remove_dir_all(&unfinished)
        {
            log::debug!("{}: {error}", unfinished.display());
        }
        outcome
    }

    fn initialize_at(&self, unfinished: &Path, start_lock: &StartLock) -> Result<(), EmbeddedError> {
        match fs::remove_dir_all(unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.unusable(unfinished, error)),
            _ => {}
        }
        DirBuilder::new()
            .mode(0o700)
            .create(unfinished)
            .and_then(|()| self.owner.give(unfinished))
            .map_err(|error| self.unusable(unfinished, error))?;
        self.run_initdb(unfinished, start_lock)?;
        self.make_application_database(unfinished)?;
        let config_file = unfinished.join("postgresql.conf");
        let defaults = fs::read_to_string(&config_file).map_err(|error| self.unusable(&config_file, error))?;
        let contents = format!(
            "{defaults}\n# The included file is rewritten at each start. Put your own settings after this line.\n{}\n",
            include_line()
        );
        self.write(&config_file, &contents)?;
        if self.is_durable() {
            self.sync(unfinished)?;
        }
        // The rename is atomic. It also replaces an empty directory.
        fs::rename(unfinished, &self.pgdata).map_err(|error| self.unusable(&self.pgdata, error))?;
        if self.is_durable() {
            File::open(&self.data_dir)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| self.unusable(&self.data_dir, error))?;
        }
        Ok(())
    }

    /// Flushes a data directory without a server to disk.
    pub(super) fn sync(&self, pgdata: &Path) -> Result<(), EmbeddedError> {
        let mut sync = self.command("initdb", pgdata);
        sync.arg("--sync-only");
        self.run_initialization(sync)
    }

    fn run_initdb(&self, unfinished: &Path, start_lock: &StartLock) -> Result<(), EmbeddedError> {
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
            // Text is sorted by bytes, and its character classes and cases are those of Unicode if the machine has a
            // Unicode locale. PostgreSQL 17 and newer have a Unicode locale of their own. Messages are English because
            // the code matches some of their words.
            initdb.args(["--locale", "C", "--lc-ctype", locale]);
            if self.programs.major() >= 17 {
                initdb.args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]);
            }
            initdb.stdin(
                start_lock
                    .shared_with_program()
                    .map_err(|error| self.unusable(unfinished, error))?,
            );
            last = self.run_initialization(initdb);
            match &last {
                Err(EmbeddedError::Initialize { output, .. }) if output.contains("invalid locale name") => {}
                _ => return last,
            }
        }
        last
    }

    /// Single-user mode needs neither a socket nor a password.
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
            // If the server failed early, its own message says more than our broken pipe.
            if output.status.success() {
                sent.map(|()| output)
            } else {
                Ok(output)
            }
        })();
        self.check_initialization(&single, outcome)
    }

    fn run_initialization(&self, mut command: Command) -> Result<(), EmbeddedError> {
        let outcome = command.output();
        self.check_initialization(&command, outcome)
    }

    fn check_initialization(&self, command: &Command, outcome: io::Result<Output>) -> Result<(), EmbeddedError> {
        let output = outcome.map_err(|problem| cannot_run(command, problem))?;
        if output.status.success() {
            return Ok(());
        }
        let output = error_output(&output);
        if self.disk_is_full(&output) {
            return Err(EmbeddedError::DiskFull(self.data_dir.clone()));
        }
        Err(EmbeddedError::Initialize {
            path: self.pgdata.clone(),
            output,
        })
    }

    /// Whether written data must survive a power loss.
    fn is_durable(&self) -> bool {
        !self
            .settings
            .iter()
            .any(|(name, value)| name == "fsync" && value == "off")
    }
}
