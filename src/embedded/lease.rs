//! The two locks. The kernel gives a lock back when its holder ends, however it ends, so neither can be left
//! behind by a `kill -9`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::process::Stdio;

use nix::fcntl::OFlag;

use super::error::EmbeddedError;
use super::layout::{LEASE_FILE, LOCK_FILE};

/// The right to start and stop the server: one process at a time has it.
#[derive(Debug)]
pub(super) struct StartLock(File);

impl StartLock {
    /// Waits until nobody else has it.
    pub(super) fn take(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let file = open(data_dir, LOCK_FILE)?;
        match file.try_lock() {
            Ok(()) => return Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                log::info!("waiting for another process that is starting or stopping the database");
            }
            Err(TryLockError::Error(problem)) => return Err(unusable(data_dir, problem)),
        }
        file.lock().map_err(|problem| unusable(data_dir, problem))?;
        Ok(Self(file))
    }

    /// The same lock as a program's standard input. The program then holds it as well: where we are killed
    /// while it runs, the next process waits for it to end.
    pub(super) fn shared_with_program(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.0.try_clone()?))
    }
}

/// The sign that a process uses the server.
#[derive(Debug)]
pub(super) struct Lease(File);

impl Lease {
    /// Takes one; any number of processes can have one. Only to be called by who has the [`StartLock`].
    pub(super) fn take(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let file = open(data_dir, LEASE_FILE)?;
        file.lock_shared().map_err(|problem| unusable(data_dir, problem))?;
        Ok(Self(file))
    }

    /// Whether no process, this one included, has a lease. Only to be called by who has the [`StartLock`].
    pub(super) fn is_unused(data_dir: &Path) -> Result<bool, EmbeddedError> {
        match open(data_dir, LEASE_FILE)?.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(problem)) => Err(unusable(data_dir, problem)),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Closing alone would not do at the moment in which another thread has forked a program that still has
        // a copy of the descriptor. It can't fail on a file that we hold a lock on.
        let _ = self.0.unlock();
    }
}

/// Opens a lock's file, made where it isn't there. Rust closes it in every program that we run.
fn open(data_dir: &Path, name: &str) -> Result<File, EmbeddedError> {
    let path = data_dir.join(name);
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlag::O_NOFOLLOW.bits());
    let opened = match options.open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data_dir, &path, &options),
        outcome => outcome,
    };
    opened.map_err(|problem| unusable(&path, problem))
}

fn make(data_dir: &Path, path: &Path, existing: &OpenOptions) -> io::Result<File> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            // Root may be the first to use a directory of somebody else's, who must be able to go on with it.
            let directory = data_dir.metadata()?;
            if directory.uid() != file.metadata()?.uid() {
                fchown(&file, Some(directory.uid()), Some(directory.gid()))?;
            }
            Ok(file)
        }
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing.open(path),
        Err(error) => Err(error),
    }
}

fn unusable(path: &Path, problem: io::Error) -> EmbeddedError {
    EmbeddedError::DataDirectory {
        path: path.to_owned(),
        problem,
    }
}
