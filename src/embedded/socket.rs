//! The directory of PostgreSQL's socket. Its path must fit into a socket address, and other users must not enter it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::error::EmbeddedError;
use super::owner::Owner;

pub(super) const PORT: u16 = 5432;

/// The longest socket address, in bytes, without its closing NUL. With the NUL, Linux allows 108 bytes, and the BSDs
/// and macOS allow 104.
const LONGEST_ADDRESS: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Creates the directory, or checks that only the owner can use an existing one.
///
/// The directory is `socket` in the data directory if that path is short enough, because the server then needs no
/// directory elsewhere. `XDG_RUNTIME_DIR` is no alternative: it is removed when the user logs out, while the server
/// keeps running. A data directory with a long path gets a directory in `/tmp`, named after its inode.
pub(super) fn prepare(data_dir: &Path, owner: &Owner) -> Result<PathBuf, EmbeddedError> {
    let mut tried = Vec::new();
    for directory in candidates(data_dir, owner.uid()) {
        match check_address(&directory).and_then(|()| make_private(&directory, owner)) {
            Ok(()) => return Ok(directory),
            Err(problem) => tried.push(format!("{} {problem}", directory.display())),
        }
    }
    Err(EmbeddedError::NoSocketDirectory { tried })
}

fn candidates(data_dir: &Path, uid: u32) -> Vec<PathBuf> {
    let mut candidates = vec![data_dir.join("socket")];
    if let Ok(metadata) = data_dir.metadata() {
        candidates.push(PathBuf::from(format!(
            "/tmp/contact-search-{uid}-{:x}-{:x}",
            metadata.dev(),
            metadata.ino()
        )));
    }
    candidates
}

/// Checks that the kernel accepts the socket's address, and that the directory needs no quotes. PostgreSQL's settings
/// and libpq's `host` both take a list of directories, and libpq's list can't have quotes.
fn check_address(directory: &Path) -> Result<(), String> {
    let path = directory.as_os_str().as_bytes();
    let length = path.len() + format!("/.s.PGSQL.{PORT}").len();
    if length > LONGEST_ADDRESS {
        return Err(format!("is {} bytes too long", length - LONGEST_ADDRESS));
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    if !path.iter().all(is_plain) {
        return Err("has characters that a socket address can't have".into());
    }
    Ok(())
}

fn make_private(directory: &Path, owner: &Owner) -> Result<(), String> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => owner.give(directory).map_err(|error| format!("can't be used: {error}")),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_private(directory, owner),
        Err(error) => Err(format!("can't be created: {error}")),
    }
}

/// In `/tmp` another user may have created the directory first, to read the traffic.
fn check_private(directory: &Path, owner: &Owner) -> Result<(), String> {
    let metadata = fs::symlink_metadata(directory).map_err(|error| format!("can't be read: {error}"))?;
    if !metadata.is_dir() {
        return Err("is not a directory".into());
    }
    if metadata.uid() != owner.uid() {
        return Err(format!("does not belong to {}", owner.name()));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err("is open to others".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_address_is_accepted_and_a_longer_one_is_refused() {
        let fits = format!("/{}", "a".repeat(LONGEST_ADDRESS - "/.s.PGSQL.5432".len() - 1));
        assert_eq!(check_address(Path::new(&fits)), Ok(()));
        assert_eq!(
            check_address(Path::new(&format!("{fits}a"))),
            Err("is 1 bytes too long".into())
        );
    }

    #[test]
    fn a_path_that_needs_quotes_is_refused() {
        for path in ["/a,b", "/a b", "/a'b", "/a\"b", "/ñ", "/a%20b", "/a&b"] {
            assert!(check_address(Path::new(path)).is_err(), "{path}");
        }
    }
}
