//! Puts other data in the place of the current ones, by renames. Also cleans up after an interrupted upgrade.
//!
//! Complete data are renamed to `postgres.next` after their server has stopped. From then on the switch is always
//! finished: `postgres/` is renamed to `postgres-15.old`, and `postgres.next` to `postgres/`. If the process is killed
//! between two renames, the next command finds `postgres.next` and does the missing ones. So no command ever sees half
//! a directory, or creates an empty database because `postgres/` is missing.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::data::DataState;
use super::error::EmbeddedError;
use super::layout::{next_pgdata, old_pgdata, pgdata, staging};
use super::lease::{Lease, StartLock};
use super::postmaster::{PidFile, stop_by_signal};

/// Limit for stopping the servers of an interrupted upgrade. The old one writes a checkpoint, but has written nothing.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How often a directory is removed again because a process that has just been stopped wrote into it.
const REMOVALS: u32 = 20;

/// Replaces the current data by complete ones, and keeps the current data as `postgres-15.old`.
///
/// Each rename is flushed before the next one, so that a power loss leaves one of the states that [`recover`] knows.
pub(super) fn replace(data_dir: &Path, complete: &Path, _: &StartLock) -> Result<(), EmbeddedError> {
    let next = next_pgdata(data_dir);
    rename(data_dir, complete, &next)?;
    finish(data_dir).inspect_err(|_| {
        // The current data can't be renamed, as if their directory is a mount point. Without this, every later command
        // would try it again.
        if pgdata(data_dir).exists() {
            let _ = rename(data_dir, &next, complete);
        }
    })
}

fn finish(data_dir: &Path) -> Result<(), EmbeddedError> {
    let (current, next) = (pgdata(data_dir), next_pgdata(data_dir));
    if let Some(version) = DataState::inspect(data_dir)?.version() {
        rename(data_dir, &current, &old_pgdata(data_dir, version.major))?;
    }
    rename(data_dir, &next, &current)
}

/// Finishes an interrupted switch, and removes the leftovers of an interrupted upgrade. Costs two lookups of names if
/// there is nothing to do.
pub(super) fn recover(data_dir: &Path, _: &StartLock) -> Result<(), EmbeddedError> {
    if next_pgdata(data_dir).exists() {
        log::info!(
            "finishing an interrupted switch to other data in {}",
            data_dir.display()
        );
        finish(data_dir)?;
    }
    // An upgrade runs only while nobody has a lease, and cleans up before it gives the lock back.
    if staging(data_dir).exists() && Lease::is_unused(data_dir)? {
        log::info!(
            "removing the leftovers of an interrupted upgrade from {}",
            data_dir.display()
        );
        clean_up(data_dir)?;
    }
    Ok(())
}

/// Ends an upgrade that has not switched, or removes the empty directory of one that has.
pub(super) fn clean_up(data_dir: &Path) -> Result<(), EmbeddedError> {
    stop_servers(data_dir)?;
    remove(&staging(data_dir)).map_err(|error| unusable(&staging(data_dir), error))
}

/// Stops both servers of an upgrade. The old one must not be adopted, because it is read-only. The new one is stopped
/// at once, because its data are removed.
pub(super) fn stop_servers(data_dir: &Path) -> Result<(), EmbeddedError> {
    let new = pgdata(&staging(data_dir));
    for (pgdata, signal) in [(new, Signal::SIGQUIT), (pgdata(data_dir), Signal::SIGINT)] {
        let socket_directory = PidFile::read(&pgdata)
            .ok()
            .flatten()
            .and_then(|pid_file| pid_file.socket_directory);
        stop_by_signal(&pgdata, signal, STOP_LIMIT).map_err(|error| unusable(&pgdata, error))?;
        // In /tmp the directory would stay forever. It is not removed while a socket is in it.
        if let Some(directory) = socket_directory
            && let Err(error) = fs::remove_dir(&directory)
        {
            log::debug!("{}: {error}", directory.display());
        }
    }
    Ok(())
}

/// Stops a server that a killed process has left behind.
pub(super) fn stop_current(data_dir: &Path) -> Result<(), EmbeddedError> {
    let pgdata = pgdata(data_dir);
    stop_by_signal(&pgdata, Signal::SIGINT, STOP_LIMIT).map_err(|error| unusable(&pgdata, error))
}

/// Removes a directory if it exists. A process of a server that was just stopped may still write into it.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => sleep(Duration::from_millis(100)),
            outcome => return outcome,
        }
    }
    fs::remove_dir_all(directory)
}

/// Renames a directory and flushes the new name to disk.
pub(super) fn rename(data_dir: &Path, from: &Path, to: &Path) -> Result<(), EmbeddedError> {
    fs::rename(from, to).map_err(|error| unusable(from, error))?;
    File::open(data_dir)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| unusable(data_dir, error))
}

pub(super) fn unusable(path: &Path, problem: io::Error) -> EmbeddedError {
    EmbeddedError::DataDirectory {
        path: path.to_owned(),
        problem,
    }
}
