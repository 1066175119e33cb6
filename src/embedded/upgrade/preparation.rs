//! The checks before an upgrade. They change nothing.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::UpgradeError;
use crate::embedded::client_program::ClientProgram;
use crate::embedded::cluster::free_space;
use crate::embedded::data::DataVersion;
use crate::embedded::error::EmbeddedError;
use crate::embedded::layout::old_pgdata;
use crate::embedded::lease::Lease;
use crate::embedded::owner::Owner;
use crate::embedded::programs::Programs;

/// Free space that an upgrade needs besides 1.25 times the size of the data, in bytes: for WAL. With 100,000 contacts
/// the data took 166 MB, and the new directory at most 224 MB, of which 64 MB were WAL.
const EXTRA_SPACE: u64 = 256 << 20;

/// Directories that hold no part of the database: they are left out of its size.
const UNCOPIED: [&str; 2] = ["pg_wal", "log"];

/// Which data to upgrade, and by which programs.
#[derive(Clone, Debug)]
pub struct UpgradeOptions {
    /// The data directory of the private database, as an absolute path.
    pub data_dir: PathBuf,
    /// The directory of the new version's programs. `None` chooses the newest in the usual places.
    pub programs: Option<PathBuf>,
    /// The directory of the old version's programs. `None` searches the usual places.
    pub old_programs: Option<PathBuf>,
}

/// The programs of both versions.
pub(super) struct BothPrograms {
    pub(super) old: Programs,
    pub(super) new: Programs,
    pub(super) clients: ClientPrograms,
}

/// The paths of the client programs. Those of the new version need not be in the directory of its server programs.
pub(super) struct ClientPrograms {
    /// That of the old version, if it stands beside the old server programs or in the usual places. It knows what its
    /// minor version writes into the catalog. PostgreSQL 15.20 writes the option `pg_attver` of each column. The
    /// `pg_dump` of 18.6 copies this option, and PostgreSQL 18.6 refuses it.
    pub(super) pg_dump: PathBuf,
    pub(super) pg_restore: PathBuf,
    /// It also reads the old server.
    pub(super) psql: PathBuf,
}

impl ClientPrograms {
    fn find(given: Option<&Path>, old: &Programs, new: &Programs) -> Result<Self, UpgradeError> {
        let major = new.major();
        let find = |name: &'static str| {
            let found = ClientProgram::find(name, given, major).ok();
            let found = found.filter(|program| program.major() == major);
            let missing = || UpgradeError::NoClientProgram { missing: name, major };
            found.map(|program| program.path().to_owned()).ok_or_else(missing)
        };
        let of_old = |given| {
            let found = ClientProgram::find("pg_dump", given, old.major()).ok();
            found.filter(|program| program.major() == old.major())
        };
        Ok(Self {
            pg_dump: match of_old(Some(old.directory())).or_else(|| of_old(None)) {
                Some(program) => program.path().to_owned(),
                None => find("pg_dump")?,
            },
            pg_restore: find("pg_restore")?,
            psql: find("psql")?,
        })
    }
}

/// Finds the programs of both versions. `Err` has the version of the new programs if the data are of that version
/// already.
pub(super) fn find_programs(
    options: &UpgradeOptions,
    data: &DataVersion,
    owner: &Owner,
) -> Result<Result<BothPrograms, String>, UpgradeError> {
    let new = Programs::find(options.programs.as_deref(), None, owner)?;
    if new.major() == data.major {
        return Ok(Err(new.version().to_owned()));
    }
    if new.major() < data.major {
        return Err(UpgradeError::Older {
            path: data.pgdata.clone(),
            data: data.major,
            directory: new.directory().to_owned(),
            found: new.version().to_owned(),
        });
    }
    let old = Programs::find(options.old_programs.as_deref(), Some(data.clone()), owner);
    let old = old.map_err(|error| match error {
        EmbeddedError::OtherVersion { found, .. } => no_old(data, &new, format!("only version {found} was found")),
        EmbeddedError::UnusablePrograms { directory, problem } => {
            no_old(data, &new, format!("{} can't be used ({problem})", directory.display()))
        }
        other => other.into(),
    })?;
    let clients = ClientPrograms::find(options.programs.as_deref(), &old, &new)?;
    Ok(Ok(BothPrograms { old, new, clients }))
}

fn no_old(data: &DataVersion, new: &Programs, found: String) -> UpgradeError {
    UpgradeError::NoOldPrograms {
        old: data.major,
        new: new.major(),
        found,
    }
}

/// Checks that nobody uses the database, that the old data will have a free name, and that the new ones have room.
pub(super) fn check(data_dir: &Path, data: &DataVersion) -> Result<(), UpgradeError> {
    if !Lease::is_unused(data_dir)? {
        return Err(UpgradeError::InUse(data_dir.to_owned()));
    }
    let kept = old_pgdata(data_dir, data.major);
    if fs::symlink_metadata(&kept).is_ok() {
        return Err(UpgradeError::OldDataExist(kept));
    }
    let unusable = |problem| EmbeddedError::DataDirectory {
        path: data.pgdata.clone(),
        problem,
    };
    let size = size(&data.pgdata).map_err(unusable)?;
    let needed = size + size / 4 + EXTRA_SPACE;
    let free = free_space(data_dir).map_err(unusable)?;
    if free < needed {
        return Err(UpgradeError::NoSpace {
            path: data_dir.to_owned(),
            needed,
            free,
        });
    }
    Ok(())
}

/// The space that a directory takes on the disk, in bytes, without [`UNCOPIED`].
fn size(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = match fs::symlink_metadata(entry.path()) {
            // A running server removes files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            outcome => outcome?,
        };
        if !metadata.is_dir() {
            sum += metadata.blocks() * 512;
        } else if !UNCOPIED.iter().any(|name| entry.file_name() == *name) {
            sum += size(&entry.path())?;
        }
    }
    Ok(sum)
}
