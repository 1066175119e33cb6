//! Closes connections that do not deliver a complete request head in time, even if they trickle bytes.
//!
//! actix has two timeouts: keep-alive after an answer, and one for the head of the first request. A second request that
//! trickles in escapes both: its first byte ends the keep-alive timeout, and its head has no timeout. actix has no
//! setting for that, so this job closes such connections.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream as ServedStream;
use parking_lot::Mutex;

use crate::http::database::periodic_job::{OnDrop, PeriodicJob};

/// How long a connection may be without a request: before its first one and after each answer.
pub const IDLE_MAX: Duration = Duration::from_secs(8);

/// The pause between two checks of all connections.
const PERIOD: Duration = Duration::from_secs(1);

/// The open connections of a server.
#[derive(Clone, Debug, Default)]
pub struct IdleConnections(Arc<Mutex<Vec<Weak<Connection>>>>);

/// One connection. Its requests find it in their connection data.
#[derive(Debug)]
pub struct Connection {
    /// A second handle of the socket that actix serves.
    socket: TcpStream,
    /// `None` while a request is in flight.
    idle_since: Mutex<Option<Instant>>,
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

    /// Registers a new connection; actix calls it. Without a free file descriptor for a second handle, only actix's own
    /// timeouts apply to the connection.
    pub fn register(&self, served: &dyn Any, data: &mut Extensions) {
        let socket = served
            .downcast_ref::<ServedStream>()
            .and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        if let Some(socket) = socket {
            let connection = Arc::new(Connection {
                socket: socket.into(),
                idle_since: Mutex::new(Some(Instant::now())),
            });
            self.0.lock().push(Arc::downgrade(&connection));
            data.insert(connection);
        }
    }
}

impl Connection {
    /// Marks the connection as busy until the returned value is dropped. Called when a complete head has arrived.
    pub fn begin_request(self: Arc<Self>) -> InFlight {
        *self.idle_since.lock() = None;
        InFlight(self)
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.idle_since
            .lock()
            .is_some_and(|since| now.saturating_duration_since(since) > IDLE_MAX)
    }
}

/// Guard of a request in flight. Dropping it marks the connection as idle.
pub struct InFlight(Arc<Connection>);

impl Drop for InFlight {
    fn drop(&mut self) {
        *self.0.idle_since.lock() = Some(Instant::now());
    }
}

/// Closes connections that have been idle for too long, and forgets those that are gone.
fn close_idle(open: &mut Vec<Weak<Connection>>, now: Instant) {
    open.retain(|connection| {
        let Some(connection) = connection.upgrade() else {
            return false;
        };
        let is_idle = connection.is_idle(now);
        if is_idle {
            // It fails if the connection is gone already. The system still sends answers that are buffered.
            let _ = connection.socket.shutdown(Shutdown::Both);
        }
        !is_idle
    });
}
