//! Finds PostgreSQL's client programs, `pg_dump` and `pg_restore`, in a version that fits a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::places;
use super::version::parse_version;

/// A client program. It runs as the current user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientProgram {
    path: PathBuf,
    version: String,
    major: u32,
}

/// No such program was found. The message says what to install.
#[derive(Debug, thiserror::Error)]
#[error(
    "no {name} was found{}: install PostgreSQL {server_major}'s client programs (Debian and Ubuntu: `apt-get install \
     postgresql-client-{server_major}`), or set CONTACT_SEARCH_PG_BIN to the directory of {name}",
    given.as_ref().map(|directory| format!(" in {}", directory.display())).unwrap_or_default()
)]
pub struct NoClientProgram {
    name: &'static str,
    given: Option<PathBuf>,
    server_major: u32,
}

impl ClientProgram {
    /// The program of the server's major version, or else the newest one. Searches only `given` if it is set, or else
    /// the directories of the server programs.
    ///
    /// # Errors
    /// [`NoClientProgram`] if no directory has the program.
    pub fn find(name: &'static str, given: Option<&Path>, server_major: u32) -> Result<Self, NoClientProgram> {
        let directories = given.map_or_else(places, |directory| vec![directory.to_owned()]);
        let found = directories
            .iter()
            .filter_map(|directory| Self::at(&directory.join(name)));
        Self::choose(found, server_major).ok_or_else(|| NoClientProgram {
            name,
            given: given.map(Path::to_owned),
            server_major,
        })
    }

    /// Among equal versions the first one wins.
    fn choose(found: impl Iterator<Item = Self>, server_major: u32) -> Option<Self> {
        found.reduce(|best, other| {
            let rank = |program: &Self| (program.major == server_major, program.major);
            if rank(&other) > rank(&best) { other } else { best }
        })
    }

    fn at(path: &Path) -> Option<Self> {
        // Debian's /usr/bin/pg_dump is a wrapper that chooses a version by its own rules. The programs it chooses from
        // are in the usual directories.
        if fs::canonicalize(path).ok()?.file_name() != path.file_name() {
            return None;
        }
        let output = Command::new(path).arg("--version").output().ok()?;
        let (version, major) = parse_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self {
            path: path.to_owned(),
            version,
            major,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version, such as `15.18`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    /// A command for the program. Its messages are English and without colours, because the code parses them.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env("LC_ALL", "C").env_remove("PG_COLOR");
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_version_is_preferred_then_the_newest() {
        let programs = [14, 16, 18, 16].map(|major| ClientProgram {
            path: PathBuf::from(format!("/{major}")),
            version: format!("{major}.1"),
            major,
        });
        let chosen = |server| ClientProgram::choose(programs.iter().cloned(), server).map(|program| program.major);
        assert_eq!(
            (chosen(14), chosen(16), chosen(17), chosen(19)),
            (Some(14), Some(16), Some(18), Some(18))
        );
        assert_eq!(ClientProgram::choose(std::iter::empty(), 15), None);
    }

    #[test]
    fn a_missing_program_is_an_error_that_says_what_to_install() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = ClientProgram::find("pg_dump", Some(directory.path()), 16).expect_err("it is empty");
        let error = error.to_string();
        assert!(
            error.contains("postgresql-client-16") && error.contains(&*directory.path().to_string_lossy()),
            "{error}"
        );
    }
}
