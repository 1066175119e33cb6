//! The private PostgreSQL: what runs where no database is named.
//!
//! It uses the machine's own server programs, keeps its data in a directory of the user's, listens on a Unix
//! socket alone and is durable. Every process that uses it holds a lease; the last to leave stops it. What a
//! killed process left behind, the next one takes over.
//!
//! ```text
//! data directory
//!   lock        held while one process starts or stops the server, and by the programs it runs for that
//!   lease       shared by every process that uses the server
//!   postgres/   PostgreSQL's data directory, its log in postgres/log
//!   socket/     where it listens; /tmp/contact-search-… where that path is too long
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `programs` | finds `postgres`, `initdb` and `pg_ctl` of a version that fits |
//! | `owner` | the unprivileged user whom PostgreSQL runs as |
//! | `socket` | the directory of the socket |
//! | `lease` | the two locks |
//! | `cluster` | makes, starts, adopts and stops |
//! | [`client_program`] | finds `pg_dump` and `pg_restore`, for whichever database |

pub mod client_program;
mod cluster;
mod lease;
mod owner;
mod programs;
mod socket;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use etcetera::BaseStrategy;

use cluster::{Cluster, Postmaster};
use lease::{Lease, Turn};
use programs::Programs;

/// The role that owns the application's database. Not a superuser, whose SQL could run programs.
const APPLICATION_ROLE: &str = "contact_search";
const APPLICATION_DATABASE: &str = "contact_search";
const SUPERUSER: &str = "postgres";

/// Where the private database is and what it runs with.
#[derive(Clone, Debug)]
pub struct Options {
    /// An absolute path. Made where it doesn't exist.
    pub data_dir: PathBuf,
    /// The directory that holds `postgres`, `initdb` and `pg_ctl`; else they are looked for.
    pub programs: Option<PathBuf>,
    /// Server settings over our own, for tests and measurements: the command line gives none. They count for the
    /// process that starts the server, not for one that finds it running.
    pub settings: Vec<(String, String)>,
}

/// How [`PrivateDatabase::open`] came by a running server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Startup {
    /// There were no data: this is the first start.
    Fresh,
    /// The data were there, the server wasn't running.
    Started,
    /// It was running already: for another process, or left behind by one that was killed.
    Adopted,
}

/// A running private PostgreSQL, for as long as this value lives.
#[derive(Debug)]
pub struct PrivateDatabase {
    cluster: Cluster,
    server: Postmaster,
    startup: Startup,
    lease: Mutex<Option<Lease>>,
}

impl PrivateDatabase {
    /// Makes the database where there is none, starts it where it isn't running, and takes a lease on it.
    ///
    /// Blocks until the server answers: about a second for the first start, longer where it has to recover.
    ///
    /// # Errors
    /// Each thing that can be in the way has its own sentence in [`EmbeddedError`]. Data are never deleted.
    pub fn open(options: &Options) -> Result<Self, EmbeddedError> {
        let owner = owner::prepare(&options.data_dir)?;
        let turn = Turn::take(&options.data_dir)?;
        let data = cluster::Data::look(&options.data_dir)?;
        let programs = Programs::find(options.programs.as_deref(), data.version(), &owner)?;
        let cluster = Cluster::new(&options.data_dir, programs, owner, options.settings.clone());
        let alone = Lease::nobody_has_one(&options.data_dir)?;
        if data == cluster::Data::Absent {
            cluster.initialize(&turn)?;
        }
        let lease = Lease::take(&options.data_dir)?;
        let (server, found_running) = cluster.ensure_running(&turn, alone)?;
        let startup = match (data, found_running) {
            (cluster::Data::Absent, _) => Startup::Fresh,
            (_, false) => Startup::Started,
            (_, true) => Startup::Adopted,
        };
        Ok(Self {
            cluster,
            server,
            startup,
            lease: Mutex::new(Some(lease)),
        })
    }

    /// A libpq URL for the application: the database's owner, who is not a superuser.
    pub fn url(&self) -> String {
        self.url_as(APPLICATION_ROLE, APPLICATION_DATABASE)
    }

    /// A libpq URL for the operator, and for tests: the superuser, in that database. The application never uses it.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    fn url_as(&self, role: &str, database: &str) -> String {
        // The port is in the URL since libpq would otherwise take it from PGPORT.
        format!(
            "postgresql:///{database}?host={}&port={}&user={role}",
            self.server.socket_directory.display(),
            self.server.port,
        )
    }

    /// The version of the server programs: `15.18`.
    pub fn version(&self) -> &str {
        self.cluster.programs().version()
    }

    /// The directory of the server programs.
    pub fn programs(&self) -> &Path {
        self.cluster.programs().directory()
    }

    /// PostgreSQL's data directory, within [`Options::data_dir`].
    pub fn data_directory(&self) -> &Path {
        self.cluster.pgdata()
    }

    /// Whether this is the first start, another one, or a server that was running already.
    pub fn startup(&self) -> Startup {
        self.startup
    }

    /// Starts the server again where it has ended by itself: where it had no room for its log, or was killed. Tells
    /// whether it did. It is reached as before; once the lease is given back it is left alone.
    ///
    /// # Errors
    /// As those of [`open`](Self::open), such as while there is still no room.
    pub fn revive(&self) -> Result<bool, EmbeddedError> {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        if lease.is_none() || !self.cluster.has_ended()? {
            return Ok(false);
        }
        let turn = Turn::take(self.cluster.data_dir())?;
        let (_, found_running) = self.cluster.ensure_running(&turn, false)?;
        Ok(!found_running)
    }

    /// Gives the lease back; the last process to do so stops PostgreSQL. Dropping does the same, and logs what
    /// goes wrong.
    ///
    /// # Errors
    /// Where PostgreSQL doesn't stop. The lease is given back all the same.
    pub fn close(self) -> Result<(), EmbeddedError> {
        self.leave()
    }

    /// What [`close`](Self::close) does, for who shares the value: the first call does it, any other waits for that
    /// one's end.
    ///
    /// # Errors
    /// Where PostgreSQL doesn't stop. The lease is given back all the same.
    pub fn leave(&self) -> Result<(), EmbeddedError> {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lease) = lease.take() else {
            return Ok(());
        };
        let data_dir = self.cluster.data_dir();
        let turn = Turn::take(data_dir)?;
        drop(lease);
        if Lease::nobody_has_one(data_dir)? {
            self.cluster.stop(&turn, &self.server)?;
        }
        Ok(())
    }
}

impl Drop for PrivateDatabase {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            log::error!("{error}");
        }
    }
}

/// Where the private database is unless the user says otherwise: the user's own data directory (XDG), and as
/// root `/var/lib/contact-search`, since root's home is closed to the user whom PostgreSQL runs as.
///
/// # Errors
/// Where the user has no home directory.
pub fn default_data_dir() -> Result<PathBuf, EmbeddedError> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/contact-search"));
    }
    let directories = etcetera::choose_base_strategy().map_err(|_| EmbeddedError::NoHome)?;
    Ok(directories.data_dir().join("contact-search"))
}

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
        programs::OLDEST
    )]
    NoPrograms {
        /// What was found and doesn't do, or nothing.
        seen: String,
    },
    #[error("{} has no usable PostgreSQL server programs ({problem}): set CONTACT_SEARCH_PG_BIN to a directory of postgres, initdb and pg_ctl, of version {} or newer", directory.display(), programs::OLDEST)]
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
