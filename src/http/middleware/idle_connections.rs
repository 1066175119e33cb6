//! Closes connections that do not deliver a complete request head in time, even if they trickle bytes. Also closes
//! connections whose client takes nothing of its answer any more.
//!
//! actix's own timers cannot tell a slow client from a busy server. They fire before actix reads the bytes that have
//! arrived while its worker was busy, and before a slow reader has taken its answer. A second request that trickles in
//! escapes them. So they are off, and this job looks at each connection and at the system's buffers of its socket.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream as ServedStream;
use nix::libc::{self, c_int, linger};
use nix::sys::socket::{self, setsockopt, sockopt};
use parking_lot::Mutex;

use crate::http::database::periodic_job::{OnDrop, PeriodicJob};

/// How long a client may take to send the head of the first request of a connection. The job closes the connection at
/// its second look after that time, which is at most a second later.
const HEAD_MAX: Duration = Duration::from_secs(4);

/// How long a connection may be without a request after each answer.
const IDLE_MAX: Duration = Duration::from_secs(8);

/// How long a client may go without reading a byte of its answer, and how long a busy worker may leave the client's
/// bytes unread.
/// TCP repeats a lost packet about five times in this time.
const STALLED_MAX: Duration = Duration::from_secs(20);

/// The pause between two looks at all connections.
const PERIOD: Duration = Duration::from_millis(500);

/// The open connections of a server.
#[derive(Clone, Debug, Default)]
pub struct IdleConnections(Arc<Mutex<Vec<Weak<Connection>>>>);

/// One connection. Its requests find it in their connection data.
#[derive(Debug)]
pub struct Connection {
    /// A second handle of the socket that actix serves.
    socket: TcpStream,
    activity: Mutex<Activity>,
}

/// The last activity of a connection.
#[derive(Debug)]
struct Activity {
    /// When the connection opened, the last answer was complete, or the client last took some of it. `None` while a
    /// request is in flight.
    idle_since: Option<Instant>,
    has_requested: bool,
    /// The bytes in the system's buffers at the last look.
    buffered: Buffered,
    /// Whether the last look found the connection idle for too long. The next look closes it, unless a request is in
    /// flight by then. So after a pause of the whole process, such as one by SIGSTOP, its workers have time to read the
    /// bytes that have arrived.
    is_suspect: bool,
}

/// The bytes in the system's buffers of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Buffered {
    /// Bytes of the client that the worker has not read. If there are any, the server is slow and not the client.
    unread: usize,
    /// Bytes that the client has not acknowledged.
    unsent: usize,
}

impl IdleConnections {
    /// Starts the job that closes idle connections.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub fn start_closing(&self) -> io::Result<PeriodicJob> {
        let open = self.0.clone();
        PeriodicJob::start(
            "idle connections",
            PERIOD,
            OnDrop::Stop,
            "idle connections could not be closed",
            move |_| {
                close_idle(&mut open.lock(), Instant::now());
                Ok(())
            },
        )
    }

    /// Registers a new connection; actix calls it. Without a free file descriptor for a second handle, nothing would
    /// end the connection if it stays idle, so it is closed at once.
    pub fn register(&self, served: &dyn Any, data: &mut Extensions) {
        let under_tls = || {
            served
                .downcast_ref::<TlsStream<ServedStream>>()
                .map(|tls| tls.get_ref().0)
        };
        let Some(stream) = served.downcast_ref::<ServedStream>().or_else(under_tls) else {
            return;
        };
        let Ok(socket) = stream.as_fd().try_clone_to_owned() else {
            // It fails if the connection is gone already.
            let _ = socket::shutdown(stream.as_raw_fd(), socket::Shutdown::Both);
            return;
        };
        let connection = Arc::new(Connection {
            socket: socket.into(),
            activity: Mutex::new(Activity::new(Instant::now())),
        });
        self.0.lock().push(Arc::downgrade(&connection));
        data.insert(connection);
    }
}

impl Connection {
    /// Marks the connection as busy until the returned value is dropped. Called when a complete head has arrived.
    pub fn begin_request(self: Arc<Self>) -> InFlight {
        let mut activity = self.activity.lock();
        activity.idle_since = None;
        activity.has_requested = true;
        drop(activity);
        InFlight(self)
    }

    /// Restarts the idle time of a connection whose answer comes in parts. A request counts as answered once the head of
    /// its answer is complete.
    pub fn touch(&self) {
        let mut activity = self.activity.lock();
        activity.idle_since = activity.idle_since.map(|_| Instant::now());
    }

