//! The old data after an upgrade: the way back, and their removal.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::UpgradeError;
use crate::embedded::data::{DataState, DataVersion};
use crate::embedded::layout::old_pgdata;
use crate::embedded::lease::{Lease, StartLock};
use crate::embedded::owner;
use crate::embedded::private_database::{Options, PrivateDatabase};
use crate::embedded::switch;

/// Which data are the current ones after [`go_back`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Switched {
    /// The major version of the current data.
    pub current: u32,
    /// The data that were the current ones before.
    pub kept: PathBuf,
}

/// Makes the data from before the last upgrade the current ones again, and keeps those that were current. Needs no
/// programs of PostgreSQL.
///
/// # Errors
/// [`UpgradeError`]. The current data are unchanged then.
pub fn go_back(data_dir: &Path) -> Result<Switched, UpgradeError> {
    let (start_lock, current) = lock(data_dir)?;
    if !Lease::is_unused(data_dir)? {
        return Err(UpgradeError::InUse(data_dir.to_owned()));
    }
    let before = kept_versions(data_dir)?
        .into_iter()
        .filter(|kept| kept.major < current.major)
        .max_by_key(|kept| kept.major)
        .ok_or_else(|| UpgradeError::NoOldData(data_dir.to_owned()))?;
    let kept = old_pgdata(data_dir, current.major);
    if fs::symlink_metadata(&kept).is_ok() {
        return Err(UpgradeError::OldDataExist(kept));
    }
    // A killed process may have left its server running.
    switch::stop_current(data_dir)?;
    switch::replace(data_dir, &before.pgdata, &start_lock)?;
    Ok(Switched {
        current: before.major,
        kept,
    })
}

/// Deletes the data of all older versions, and returns their directories. First starts the current database, to see
/// that it can be used. Data of the current version stay, because only they have the writes from before [`go_back`].
///
/// # Errors
/// [`UpgradeError`], for example if there are no older data, or newer ones because the upgrade was taken back.
pub fn remove_old(data_dir: &Path, programs: Option<&Path>) -> Result<Vec<PathBuf>, UpgradeError> {
    let (start_lock, current) = lock(data_dir)?;
    let mut kept = kept_versions(data_dir)?;
    let removal = data_dir.join("postgres.removed");
    if let Some(newer) = kept.iter().find(|kept| kept.major > current.major) {
        return Err(UpgradeError::NotCurrent {
            current: current.major,
            newer: newer.pgdata.clone(),
        });
    }
    kept.retain(|kept| kept.major < current.major);
    if kept.is_empty() && !removal.exists() {
        return Err(UpgradeError::NoOldData(data_dir.to_owned()));
    }
    drop(start_lock);
    PrivateDatabase::open(&Options {
        data_dir: data_dir.to_owned(),
        programs: programs.map(Path::to_owned),
        settings: Vec::new(),
    })?
    .close()?;
    // The lock keeps `go_back` away from data that are half removed. They are renamed first, so that they no longer count
    // as old data.
    let _start_lock = StartLock::take(data_dir)?;
    let remove = || switch::remove(&removal).map_err(|error| switch::unusable(&removal, error));
    remove()?;
    let mut removed = Vec::new();
    for kept in kept {
        switch::rename(data_dir, &kept.pgdata, &removal)?;
        remove()?;
        removed.push(kept.pgdata);
    }
    Ok(removed)
}

/// Takes the lock, finishes an interrupted switch, and returns the version of the current data.
fn lock(data_dir: &Path) -> Result<(StartLock, DataVersion), UpgradeError> {
    let absent = || UpgradeError::Absent(data_dir.to_owned());
    if !data_dir.is_dir() {
        return Err(absent());
    }
    owner::prepare(data_dir)?;
    let start_lock = StartLock::take(data_dir)?;
    switch::recover(data_dir, &start_lock)?;
    let current = DataState::inspect(data_dir)?.version().ok_or_else(absent)?;
    Ok((start_lock, current))
}

/// The data of other versions that an upgrade or the way back has kept.
fn kept_versions(data_dir: &Path) -> Result<Vec<DataVersion>, UpgradeError> {
    let mut versions = Vec::new();
    let entries = fs::read_dir(data_dir).map_err(|error| switch::unusable(data_dir, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| switch::unusable(data_dir, error))?;
        let name = entry.file_name();
        let major: Option<u32> = name
            .to_str()
            .and_then(|name| name.strip_prefix("postgres-")?.strip_suffix(".old")?.parse().ok());
        let Some(major) = major else { continue };
        // A directory that somebody has changed is left alone.
        match DataState::inspect_at(entry.path())? {
            DataState::Present(version) if version.major == major => versions.push(version),
            _ => {}
        }
    }
    versions.sort_by_key(|version| version.major);
    Ok(versions)
}
