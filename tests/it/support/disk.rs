//! Small disks that a test can fill.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Uid;

use super::OwnDirectory;

/// Runs the test again in a child process with a small disk in memory, which only the child sees. In the child, returns
/// the disk. In the parent, returns `None` after the child has succeeded.
///
/// Creating the disk needs root or a user namespace.
pub fn small_disk(test: &str, size: &str) -> Option<PathBuf> {
    const SMALL_DISK: &str = "CONTACT_SEARCH_TEST_SMALL_DISK";
    const MOUNT: &str = r#"mount -t tmpfs -o "size=$1,mode=0711" tmpfs "$2" && shift 2 && exec "$@""#;
    const RAN: &str = "ran";
    if let Some(disk) = std::env::var_os(SMALL_DISK).map(PathBuf::from) {
        fs::write(disk.with_file_name(RAN), "").expect("a file can be written");
        return Some(disk);
    }
    let directory = OwnDirectory::new();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).expect("a directory can be created");
    let mut unshare = Command::new("unshare");
    if !Uid::effective().is_root() {
        unshare.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    let status = unshare
        .args(["--mount", "sh", "-c", MOUNT, "sh", size])
        .arg(&disk)
        .arg(std::env::current_exe().expect("this program"))
        .args([test, "--exact"])
        .env(SMALL_DISK, &disk)
        .status()
        .expect("unshare can be run");
    assert!(
        status.success(),
        "the test failed on the small disk, or the disk could not be created without root or user namespaces"
    );
    assert!(directory.path().join(RAN).exists(), "the test {test} does not exist");
    None
}

/// Writes `bytes` bytes, or as many as the disk has room for.
pub fn fill(path: &Path, bytes: u64) {
    let mut file = fs::File::create(path).expect("a file can be created");
    let block = vec![0; 1 << 16];
    let mut written = 0;
    while written < bytes && file.write_all(&block).is_ok() {
        written += block.len() as u64;
    }
}
