//! Names of files, roles and databases.

use std::path::{Path, PathBuf};

/// The role that owns the application's database. It is not a superuser, because a superuser's SQL could run programs.
pub(super) const APPLICATION_ROLE: &str = "contact_search";
pub(super) const APPLICATION_DATABASE: &str = "contact_search";
pub(super) const SUPERUSER: &str = "postgres";
/// The database that `initdb` makes for the superuser.
pub(super) const SUPERUSER_DATABASE: &str = "postgres";

pub(super) const SETTINGS_FILE: &str = "contact-search.conf";
pub(super) const LOCK_FILE: &str = "lock";
pub(super) const LEASE_FILE: &str = "lease";
pub(super) const PID_FILE: &str = "postmaster.pid";
pub(super) const START_LOG: &str = "start.log";

/// PostgreSQL's own data directory, inside `data_dir`.
pub(super) fn pgdata(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres")
}

/// Where an upgrade builds the new data. It has the layout of a `data_dir` of its own. It exists only while an upgrade
/// runs, or after one was interrupted.
pub(super) fn staging(data_dir: &Path) -> PathBuf {
    data_dir.join("upgrade")
}

/// Complete data that are about to become [`pgdata`].
pub(super) fn next_pgdata(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.next")
}

/// The data of another major version, which an upgrade or the way back has kept.
pub(super) fn old_pgdata(data_dir: &Path, major: u32) -> PathBuf {
    data_dir.join(format!("postgres-{major}.old"))
}