    /// Whether the client has closed its end. A client that only says that it sends no more counts too, because TCP does
    /// not tell the two apart.
    pub fn is_closed_by_client(&self) -> bool {
        match self.socket.peek(&mut [0]) {
            Ok(count) => count == 0,
            // The socket does not block. Otherwise the client has reset the connection.
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Closes the connection. Its unsent bytes are dropped, so that they hold no memory of the system.
    fn close(&self) {
        let at_once = linger {
            l_onoff: 1,
            l_linger: 0,
        };
        // Both calls fail if the connection is gone already.
        if buffered(self.socket.as_raw_fd()).unsent > 0 {
            let _ = setsockopt(&self.socket, sockopt::Linger, &at_once);
        }
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Activity {
    fn new(now: Instant) -> Self {
        Self {
            idle_since: Some(now),
            has_requested: false,
            buffered: Buffered::default(),
            is_suspect: false,
        }
    }

    /// Notes the bytes in the system's buffers. Returns whether the connection was idle for too long at this look and
    /// at the one before.
    fn look(&mut self, buffered: Buffered, now: Instant) -> bool {
        let Some(since) = self.idle_since else {
            self.is_suspect = false;
            return false;
        };
        let last = std::mem::replace(&mut self.buffered, buffered);
        if buffered.unsent != last.unsent {
            // The client took some of the answer, or the worker added some. Bytes that the client sends are no
            // progress: it could trickle them.
            self.idle_since = Some(now);
            self.is_suspect = false;
            return false;
        }
        let limit = if buffered != Buffered::default() {
            STALLED_MAX
        } else if self.has_requested {
            IDLE_MAX
        } else {
            HEAD_MAX
        };
        let is_idle = now.saturating_duration_since(since) > limit;
        std::mem::replace(&mut self.is_suspect, is_idle) && is_idle
    }
}

/// The bytes in the system's buffers of a socket. A number that the system does not report counts as 0.
#[allow(unsafe_code, reason = "ioctl has no safe form")]
fn buffered(socket: RawFd) -> Buffered {
    let ask = |request| {
        let mut count: c_int = 0;
        // SAFETY: both requests write one int, to a place that outlives the call.
        let result = unsafe { libc::ioctl(socket, request, &mut count) };
        if result == 0 {
            usize::try_from(count).unwrap_or(0)
        } else {
            0
        }
    };
    Buffered {
        unread: ask(libc::FIONREAD),
        unsent: ask(libc::TIOCOUTQ),
    }
}

/// Guard of a request in flight. Dropping it marks the connection as idle. The answer may still be in buffers then.
pub struct InFlight(Arc<Connection>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.activity.lock().idle_since = Some(Instant::now());
    }
}

/// Closes connections that have been idle for too long, and forgets those that are gone.
fn close_idle(open: &mut Vec<Weak<Connection>>, now: Instant) {
    open.retain(|connection| {
        let Some(connection) = connection.upgrade() else {
            return false;
        };
        let buffered = buffered(connection.socket.as_raw_fd());
        let is_idle = connection.activity.lock().look(buffered, now);
        if is_idle {
            connection.close();
        }
        !is_idle
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at the connection twice a second, and returns the number of seconds after which a look closes it.
    fn closed_after(activity: &mut Activity, start: Instant, buffered: impl Fn(u32) -> Buffered) -> Option<u64> {
        (1..=200).find_map(|look| {
            let now = start + look * PERIOD;
            activity
                .look(buffered(look), now)
                .then(|| now.duration_since(start).as_secs())
        })
    }

    fn answered(at: Instant) -> Activity {
        Activity {
            has_requested: true,
            ..Activity::new(at)
        }
    }

    #[test]
    fn only_a_client_that_makes_no_progress_is_cut_off() {
        let start = Instant::now();
        let nothing = |_| Buffered::default();
        assert_eq!(closed_after(&mut Activity::new(start), start, nothing), Some(5));
        assert_eq!(closed_after(&mut answered(start), start, nothing), Some(9));
        let unsent = |count: u32| Buffered {
            unsent: 1_000_000 - count as usize,
            unread: 0,
        };
        assert_eq!(closed_after(&mut answered(start), start, unsent), None);
        assert_eq!(closed_after(&mut answered(start), start, |_| unsent(0)), Some(21));
        // A client that reads nothing may not keep its connection by sending.
        let unread = |count: u32| Buffered {
            unread: count as usize,
            ..unsent(0)
        };
        assert_eq!(closed_after(&mut answered(start), start, unread), Some(21));
    }

    #[test]
    fn a_connection_whose_bytes_wait_for_a_busy_worker_is_not_idle() {
        let start = Instant::now();
        let unread = |_| Buffered { unread: 100, unsent: 0 };
        assert_eq!(closed_after(&mut Activity::new(start), start, unread), Some(21));
        // After a pause of the whole process, the first look only suspects the connection.
        let mut activity = Activity::new(start);
        assert!(!activity.look(Buffered::default(), start + 10 * IDLE_MAX));
        activity.idle_since = None;
        assert!(!activity.look(Buffered::default(), start + 11 * IDLE_MAX));
    }
}
