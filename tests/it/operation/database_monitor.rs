//! The one connection by which the server watches its database.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{PATIENCE, TestApp, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=1";

/// What has to be so within a second, with a margin for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// The process of PostgreSQL that answers the server's looks.
fn monitor_backend(app: &TestApp) -> i64 {
    let backend = "SELECT coalesce(max(pid), 0)::bigint AS count FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT \"credential_version\"%'";
    let start = Instant::now();
    loop {
        match app.database.count(backend) {
            // In the midst of a look it is at another statement.
            0 => assert!(start.elapsed() < PATIENCE, "nobody looks"),
            pid => return pid,
        }
    }
}

#[test]
fn however_many_ask_whether_it_is_ready_one_connection_looks() {
    let app = TestApp::start();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(app.server.get("/readyz", None).status, 200));
        }
    });
    let others = "SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    // The connection of a count before may still be on its way out.
    wait_until(PATIENCE, "there are more connections than one", || {
        app.database.count(others) == 1
    });
    let first = monitor_backend(&app);
    app.sql(&format!("SELECT pg_terminate_backend({first})"));
    wait_until(PATIENCE, "no new connection comes", || monitor_backend(&app) != first);
    wait_until(PATIENCE, "it isn't ready", || {
        app.server.get("/readyz", None).status == 200
    });
}

/// A process that was stopped, and goes on when this is dropped.
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
fn a_stuck_backend_keeps_a_server_from_being_ready_until_another_one_takes_its_place() {
    let app = TestApp::start();
    assert_eq!(app.server.get("/readyz", None).status, 200);
    let _stuck = SuspendedProcess::new(monitor_backend(&app));
    let is_ready = || app.server.get("/readyz", None).status == 200;
    wait_until(SOON, "it is ready though nothing answers", || !is_ready());
    assert_eq!(
        app.get(LOOKUP).status,
        200,
        "keys are read as long as nobody vouches for them"
    );
    wait_until(PATIENCE, "it waits for the stuck one", is_ready);
}
