//! The user that PostgreSQL runs as: the current user, or an unprivileged user if the current user is root, because
//! PostgreSQL refuses root.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use super::error::EmbeddedError;
use super::layout::pgdata;

/// The environment variables that the programs inherit. Other variables could change the programs'
/// behaviour (`PG…`, `LC_…`), and root's variables can contain secrets that another user must not
/// see.
const KEPT_ENVIRONMENT: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// The user that runs PostgreSQL's programs and owns its data.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    user: User,
    /// Whether the current user is root, and therefore a different user from `user`.
    is_other: bool,
}

/// Creates the data directory if it is missing, and returns the owner of PostgreSQL's data in it.
pub(super) fn prepare(data_dir: &Path) -> Result<Owner, EmbeddedError> {
    if !data_dir.is_absolute() {
        return Err(EmbeddedError::RelativeDataDirectory(data_dir.to_owned()));
    }
    if data_dir.is_file() {
        return Err(EmbeddedError::NotDirectory(data_dir.to_owned()));
    }
    let owner = Owner::of(data_dir)?;
    // Checked before anything is created, so that a failure leaves nothing behind.
    owner.check_reach(data_dir)?;
    make_directory(data_dir).map_err(|problem| EmbeddedError::DataDirectory {
        path: data_dir.to_owned(),
        problem,
    })?;
    // The umask may have removed permissions.
    owner.check_reach(data_dir)?;
    Ok(owner)
}

/// Creates a data directory and its parents. If root creates it, PostgreSQL's user must be able to pass through.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mode = if Uid::effective().is_root() { 0o711 } else { 0o700 };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

impl Owner {
    /// The owner of existing data, or else the user that new data will belong to.
    fn of(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let us = Uid::effective();
        let pgdata = pgdata(data_dir);
        let data_owner = match fs::symlink_metadata(&pgdata) {
            Ok(metadata) => Some(Uid::from_raw(metadata.uid())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(problem) => {
                return Err(EmbeddedError::DataDirectory {
                    path: data_dir.to_owned(),
                    problem,
                });
            }
        };
        let user = match data_owner {
            Some(uid) if uid.is_root() => return Err(EmbeddedError::NotData(pgdata)),
            Some(uid) if uid == us || us.is_root() => user_with_id(uid)?,
            Some(uid) => {
                return Err(EmbeddedError::OthersData {
                    path: pgdata,
                    owner: user_with_id(uid).map_or_else(|_| format!("user id {uid}"), |user| user.name),
                });
            }
            // Never `nobody`: other programs that run as that user could read the contacts.
            None if us.is_root() => match fs::metadata(data_dir) {
                // The directory was created for a service's user, who will use the database after root.
                Ok(directory) if directory.uid() != us.as_raw() => user_with_id(Uid::from_raw(directory.uid()))?,
                _ => ["postgres", "contact-search"]
                    .iter()
                    .find_map(|name| User::from_name(name).ok().flatten())
                    .ok_or(EmbeddedError::NoUnprivilegedUser)?,
            },
            None => user_with_id(us)?,
        };
        Ok(Self {
            user,
            is_other: us.is_root(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.user.name
    }

    pub(super) fn uid(&self) -> u32 {
        self.user.uid.as_raw()
    }

    /// A command that runs as this user, in a directory that every user can enter.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).env_clear();
        // Ctrl-C in a terminal must reach only this process, which then stops the server. It must not interrupt a start
        // or stop.
        command.process_group(0);
        for name in KEPT_ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // Makes messages English. The code matches some of them, and the user reads others next to
        // our own messages.
        command.env("LC_ALL", "C");
        if self.is_other {
            // This also drops root's supplementary groups.
            command.uid(self.user.uid.as_raw()).gid(self.user.gid.as_raw());
        }
        command
    }

    /// Reads a file in a directory that belongs to this user, as that user, for the same reason as [`write`](Self::write).
    pub(super) fn read(&self, path: &Path) -> io::Result<String> {
        let output = self.command(Path::new("/bin/cat")).arg(path).output()?;
        if !output.status.success() {
            return Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Makes this user the owner of a path that this process created.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        if self.is_other {
            std::os::unix::fs::lchown(path, Some(self.user.uid.as_raw()), Some(self.user.gid.as_raw()))?;
        }
        Ok(())
    }

    /// Replaces a file in a directory that belongs to this user. A shell does it as that user, so that root never
    /// follows a link that another user has placed there.
    pub(super) fn write(&self, path: &Path, contents: &str) -> io::Result<()> {
        let mut child = self
            .command(Path::new("/bin/sh"))
            .args(["-c", r#"umask 077 && cat >"$1.new" && mv -f "$1.new" "$1""#, "sh"])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let sent = child
            .stdin
            .take()
            .map_or(Ok(()), |mut stdin| stdin.write_all(contents.as_bytes()));
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        sent
    }

    /// Checks that this user can enter the directory, or its nearest existing ancestor. The error names the ancestor
    /// that is closed.
    fn check_reach(&self, directory: &Path) -> Result<(), EmbeddedError> {
        let Some(existing) = directory.ancestors().find(|ancestor| ancestor.is_dir()) else {
            return Ok(());
        };
        if !self.is_other || self.can_enter(existing)? {
            return Ok(());
        }
        let mut closed = existing;
        while let Some(parent) = closed.parent() {
            if self.can_enter(parent)? {
                break;
            }
            closed = parent;
        }
        Err(EmbeddedError::ClosedToOwner {
            path: directory.to_owned(),
            closed: closed.to_owned(),
            user: self.user.name.clone(),
        })
    }

    fn can_enter(&self, directory: &Path) -> Result<bool, EmbeddedError> {
        let shell = PathBuf::from("/bin/sh");
        self.command(&shell)
            .args(["-c", r#"cd "$1""#, "sh"])
            .arg(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map(|status| status.success())
            .map_err(|problem| EmbeddedError::Program {
                program: shell,
                problem,
            })
    }
}

fn user_with_id(uid: Uid) -> Result<User, EmbeddedError> {
    User::from_uid(uid)
        .ok()
        .flatten()
        .ok_or(EmbeddedError::NamelessUser(uid.as_raw()))
}
