//! Runs PostgreSQL's programs, and writes a file that appears only when it is complete. A signal aborts both.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, anyhow};
use parking_lot::Mutex;

use crate::cli::environment::blame;
use crate::config::DatabaseConfig;
use crate::embedded::client_program::ClientProgram;
use crate::store::conninfo::ProgramConnection;

/// Work that must not outlive this process: a program could otherwise go on with an interrupted restore.
struct Unfinished {
    program: Option<Child>,
    draft: Option<PathBuf>,
}

static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
    program: None,
    draft: None,
});

/// Kills the program and removes the draft, because the process ends. No other program can start afterwards.
pub fn abandon() {
    let mut unfinished = UNFINISHED.lock();
    if let Some(program) = &mut unfinished.program {
        // These fail only if the program has already ended.
        let _ = program.kill();
        let _ = program.wait();
    }
    remove_draft(&mut unfinished);
    std::mem::forget(unfinished);
}

fn remove_draft(unfinished: &mut Unfinished) {
    if let Some(path) = unfinished.draft.take()
        && let Err(error) = fs::remove_file(&path)
    {
        log::warn!("{} could not be removed: {error}", path.display());
    }
}

/// Finds the client program of the server's major version, or else the newest one.
///
/// # Errors
/// A message that says what to install or to set.
pub fn find(name: &'static str, config: &DatabaseConfig, server_major: u32) -> anyhow::Result<ClientProgram> {
    ClientProgram::find(name, config.pg_bin.as_deref(), server_major)
        .map_err(|error| blame(error.into(), config.variables.of("--pg-bin")))
}

/// Connects a program to the database. The password goes into the environment, because other users can read arguments.
pub fn connect(command: &mut Command, connection: &ProgramConnection) {
    command.arg("--no-password").arg("--dbname").arg(&connection.options);
    if let Some(password) = &connection.password {
        command.env("PGPASSWORD", password);
    }
}

/// Runs a program until it ends, and returns its standard output unless that is redirected.
///
/// # Errors
/// The program's own error message on one line.
pub fn run(program: &ClientProgram, command: &mut Command) -> anyhow::Result<String> {
    let name = program.path().display();
    // Ctrl-C in a terminal must reach only this process.
    command.process_group(0).stderr(Stdio::piped());
    let mut unfinished = UNFINISHED.lock();
    let mut child = command.spawn().with_context(|| format!("{name} can't be run"))?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    unfinished.program = Some(child);
    drop(unfinished);
    let (output, stderr) = thread::scope(|scope| {
        let stderr = scope.spawn(|| read_all(stderr));
        let output = read_all(stdout);
        (output, stderr.join().unwrap_or_default())
    });
    // The program has closed both streams, so it ends now. If the signal handler has killed it, the
    // handler still holds the lock, and this thread waits here until contact-search itself ends.
    let mut child = UNFINISHED
        .lock()
        .program
        .take()
        .ok_or_else(|| anyhow!("{name} was already waited for"))?;
    let status = child.wait().with_context(|| format!("{name} can't be waited for"))?;
    match status.success() {
        true => Ok(output),
        false if stderr.trim().is_empty() => Err(anyhow!("{name} ended with {status}")),
        false => Err(anyhow!("{}", first_error(&stderr))),
    }
}

/// A read error is ignored: the program's status shows whether it failed.
fn read_all(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first error among several lines, such as `pg_restore: error: could not execute query: ERROR:  …`.
fn first_error(stderr: &str) -> String {
    let line = stderr
        .lines()
        .find(|line| line.contains(" error: "))
        .or_else(|| stderr.lines().find(|line| !line.trim().is_empty()))
        .unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file with a temporary name until it is complete. It is removed if it is never published. A
/// process has at most one draft at a time.
pub struct Draft {
    file: File,
    path: PathBuf,
}

impl Draft {
    /// Creates a file next to `target` that only its owner may read.
    pub fn begin(target: &Path) -> io::Result<Self> {
        let mut unfinished = UNFINISHED.lock();
        let mut attempt = 0;
        loop {
            let mut path = target.as_os_str().to_owned();
            path.push(format!(".{}.part", std::process::id() + attempt));
            let path = PathBuf::from(path);
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            match file {
                // A killed process has left its draft, and had the same id as this process. In a container that is
                // usual.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(error) => return Err(error),
                Ok(file) => {
                    unfinished.draft = Some(path.clone());
                    return Ok(Self { file, path });
                }
            }
        }
    }

    /// The path for a program to write to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes the file to disk, gives it the name `target`, and returns its size. If another file has this name by
    /// now, only `force` replaces it.
    ///
    /// # Errors
    /// An error of the kind [`ErrorKind::AlreadyExists`] if the target exists and may not be replaced.
    pub fn publish(self, target: &Path, force: bool) -> io::Result<u64> {
        self.file.sync_all()?;
        let size = self.file.metadata()?.len();
        let mut unfinished = UNFINISHED.lock();
        if force {
            fs::rename(&self.path, target)?;
            unfinished.draft = None;
        } else if link(&self.path, target)? {
            remove_draft(&mut unfinished);
        } else {
            // Some file systems have no hard links. A file that appears between these two calls is replaced.
            if fs::symlink_metadata(target).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(&self.path, target)?;
            unfinished.draft = None;
        }
        drop(unfinished);
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(size)
    }
}

/// Gives a file a second name that no other file has. Returns `false` if the file system has no hard links.
fn link(path: &Path, target: &Path) -> io::Result<bool> {
    match fs::hard_link(path, target) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Err(error),
        // File systems without hard links report one of several errors.
        Err(_) => Ok(false),
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove_draft(&mut UNFINISHED.lock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_force_lets_a_draft_replace_a_file_that_has_appeared() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("acme.csv");
        let text = || fs::read_to_string(&target).unwrap();
        let names = || fs::read_dir(directory.path()).unwrap().count();
        let publish = |force: bool| {
            let mut draft = Draft::begin(&target).unwrap();
            draft.write_all(b"new").unwrap();
            if !force {
                fs::write(&target, "appeared").unwrap();
            }
            draft.publish(&target, force)
        };
        let error = publish(false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!((text().as_str(), names()), ("appeared", 1));
        assert_eq!(publish(true).unwrap(), 3);
        assert_eq!((text().as_str(), names()), ("new", 1));
        fs::remove_file(&target).unwrap();
        let mut draft = Draft::begin(&target).unwrap();
        draft.write_all(b"first").unwrap();
        assert_eq!(draft.publish(&target, false).unwrap(), 5);
        assert_eq!((text().as_str(), names()), ("first", 1));
    }

    #[test]
    fn the_first_error_is_reported_on_one_line() {
        let stderr = "pg_restore: while PROCESSING TOC:\npg_restore: from TOC entry 215; 1259 16391 TABLE clients x\n\
                     pg_restore: error: could not execute query: ERROR:  relation \"clients\" already exists\n\
                     Command was: CREATE TABLE public.clients (\n);\n";
        assert_eq!(
            first_error(stderr),
            "pg_restore: error: could not execute query: ERROR: relation \"clients\" already exists"
        );
        assert_eq!(first_error("\nSegmentation fault\n"), "Segmentation fault");
    }
}
