//! Why an upgrade was refused or failed.

use std::path::PathBuf;

use crate::embedded::error::EmbeddedError;

/// Why the data were not moved. In every case the current data are unchanged.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[error("there is no private database in {}: name its directory with --data-dir", .0.display())]
    Absent(PathBuf),
    #[error(
        "a contact-search process uses the database in {}: stop the server, wait until other commands have ended, and \
         run this again",
        .0.display()
    )]
    InUse(PathBuf),
    #[error(
        "the data in {} are PostgreSQL {data}'s, and the programs in {} are the older version {found}: install a newer \
         PostgreSQL, or name the directory of its programs with --pg-bin",
        path.display(),
        directory.display()
    )]
    Older {
        path: PathBuf,
        data: u32,
        directory: PathBuf,
        found: String,
    },
    #[error(
        "moving the data to PostgreSQL {new} needs the programs of PostgreSQL {old} once more, but {found}: install \
         PostgreSQL {old} beside {new} (Debian and Ubuntu: `apt-get install postgresql-{old}`), or name the directory of \
         its programs with --old-pg-bin"
    )]
    NoOldPrograms { old: u32, new: u32, found: String },
    #[error(
        "PostgreSQL {major}'s {missing} was not found: install its client programs (Debian and Ubuntu: `apt-get install \
         postgresql-client-{major}`), or name the directory of all its programs with --pg-bin"
    )]
    NoClientProgram { missing: &'static str, major: u32 },
    #[error(
        "{} exists: it has the data that an earlier --back has put aside. Delete it if you do not need what was written \
         then, or move it away",
        .0.display()
    )]
    OldDataExist(PathBuf),
    #[error(
        "the disk that holds {} has {} MB of free space, and the new data may need {} MB: free some space",
        path.display(),
        free / 1_000_000,
        needed.div_ceil(1_000_000)
    )]
    NoSpace {
        path: PathBuf,
        /// In bytes, like `free`.
        needed: u64,
        free: u64,
    },
    #[error(
        "besides contact-search's database, the data in {} have {}, which this command does not move: remove them, or \
         move contact-search's database alone with `database backup` and `database restore`",
        path.display(),
        found.join(", ")
    )]
    OthersData { path: PathBuf, found: Vec<String> },
    #[error("{program} failed, and the data are unchanged: {output}")]
    Failed { program: String, output: String },
    #[error(
        "the new data differ from the old ones, and were removed; the old data are unchanged. Old: {old:?}. New: {new:?}"
    )]
    Different { old: String, new: String },
    #[error(
        "{} has no data of an older PostgreSQL, because no upgrade has kept any or --remove-old has removed them",
        .0.display()
    )]
    NoOldData(PathBuf),
    #[error(
        "the current data are PostgreSQL {current}'s, and {} are newer: the upgrade was taken back, so nothing was \
         removed. Upgrade again, or remove that directory yourself",
        newer.display()
    )]
    NotCurrent { current: u32, newer: PathBuf },
}

impl UpgradeError {
    /// The option whose value is at fault, by its flag.
    pub fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Embedded(error) => error.flag(),
            Self::Absent(_) => Some("--data-dir"),
            Self::Older { .. } | Self::NoClientProgram { .. } => Some("--pg-bin"),
            _ => None,
        }
    }
}
