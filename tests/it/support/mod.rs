//! Support for the tests: one PostgreSQL for the whole run, a database for each test, and the program itself, started
//! as a user starts it.

pub mod app;
pub mod backup;
pub mod canaries;
pub mod check;
pub mod citus;
pub mod citus_cluster;
pub mod command;
pub mod contact_api;
pub mod contact_query;
pub mod contacts;
pub mod database;
pub mod directory;
#[cfg(target_os = "linux")]
pub mod disk;
pub mod export;
pub mod import;
pub mod messages;
pub mod metrics;
pub mod new_ids;
pub mod newest_contacts;
pub mod period_border;
pub mod private_database;
pub mod replication;
mod slot;
pub mod webhook;
pub mod workbook;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use app::{Answer, TestApp};
pub use contacts::Contact;
pub use database::TestDatabase;
pub use slot::{OwnDirectory, Slot};

/// The time limit for a condition that must hold eventually.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds, and panics with `failure` after `limit`. The pauses between two checks grow with the
/// time waited, because a check can cost a connection.
pub fn wait_until(limit: Duration, failure: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        let waited = start.elapsed();
        assert!(waited < limit, "{failure}");
        std::thread::sleep((waited / 20).clamp(Duration::from_millis(10), Duration::from_millis(200)));
    }
}

/// Sets a flag on drop, also on panic, so that loops in other threads end.
pub struct SetOnDrop<'a>(pub &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
