//! Opens the private database, and leaves it.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use parking_lot::Mutex;

use super::cluster::Cluster;
use super::data::DataState;
use super::error::EmbeddedError;
use super::layout::{APPLICATION_DATABASE, APPLICATION_ROLE, SUPERUSER};
use super::lease::{Lease, StartLock};
use super::owner;
use super::postmaster::Postmaster;
use super::programs::Programs;

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
        let start_lock = StartLock::take(&options.data_dir)?;
        let data = DataState::inspect(&options.data_dir)?;
        let programs = Programs::find(options.programs.as_deref(), data.version(), &owner)?;
        let cluster = Cluster::new(&options.data_dir, programs, owner, options.settings.clone());
        let is_only_user = Lease::is_unused(&options.data_dir)?;
        if data == DataState::Absent {
            cluster.initialize(&start_lock)?;
        }
        let lease = Lease::take(&options.data_dir)?;
        let (server, found_running) = cluster.ensure_running(&start_lock, is_only_user)?;
        let startup = match (data, found_running) {
            (DataState::Absent, _) => Startup::Fresh,
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
        let lease = self.lease.lock();
        if lease.is_none() || !self.cluster.has_ended()? {
            return Ok(false);
        }
        let start_lock = StartLock::take(self.cluster.data_dir())?;
        let (_, found_running) = self.cluster.ensure_running(&start_lock, false)?;
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
        let mut lease = self.lease.lock();
        let Some(lease) = lease.take() else {
            return Ok(());
        };
        let data_dir = self.cluster.data_dir();
        let start_lock = StartLock::take(data_dir)?;
        drop(lease);
        if Lease::is_unused(data_dir)? {
            self.cluster.stop(&start_lock, &self.server)?;
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
