//! Names of files, roles and databases.

use std::path::{Path, PathBuf};

/// The role that owns the application's database. It is not a superuser, because a superuser's SQL could run programs.
pub(super) const APPLICATION_ROLE: &str = "contact_search";
pub(super) const APPLICATION_DATABASE: &str = "contact_search";
pub(super) const SUPERUSER: &str = "postgres";

pub(super) const SETTINGS_FILE: &str = "contact-search.conf";
pub(super) const LOCK_FILE: &str = "lock";
pub(super) const LEASE_FILE: &str = "lease";
pub(super) const PID_FILE: &str = "postmaster.pid";
pub(super) const START_LOG: &str = "start.log";

/// PostgreSQL's own data directory, inside `data_dir`.
pub(super) fn pgdata(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres")
}
