//! Looks for existing data and their version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::EmbeddedError;
use super::layout::pgdata;

/// What PostgreSQL's data directory contains.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum DataState {
    Absent,
    Present(DataVersion),
}

impl DataState {
    /// Reads the version without changing anything.
    ///
    /// A data directory is created under another name and then renamed, so an existing one is complete.
    pub(super) fn inspect(data_dir: &Path) -> Result<Self, EmbeddedError> {
        Self::inspect_at(pgdata(data_dir))
    }

    /// Reads the version of PostgreSQL's data in any directory.
    pub(super) fn inspect_at(pgdata: PathBuf) -> Result<Self, EmbeddedError> {
        match fs::read_to_string(pgdata.join("PG_VERSION")) {
            Ok(version) => match version.trim().parse() {
                Ok(major) => Ok(Self::Present(DataVersion { pgdata, major })),
                Err(_) => Err(EmbeddedError::NotData(pgdata)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_dir(&pgdata) {
                Ok(mut entries) => match entries.next() {
                    None => Ok(Self::Absent),
                    Some(_) => Err(EmbeddedError::NotData(pgdata)),
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Absent),
                Err(problem) => Err(EmbeddedError::DataDirectory { path: pgdata, problem }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(EmbeddedError::NotData(pgdata)),
            Err(problem) => Err(EmbeddedError::DataDirectory { path: pgdata, problem }),
        }
    }

    pub(super) fn version(&self) -> Option<DataVersion> {
        match self {
            Self::Absent => None,
            Self::Present(version) => Some(version.clone()),
        }
    }
}

/// The major version of existing data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DataVersion {
    pub(super) pgdata: PathBuf,
    pub(super) major: u32,
}
