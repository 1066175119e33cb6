//! A place for a private PostgreSQL that leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Waits until the tests' process has ended, which closes the pipe, then ends the server that runs on the
/// directory and removes it all. The interrupts of a terminal are for the tests; this one is still needed.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
if pid=$(head -n 1 "$1/postgres/postmaster.pid") && kill -QUIT "$pid"; then
    left=100
    while [ -e "$1/postgres/postmaster.pid" ] && [ "$left" -gt 0 ]; do sleep 0.05; left=$((left - 1)); done
fi
rm -rf "$1"
"#;

/// A directory for [`Options::data_dir`](contact_search::embedded::Options). It goes, and a server that still
/// runs on it, when the value is dropped or this process ends, in whatever way.
pub struct ServerDirectory {
    path: PathBuf,
    watchdog: Child,
}

impl ServerDirectory {
    pub fn new() -> Self {
        // In /tmp whatever TMPDIR says: PostgreSQL's user has to reach it, and its socket's path to be short.
        let directory = tempfile::Builder::new()
            .prefix("contact-search-test-")
            .permissions(std::fs::Permissions::from_mode(0o711))
            .tempdir_in("/tmp")
            .expect("a directory can be made");
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
