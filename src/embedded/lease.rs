//! The two file locks. The kernel releases a lock when its holder ends in any way, so a `kill -9` leaves none behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::process::Stdio;

use nix::fcntl::OFlag;

use super::error::EmbeddedError;
use super::layout::{LEASE_FILE, LOCK_FILE, staging};

/// The right to start and stop the server. One process at a time has it.
#[derive(Debug)]
pub(super) struct StartLock(File);

impl StartLock {
    /// Waits until no other process holds the lock.
    pub(super) fn take(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let file = open(data_dir, LOCK_FILE)?;
        match file.try_lock() {
            Ok(()) => return Ok(Self(file)),
            Err(TryLockError::WouldBlock) if staging(data_dir).exists() => {
                log::info!("waiting for `contact-search database upgrade` to end");
            }
            Err(TryLockError::WouldBlock) => {
                log::info!("waiting for another process to start or stop the database");
            }
            Err(TryLockError::Error(problem)) => return Err(unusable(data_dir, problem)),
        }
        file.lock().map_err(|problem| unusable(data_dir, problem))?;
        Ok(Self(file))
    }

    /// The lock as the standard input of a child process, which then holds it too. If this process is killed, the next
    /// one waits for the child to end.
    pub(super) fn shared_with_program(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.0.try_clone()?))
    }
}

/// Marks that a process uses the server.
#[derive(Debug)]
pub(super) struct Lease(File);

impl Lease {
    /// Takes a lease. Any number of processes can hold one. The caller must hold the [`StartLock`].
    pub(super) fn take(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let file = open(data_dir, LEASE_FILE)?;
        file.lock_shared().map_err(|problem| unusable(data_dir, problem))?;
        Ok(Self(file))
    }

    /// Whether no process holds a lease, not even this one. The caller must hold the [`StartLock`].
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
        // Closing the file is not enough: another thread may just have forked a child that still has a copy of the
        // descriptor. Unlocking cannot fail on a file that this process has locked.
        let _ = self.0.unlock();
    }
}

/// Opens a lock file, and creates it if it is missing. Rust closes it in child processes.
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
            // If root is the first to use another user's directory, that user must be able to open the file later.
            let directory = data_dir.metadata()?;
            if directory.uid() != file.metadata()?.uid() {
                fchown(&file, Some(directory.uid()), Some(directory.gid()))?;
            }
            Ok(file)
        }
        // Another process created it first.
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
