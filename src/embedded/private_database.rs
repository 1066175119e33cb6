//! Opens, revives and leaves the private database.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use parking_lot::Mutex;

use super::cluster::Cluster;
use super::data::DataState;
use super::error::EmbeddedError;
use super::layout::{APPLICATION_DATABASE, APPLICATION_ROLE, SUPERUSER, next_pgdata};
use super::lease::{Lease, StartLock};
use super::owner;
use super::postmaster::Postmaster;
use super::programs::Programs;
use super::switch;

/// Where the private database keeps its data, and how it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// An absolute path. The directory is created if it is missing.
    pub data_dir: PathBuf,
    /// The directory of `postgres`, `initdb` and `pg_ctl`. `None` searches the usual places.
    pub programs: Option<PathBuf>,
    /// Server settings that override ours, for tests and measurements. The command line sets none. They apply only if
    /// this process starts the server, not if it adopts a running one.
    pub settings: Vec<(String, String)>,
}

/// How [`PrivateDatabase::open`] obtained a running server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Startup {
    /// There were no data: this is the first start.
    Fresh,
    /// The data existed, but the server was not running.
    Started,
    /// The server was already running, for another process or left behind by a killed one.
    Adopted,
}

/// A running private PostgreSQL. Dropping the value gives up its lease.
#[derive(Debug)]
pub struct PrivateDatabase {
    cluster: Cluster,
    server: Postmaster,
    startup: Startup,
    lease: Mutex<Option<Lease>>,
}

impl PrivateDatabase {
    /// Creates the database if it does not exist, starts it if it is not running, and takes a lease on it.
    ///
    /// Blocks until the server answers. The first start takes about a second; recovery after a crash takes longer.
    ///
    /// # Errors
    /// An [`EmbeddedError`]. Data are never deleted.
    pub fn open(options: &Options) -> Result<Self, EmbeddedError> {
        owner::prepare(&options.data_dir)?;
        let start_lock = StartLock::take(&options.data_dir)?;
        switch::recover(&options.data_dir, &start_lock)?;
        // The owner of the data is known only after an interrupted switch has been finished.
        let owner = owner::prepare(&options.data_dir)?;
        let data = DataState::inspect(&options.data_dir)?;
        let programs = Programs::find(options.programs.as_deref(), data.version(), &owner)?;
        let cluster = Cluster::new(&options.data_dir, programs, owner, options.settings.clone());
        let is_only_user = Lease::is_unused(&options.data_dir)?;
        if data == DataState::Absent {
            log::info!("creating a database in {}", options.data_dir.display());
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

    /// A libpq URL for the application. Its role owns the database and is not a superuser.
    pub fn url(&self) -> String {
        self.url_as(APPLICATION_ROLE, APPLICATION_DATABASE)
    }

    /// A libpq URL for tests and the operator: the superuser, in the given database. The application never uses it.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    fn url_as(&self, role: &str, database: &str) -> String {
        // Without a port in the URL, libpq would take it from PGPORT.
        format!(
            "postgresql:///{database}?host={}&port={}&user={role}",
            self.server.socket_directory.display(),
            self.server.port,
        )
    }

    /// The version of the server programs, such as `15.18`.
    pub fn version(&self) -> &str {
        self.cluster.programs().version()
    }

    /// The directory of the server programs.
    pub fn programs(&self) -> &Path {
        self.cluster.programs().directory()
    }

    /// PostgreSQL's own data directory, inside [`Options::data_dir`].
    pub fn data_directory(&self) -> &Path {
        self.cluster.pgdata()
    }

    /// How the server came to run: first start, restart, or adopted.
    pub fn startup(&self) -> Startup {
        self.startup
    }

    /// Restarts the server if it stopped unexpectedly, for example on a full disk or after
    /// `kill -9`. Returns whether this call restarted it. The URLs stay valid. After
    /// [`leave`](Self::leave) this does nothing.
    ///
    /// # Errors
    /// As for [`open`](Self::open), for example if the disk is still full.
    pub fn revive(&self) -> Result<bool, EmbeddedError> {
        let lease = self.lease.lock();
        if lease.is_none() || !self.cluster.has_ended()? {
            return Ok(false);
        }
        let start_lock = StartLock::take(self.cluster.data_dir())?;
        let (_, found_running) = self.cluster.ensure_running(&start_lock, false)?;
        Ok(!found_running)
    }

    /// Gives up the lease. The last process to do so stops PostgreSQL. Dropping the value does the same, but only logs
    /// an error.
    ///
    /// # Errors
    /// [`EmbeddedError::Stop`] if PostgreSQL does not stop. The lease is given up in any case.
    pub fn close(self) -> Result<(), EmbeddedError> {
        self.leave()
    }

    /// Does what [`close`](Self::close) does, for a shared value. The first call does the work; concurrent calls wait
    /// for it.
    ///
    /// # Errors
    /// [`EmbeddedError::Stop`] if PostgreSQL does not stop. The lease is given up in any case.
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

/// Whether the directory has no private database yet. `false` if that can't be found out: opening the database then
/// gives the reason.
pub fn is_absent(data_dir: &Path) -> bool {
    matches!(DataState::inspect(data_dir), Ok(DataState::Absent)) && !next_pgdata(data_dir).exists()
}

/// The default data directory: `contact-search` in the user's XDG data directory. For root it is
/// `/var/lib/contact-search`, because PostgreSQL's user cannot enter root's home directory.
///
/// # Errors
/// [`EmbeddedError::NoHome`] if the user has no home directory.
pub fn default_data_dir() -> Result<PathBuf, EmbeddedError> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/contact-search"));
    }
    let directories = etcetera::choose_base_strategy().map_err(|_| EmbeddedError::NoHome)?;
    Ok(directories.data_dir().join("contact-search"))
}
