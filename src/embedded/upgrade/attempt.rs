//! The steps of an upgrade.

use std::path::{Path, PathBuf};
use std::thread;

use parking_lot::Mutex;

use super::error::UpgradeError;
use super::preparation::{BothPrograms, UpgradeOptions, check, find_programs};
use super::scripts;
use super::session::Session;
use super::step::Step;
use crate::embedded::cluster::Cluster;
use crate::embedded::data::{DataState, DataVersion};
use crate::embedded::initialize::include_line;
use crate::embedded::layout::{APPLICATION_DATABASE, SUPERUSER_DATABASE, old_pgdata, staging};
use crate::embedded::lease::StartLock;
use crate::embedded::owner::{self, Owner};
use crate::embedded::postmaster::Postmaster;
use crate::embedded::switch;

/// Settings of the new server while it is filled. After a crash the new data are discarded, so only the last step flushes
/// them.
const LOAD_SETTINGS: [(&str, &str); 8] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    // COPY into a table of the same transaction then writes no WAL.
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("autovacuum", "off"),
    // For the builds of the indexes.
    ("maintenance_work_mem", "256MB"),
    ("checkpoint_timeout", "1h"),
];

/// Makes every session on the old server read-only during the copy.
const OLD_SETTINGS: [(&str, &str); 1] = [("default_transaction_read_only", "on")];

/// Held from the stop of the servers to the end of the switch, so that a signal does not interrupt the switch.
static SWITCHING: Mutex<()> = Mutex::new(());

/// The data directory of the upgrade that this process runs, if any.
static RUNNING: Mutex<Option<PathBuf>> = Mutex::new(None);

/// What [`upgrade`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The data are already of this version, such as `18.6`.
    AlreadyCurrent { version: String },
    Upgraded {
        from: u32,
        to: u32,
        /// The old data.
        kept: PathBuf,
    },
}

/// Moves the private database to the newest PostgreSQL, or that of [`UpgradeOptions::programs`]. Calls `report` before
/// each step. Takes as long as a backup and a restore.
///
/// # Errors
/// [`UpgradeError`]. The current data are unchanged then.
pub fn upgrade(options: &UpgradeOptions, report: &mut dyn FnMut(Step)) -> Result<Outcome, UpgradeError> {
    let data_dir = &options.data_dir;
    if !data_dir.is_dir() {
        return Err(UpgradeError::Absent(data_dir.clone()));
    }
    owner::prepare(data_dir)?;
    let start_lock = StartLock::take(data_dir)?;
    switch::recover(data_dir, &start_lock)?;
    let owner = owner::prepare(data_dir)?;
    let Some(data) = DataState::inspect(data_dir)?.version() else {
        return Err(UpgradeError::Absent(data_dir.clone()));
    };
    let programs = match find_programs(options, &data, &owner)? {
        Ok(programs) => programs,
        Err(version) => return Ok(Outcome::AlreadyCurrent { version }),
    };
    check(data_dir, &data)?;
    report(Step::Begin {
        from: programs.old.version().to_owned(),
        to: programs.new.version().to_owned(),
    });
    Attempt::begin(data_dir, &start_lock).run(&data, programs, &owner, report)
}

/// Stops the servers of the upgrade that another thread runs, because the process ends. If that upgrade is already
/// switching, waits until it has switched. Does nothing if this process runs no upgrade.
pub fn abandon() {
    let _switched = SWITCHING.lock();
    if let Some(data_dir) = &*RUNNING.lock()
        && let Err(error) = switch::stop_servers(data_dir)
    {
        log::error!("{error}");
    }
}

/// An upgrade that has begun. Its end removes the leftovers.
struct Attempt<'a> {
    data_dir: &'a Path,
    start_lock: &'a StartLock,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Err(error) = switch::clean_up(self.data_dir) {
            log::error!("{error}");
        }
        *RUNNING.lock() = None;
    }
}

impl<'a> Attempt<'a> {
    fn begin(data_dir: &'a Path, start_lock: &'a StartLock) -> Self {
        *RUNNING.lock() = Some(data_dir.to_owned());
        Self { data_dir, start_lock }
    }

