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

/// A directory for [`Options::data_dir`](contact_search::embedded::Options). The directory and a server that still runs
/// on it are removed when the value is dropped, or when this process ends in any way.
pub struct ServerDirectory {
    path: PathBuf,
    watchdog: Child,
}

impl ServerDirectory {
    pub fn new() -> Self {
        // Always in /tmp, regardless of TMPDIR: PostgreSQL's user must reach the directory, and the path of the socket
        // must be short.
        let directory = tempfile::Builder::new()
            .prefix("contact-search-test-")
            .permissions(std::fs::Permissions::from_mode(0o711))
            .tempdir_in("/tmp")
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
