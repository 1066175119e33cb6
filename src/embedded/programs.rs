//! Finds the PostgreSQL server programs that are installed on the machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::data::DataVersion;
use super::error::EmbeddedError;
use super::owner::Owner;
use super::version::{OLDEST_VERSION, parse_version};

/// The programs that a directory must contain.
const REQUIRED: [&str; 3] = ["postgres", "initdb", "pg_ctl"];

/// Where distributions install the programs. `*` matches the rest of one path component.
const USUAL_DIRECTORIES: [&str; 9] = [
    "/usr/lib/postgresql/*/bin", // Debian, Ubuntu
    "/usr/pgsql-*/bin",          // PostgreSQL's own packages for Red Hat and SUSE
    "/usr/lib/postgresql*/bin",  // SUSE, Alpine, Gentoo
    "/usr/libexec/postgresql*",  // Alpine
    "/usr/local/pgsql/bin",      // built from source
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A directory of server programs, and the version that `postgres --version` prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Programs {
    directory: PathBuf,
    version: String,
    major: u32,
}

impl Programs {
    /// Programs with the major version of the data, or the newest ones if there are no data yet.
    pub(super) fn find(given: Option<&Path>, data: Option<DataVersion>, owner: &Owner) -> Result<Self, EmbeddedError> {
        match given {
            Some(directory) => Self::given(directory, data, owner),
            None => Self::choose(&places(), data, owner),
        }
    }

    fn given(directory: &Path, data: Option<DataVersion>, owner: &Owner) -> Result<Self, EmbeddedError> {
        let programs = Self::at(directory, owner).map_err(|problem| EmbeddedError::UnusablePrograms {
            directory: directory.to_owned(),
            problem,
        })?;
        match data {
            Some(data) if data.major != programs.major => Err(version_mismatch(data, &[programs])),
            _ => Ok(programs),
        }
    }

    fn choose(places: &[PathBuf], data: Option<DataVersion>, owner: &Owner) -> Result<Self, EmbeddedError> {
        let mut usable = Vec::new();
        let mut unusable = Vec::new();
        for directory in places.iter().filter(|directory| directory.join("postgres").exists()) {
            match Self::at(directory, owner) {
                Ok(programs) => usable.push(programs),
                Err(problem) => unusable.push(format!("{}: {problem}", directory.display())),
            }
        }
        if let Some(data) = data
            && !usable.is_empty()
        {
            let fitting = usable.iter().find(|programs| programs.major == data.major).cloned();
            return fitting.ok_or_else(|| version_mismatch(data, &usable));
        }
        // Among equal versions the first one wins, as on PATH.
        usable
            .into_iter()
            .rev()
            .max_by_key(|programs| programs.major)
            .ok_or_else(|| EmbeddedError::NoPrograms {
                seen: if unusable.is_empty() {
                    String::new()
                } else {
                    format!(" that can be used ({})", unusable.join("; "))
                },
            })
    }

    /// The programs in a directory, or the reason why they cannot be used.
    fn at(directory: &Path, owner: &Owner) -> Result<Self, String> {
        if let Some(missing) = REQUIRED.iter().find(|name| !directory.join(name).exists()) {
            return Err(format!("it has no {missing}"));
        }
        let output = owner
            .command(&directory.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => format!("{} may not run them", owner.name()),
                _ => error.to_string(),
            })?;
        let output = String::from_utf8_lossy(&output.stdout);
        let (version, major) =
            parse_version(&output).ok_or_else(|| format!("`postgres --version` says {:?}", output.trim()))?;
        if major < OLDEST_VERSION {
            return Err(format!("version {version} is too old"));
        }
        Ok(Self {
            directory: directory.to_owned(),
            version,
            major,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn major(&self) -> u32 {
        self.major
    }
}

fn version_mismatch(data: DataVersion, found: &[Programs]) -> EmbeddedError {
    let versions: Vec<String> = found
        .iter()
        .map(|programs| format!("{} ({})", programs.version, programs.directory.display()))
        .collect();
    EmbeddedError::OtherVersion {
        path: data.pgdata,
        data: data.major,
        found: versions.join(", "),
        has_newer: found.iter().any(|programs| programs.major > data.major),
    }
}

/// The directories to search. PATH comes first, as the user's own choice.
pub(super) fn places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    let by_pg_config = first_line(Command::new("pg_config").arg("--bindir")).map(PathBuf::from);
    let usual = USUAL_DIRECTORIES.iter().flat_map(|pattern| expand(Path::new(pattern)));
    for directory in on_path.chain(by_pg_config).chain(usual) {
        if !places.contains(&directory) {
            places.push(directory);
        }
    }
    places
}

/// The first line of a program's output, if it succeeds.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.lines().next()?.to_owned())
}

/// The directories that match a pattern. Each path component may end in `*`.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern {
        let name = part.to_string_lossy();
        found = match name.strip_suffix('*') {
            None => found.into_iter().map(|directory| directory.join(part)).collect(),
            Some(start) => found.iter().flat_map(|directory| children(directory, start)).collect(),
        };
    }
    found
}

fn children(directory: &Path, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_existing_directories() {
        let root = tempfile::tempdir().expect("a directory");
        for name in ["pgsql-16/bin", "pgsql-17/bin", "other/bin"] {
            fs::create_dir_all(root.path().join(name)).expect("a directory");
        }
        assert_eq!(
            expand(&root.path().join("pgsql-*/bin")),
            [root.path().join("pgsql-16/bin"), root.path().join("pgsql-17/bin")]
        );
        assert!(expand(&root.path().join("none-*/bin")).is_empty());
    }
}