    fn run(
        &self,
        data: &DataVersion,
        programs: BothPrograms,
        owner: &Owner,
        report: &mut dyn FnMut(Step),
    ) -> Result<Outcome, UpgradeError> {
        let staging = staging(self.data_dir);
        let (from, to) = (data.major, programs.new.major());
        let old = Cluster::new(self.data_dir, programs.old, owner.clone(), pairs(&OLD_SETTINGS));
        let load = Cluster::new(&staging, programs.new.clone(), owner.clone(), pairs(&LOAD_SETTINGS));
        let clients = programs.clients;
        let new = Cluster::new(&staging, programs.new, owner.clone(), Vec::new());

        report(Step::StartOld);
        // Marks the upgrade before the old server runs with its settings, which no other process may adopt.
        // If root is killed, PostgreSQL's user must be able to remove it.
        owner::make_directory(&staging)
            .and_then(|()| owner.give(&staging))
            .map_err(|error| switch::unusable(&staging, error))?;
        let old_server = self.start_old(&old)?;
        let source = Session::new(&clients, &new, &old_server);
        let found = source.psql(SUPERUSER_DATABASE, &scripts::others_data())?;
        if !found.is_empty() {
            let path = data.pgdata.clone();
            return Err(UpgradeError::OthersData { path, found });
        }

        report(Step::Create);
        load.initialize(self.start_lock)?;
        let (server, _) = load.ensure_running(self.start_lock, true)?;
        let target = Session::new(&clients, &new, &server);

        report(Step::Copy);
        let role_settings = source.psql(SUPERUSER_DATABASE, scripts::ROLE_SETTINGS)?;
        target.psql(SUPERUSER_DATABASE, &(role_settings.join("\n") + "\n"))?;
        source.copy_to(&target, report)?;
        load.stop(self.start_lock, &server)?;

        report(Step::Restart);
        carry_settings(&old, &new)?;
        let (server, _) = new.ensure_running(self.start_lock, true)?;
        let target = Session::new(&clients, &new, &server);
        report(Step::Analyze);
        // The operator's timeouts have been carried over.
        let analyze = "SET statement_timeout = 0; SET lock_timeout = 0;\nVACUUM (ANALYZE);\n";
        target.psql(APPLICATION_DATABASE, analyze)?;
        report(Step::Compare);
        compare(&source, &target)?;

        report(Step::Stop);
        let _switching = SWITCHING.lock();
        new.stop(self.start_lock, &server)?;
        old.stop(self.start_lock, &old_server)?;
        new.sync(new.pgdata())?;
        report(Step::Switch);
        switch::replace(self.data_dir, new.pgdata(), self.start_lock)?;
        let kept = old_pgdata(self.data_dir, from);
        Ok(Outcome::Upgraded { from, to, kept })
    }

    /// Starts the old server with [`OLD_SETTINGS`]. One that a killed process has left behind is stopped first.
    fn start_old(&self, old: &Cluster) -> Result<Postmaster, UpgradeError> {
        let (server, was_running) = old.ensure_running(self.start_lock, true)?;
        if !was_running {
            return Ok(server);
        }
        old.stop(self.start_lock, &server)?;
        Ok(old.ensure_running(self.start_lock, true)?.0)
    }
}

fn pairs(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Carries the operator's settings over: what follows our line in `postgresql.conf`, and `ALTER SYSTEM`. The start of the
/// new server shows whether its version still knows them.
fn carry_settings(old: &Cluster, new: &Cluster) -> Result<(), UpgradeError> {
    let read = |cluster: &Cluster, name: &str| {
        let path = cluster.pgdata().join(name);
        let text = cluster.owner.read(&path);
        text.map(|text| (path.clone(), text))
            .map_err(|error| cluster.unusable(&path, error))
    };
    let (_, text) = read(old, "postgresql.conf")?;
    let own = text.split_once(&include_line()).map_or("", |(_, own)| own).trim();
    if !own.is_empty() {
        let (path, defaults) = read(new, "postgresql.conf")?;
        new.write(&path, &format!("{defaults}{own}\n"))?;
    }
    let (_, text) = read(old, "postgresql.auto.conf")?;
    new.write(&new.pgdata().join("postgresql.auto.conf"), &text)?;
    Ok(())
}

/// Checks that both databases have the same contents.
fn compare(source: &Session<'_>, target: &Session<'_>) -> Result<(), UpgradeError> {
    let script = scripts::contents();
    let (old, new) = thread::scope(|scope| {
        let old = scope.spawn(|| source.psql(APPLICATION_DATABASE, &script));
        let new = target.psql(APPLICATION_DATABASE, &script);
        let old = old.join().unwrap_or_else(|_| {
            Err(UpgradeError::Failed {
                program: "the comparison".to_owned(),
                output: "a thread panicked".to_owned(),
            })
        });
        (old, new)
    });
    let (old, new) = (old?, new?);
    if old == new {
        return Ok(());
    }
    let only = |lines: &[String], others: &[String]| {
        let line = lines.iter().find(|line| !others.contains(line));
        line.cloned().unwrap_or_default()
    };
    Err(UpgradeError::Different {
        old: only(&old, &new),
        new: only(&new, &old),
    })
}
