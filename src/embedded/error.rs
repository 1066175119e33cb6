//! The errors of the private database.

use std::io;
use std::path::PathBuf;

use super::version::OLDEST_VERSION;

/// Why the private database cannot be used. Most texts say what to do. The others show what PostgreSQL or the system
/// reported. Each text includes the cause, so `source` is `None` and the cause is not printed twice.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error("the user has no home directory to keep the database in: name a directory with --data-dir")]
    NoHome,
    #[error("the data directory {} can't be used ({problem}): change its owner to the current user, or name another with --data-dir", path.display())]
    DataDirectory { path: PathBuf, problem: io::Error },
    #[error("the data directory must be an absolute path, not {}", .0.display())]
    RelativeDataDirectory(PathBuf),
    #[error("the data directory {} is a file: move it away, or name a directory with --data-dir", .0.display())]
    NotDirectory(PathBuf),
    #[error("the data in {} belong to the user {owner}: run contact-search as {owner} or root, or name another directory with --data-dir", path.display())]
    OthersData { path: PathBuf, owner: String },
    #[error("{} does not contain PostgreSQL data: move it away, or name another directory with --data-dir", .0.display())]
    NotData(PathBuf),
    #[error(
        "PostgreSQL refuses to run as root, and this machine has no user to run it as: install the system's PostgreSQL package, or run `useradd --system contact-search`"
    )]
    NoUnprivilegedUser,
    #[error(
        "the user id {0} has no name on this machine, and PostgreSQL needs one: add it to /etc/passwd, or run as another user"
    )]
    NamelessUser(u32),
    #[error("PostgreSQL runs as the user {user}, who can't reach {} because {} is closed to other users: name another directory with --data-dir, or run `chmod o+x` on the closed one", path.display(), closed.display())]
    ClosedToOwner {
        path: PathBuf,
        closed: PathBuf,
        user: String,
    },
    #[error(
        "no PostgreSQL server programs were found{seen}: install PostgreSQL {} or newer (Debian and Ubuntu: `apt-get install postgresql`), or set CONTACT_SEARCH_PG_BIN to the directory of postgres, initdb and pg_ctl",
        OLDEST_VERSION
    )]
    NoPrograms {
        /// The programs that were found but cannot be used, or an empty text.
        seen: String,
    },
    #[error("{} has no usable PostgreSQL server programs ({problem}): set CONTACT_SEARCH_PG_BIN to a directory of postgres, initdb and pg_ctl, of version {} or newer", directory.display(), OLDEST_VERSION)]
    UnusablePrograms { directory: PathBuf, problem: String },
    #[error("the data in {} need PostgreSQL {data}, but the installed programs are version {found}: {}install PostgreSQL {data}, or name another directory with --data-dir", path.display(), if *has_newer { "run `contact-search database upgrade`, which moves the data to the newer version, or " } else { "" })]
    OtherVersion {
        path: PathBuf,
        data: u32,
        found: String,
        /// Whether `found` has a newer version than the data.
        has_newer: bool,
    },
    #[error("no directory can hold PostgreSQL's socket ({}): remove the obstacle, or name a shorter path with --data-dir", tried.join("; "))]
    NoSocketDirectory { tried: Vec<String> },
    #[error("the disk that holds {} is full: free some space and start again", .0.display())]
    DiskFull(PathBuf),
    #[error("{} can't be run: {problem}", program.display())]
    Program { program: PathBuf, problem: io::Error },
    #[error("PostgreSQL could not create its data directory {}:\n{output}", path.display())]
    Initialize { path: PathBuf, output: String },
    #[error("PostgreSQL did not start in {}. The end of its log:\n{log}", path.display())]
    Start { path: PathBuf, log: String },
    #[error("a PostgreSQL server (process {pid}) is running in {} but does not answer: stop it with `kill -INT {pid}` and start again", path.display())]
    NotAnswering { path: PathBuf, pid: i32 },
    #[error("PostgreSQL in {} did not stop: {output}", path.display())]
    Stop { path: PathBuf, output: String },
}

impl EmbeddedError {
    /// The option whose value is at fault, by its flag.
    pub fn flag(&self) -> Option<&'static str> {
        use EmbeddedError::*;
        match self {
            DataDirectory { .. }
            | RelativeDataDirectory(_)
            | NotDirectory(_)
            | OthersData { .. }
            | NotData(_)
            | ClosedToOwner { .. } => Some("--data-dir"),
            UnusablePrograms { .. } => Some("--pg-bin"),
            _ => None,
        }
    }
}
