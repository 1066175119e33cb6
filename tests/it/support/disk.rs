//! Disks that are full.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Uid;

use super::OwnDirectory;

/// A disk of the test's own, a small one in memory, which only this program's second run sees, where it is given: it is
/// root's to make, or of anybody in a user namespace of their own. `None` where that run of the test has ended well.
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
    fs::create_dir(&disk).expect("a directory can be made");
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
        "a small disk wants root, or a system that lets users have namespaces"
    );
    assert!(directory.path().join(RAN).exists(), "there is no test {test}");
    None
}

/// Writes that many bytes, or as many as there is room for.
pub fn fill(path: &Path, bytes: u64) {
    let mut file = fs::File::create(path).expect("a file can be made");
    let block = vec![0; 1 << 16];
    let mut written = 0;
    while written < bytes && file.write_all(&block).is_ok() {
        written += block.len() as u64;
    }
}
