//! A directory for a private PostgreSQL that is always cleaned up.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Waits for the end of the tests' process, which closes the pipe. Then stops the server that runs on the directory,
/// and removes the directory. Ignores the signals of a terminal, because the cleanup is still needed after them.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
if pid=$(head -n 1 "$1/postgres/postmaster.pid") && kill -QUIT "$pid"; then
    left=100
    while [ -e "$1/postgres/postmaster.pid" ] && [ "$left" -gt 0 ]; do sleep 0.05; left=$((left - 1)); done
fi
rm -rf "$1"
"#;

/// The parent of all servers' directories: the file system in memory if it has room, otherwise `/tmp`. TMPDIR is not
/// used, because PostgreSQL's user must reach the directories, and the path of a socket must be short.
///
/// A test run uses half a gigabyte. A database has 300 files. Creating and dropping a database takes 14 ms in memory.
/// On ext4 it takes 31 ms at first, and 90 ms after a hundred databases, because ext4 looks at the inodes of recently
/// deleted files one by one.
#[cfg(target_os = "linux")]
fn parent() -> &'static Path {
    use nix::sys::statvfs::{FsFlags, statvfs};
    const MIN_ROOM: u64 = 2 << 30;
    let memory = Path::new("/dev/shm");
    let is_usable = statvfs(memory).is_ok_and(|disk| {
        #[allow(clippy::useless_conversion, reason = "the numbers are narrower on 32-bit machines")]
        let room = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size());
        // Some tests run a program in the directory.
        room >= MIN_ROOM && !disk.flags().contains(FsFlags::ST_NOEXEC)
    });
    if is_usable { memory } else { Path::new("/tmp") }
}

#[cfg(not(target_os = "linux"))]
fn parent() -> &'static Path {
    Path::new("/tmp")
}

/// A directory for [`Options::data_dir`](contact_search::embedded::Options). The directory and a server that still runs
/// on it are removed when the value is dropped, or when this process ends in any way.
pub struct ServerDirectory {
    path: PathBuf,
    watchdog: Child,
}

impl ServerDirectory {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("contact-search-test-")
            .permissions(std::fs::Permissions::from_mode(0o711))
            .tempdir_in(parent())
            .expect("a directory can be created");
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh can be run");
        Self {
            path: directory.keep(),
            watchdog,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ServerDirectory {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}
