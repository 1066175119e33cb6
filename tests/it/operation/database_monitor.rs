//! The database monitor: the one connection that probes the database.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{PATIENCE, TestApp, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=123";

/// For effects promised within a second, with a margin for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// The PostgreSQL backend that serves the monitor's connection.
fn monitor_backend(app: &TestApp) -> i64 {
    let backend = "SELECT coalesce(max(pid), 0)::bigint AS count FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT \"credential_version\"%'";
    let start = Instant::now();
    loop {
        match app.database.count(backend) {
            // During a probe the backend may show another statement.
            0 => assert!(start.elapsed() < PATIENCE, "no connection probes the database"),
            pid => return pid,
        }
    }
}

#[test]
fn concurrent_readiness_requests_share_one_connection() {
    let app = TestApp::start();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(app.server.get("/readyz", None).status, 200));
        }
    });
    let others = "SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    // The connection of the previous count may still be closing.
    wait_until(PATIENCE, "there is more than one connection", || {
        app.database.count(others) == 1
    });
    let first = monitor_backend(&app);
    app.sql(&format!("SELECT pg_terminate_backend({first})"));
    wait_until(PATIENCE, "the monitor opens no new connection", || {
        monitor_backend(&app) != first
    });
    wait_until(PATIENCE, "the server is not ready", || {
        app.server.get("/readyz", None).status == 200
    });
}

/// A suspended process, which resumes when the value is dropped.
struct SuspendedProcess(Pid);

impl SuspendedProcess {
    fn new(pid: i64) -> Self {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for SuspendedProcess {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

#[test]
fn a_stuck_monitor_backend_makes_the_server_unready_until_it_is_replaced() {
    let app = TestApp::start();
    assert_eq!(app.server.get("/readyz", None).status, 200);
    let _stuck = SuspendedProcess::new(monitor_backend(&app));
    let is_ready = || app.server.get("/readyz", None).status == 200;
    wait_until(SOON, "the server is ready although the backend does not answer", || {
        !is_ready()
    });
    assert_eq!(
        app.get(LOOKUP).status,
        200,
        "while the cached keys cannot be confirmed, keys are read from the database"
    );
    wait_until(PATIENCE, "the stuck backend is not replaced", is_ready);
}
