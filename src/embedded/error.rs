//! Why the private database can't be used.

use std::io;
use std::path::PathBuf;

use super::version::OLDEST_VERSION;

/// What keeps the private database from being used: one sentence each, saying what to do about it. The cause is in
/// the sentence, so there is no `source` that would tell it again.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error("there is no home directory to keep the database in: name a directory with --data-dir")]
    NoHome,
    #[error("the data directory {} can't be used ({problem}): make it yours, or name another with --data-dir", path.display())]
    DataDirectory { path: PathBuf, problem: io::Error },
    #[error("the data directory must be an absolute path, not {}", .0.display())]
    RelativeDataDirectory(PathBuf),
    #[error("the data directory {} is a file: move it away, or name a directory with --data-dir", .0.display())]
    NotDirectory(PathBuf),
    #[error("the data in {} belong to {owner}: run contact-search as {owner} or root, or name another directory with --data-dir", path.display())]
    OthersData { path: PathBuf, owner: String },
    #[error("{} holds something other than PostgreSQL's data: move it away, or name another directory with --data-dir", .0.display())]
    NotData(PathBuf),
    #[error(
        "PostgreSQL refuses to run as root and there is no user to run it as: install the system's PostgreSQL package, or run `useradd --system contact-search`"
    )]
    NoUnprivilegedUser,
    #[error(
        "the user id {0} has no name on this machine, which PostgreSQL needs: add it to /etc/passwd, or run as another user"
    )]
    NamelessUser(u32),
    #[error("PostgreSQL runs as {user}, who can't reach {} because {} is closed to others: name another directory with --data-dir, or run `chmod o+x` on that one", path.display(), closed.display())]
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
        /// What was found and doesn't do, or nothing.
        seen: String,
    },
    #[error("{} has no usable PostgreSQL server programs ({problem}): set CONTACT_SEARCH_PG_BIN to a directory of postgres, initdb and pg_ctl, of version {} or newer", directory.display(), OLDEST_VERSION)]
    UnusablePrograms { directory: PathBuf, problem: String },
    #[error("the data in {} are of PostgreSQL {data}, and the programs found are of {found}: install PostgreSQL {data}, or name another directory with --data-dir", path.display())]
    OtherVersion { path: PathBuf, data: u32, found: String },
    #[error("there is no directory for PostgreSQL's socket ({}): remove what is in the way, or name a shorter directory with --data-dir", tried.join("; "))]
    NoSocketDirectory { tried: Vec<String> },
    #[error("the disk that holds {} is full: make room and start again", .0.display())]
    DiskFull(PathBuf),
    #[error("{} can't be run: {problem}", program.display())]
    Program { program: PathBuf, problem: io::Error },
    #[error("PostgreSQL could not make its data directory {}:\n{output}", path.display())]
    Initialize { path: PathBuf, output: String },
    #[error("PostgreSQL did not start on {}; the end of its log:\n{log}", path.display())]
    Start { path: PathBuf, log: String },
    #[error("a PostgreSQL (process {pid}) runs on {} and doesn't answer: end it with `kill -INT {pid}` and start again", path.display())]
    NotAnswering { path: PathBuf, pid: i32 },
    #[error("PostgreSQL on {} did not stop: {output}", path.display())]
    Stop { path: PathBuf, output: String },
}
