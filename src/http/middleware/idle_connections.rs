//! Connections on which no request comes about: they are closed, whatever their bytes.
//!
//! actix closes one that is silent after an answer, and one whose first request is slow. One whose second request comes
//! a byte at a time it would keep for ever, since the first byte ends the silence and only the first request is timed.
//! So the time between an answer and the next whole head is limited here, from outside.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream as ServedStream;

/// How long a connection may be without a request, before its first one and after each answer.
pub const IDLE_MAX: Duration = Duration::from_secs(8);

/// The pause between two looks at all connections.
const PERIOD: Duration = Duration::from_secs(1);

/// The connections that are open; one a server. It stops looking at them soon after the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<Vec<Weak<Connection>>>>);

/// One connection, known to its requests.
#[derive(Debug)]
pub struct Connection {
    /// The same socket as the one that is served.
    socket: TcpStream,
    /// `None` while a request is being answered.
    idle_since: Mutex<Option<Instant>>,
}

impl Connections {
    /// Starts to look at them.
    ///
    /// # Errors
    /// Where the system has no thread for it.
    pub fn watch() -> io::Result<Self> {
        let connections = Self::default();
        let open = Arc::downgrade(&connections.0);
        thread::Builder::new().name("connections".to_owned()).spawn(move || {
            while let Some(open) = open.upgrade() {
                close_idle(&mut lock(&open), Instant::now());
                drop(open);
                thread::sleep(PERIOD);
            }
        })?;
        Ok(connections)
    }

    /// Takes note of a new connection, for actix to call; without a free file descriptor for it the connection has
    /// actix's limits alone.
    pub fn enter(&self, served: &dyn Any, data: &mut Extensions) {
        let socket = served
            .downcast_ref::<ServedStream>()
            .and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        if let Some(socket) = socket {
            let connection = Arc::new(Connection {
                socket: socket.into(),
                idle_since: Mutex::new(Some(Instant::now())),
            });
            lock(&self.0).push(Arc::downgrade(&connection));
            data.insert(connection);
        }
    }
}

impl Connection {
    /// A whole head has come: the connection is not idle until the value is dropped, with the answer or before one.
    pub fn begin_request(self: Arc<Self>) -> Busy {
        *lock(&self.idle_since) = None;
        Busy(self)
    }

    fn is_idle(&self, now: Instant) -> bool {
        lock(&self.idle_since).is_some_and(|since| now.saturating_duration_since(since) > IDLE_MAX)
    }
}

/// A request is being answered on a connection.
pub struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.idle_since) = Some(Instant::now());
    }
}

/// Closes those that have been idle for too long, and forgets those that are gone.
fn close_idle(open: &mut Vec<Weak<Connection>>, now: Instant) {
    open.retain(|connection| {
        let Some(connection) = connection.upgrade() else {
            return false;
        };
        let is_idle = connection.is_idle(now);
        if is_idle {
            // What fails here is gone already. What was answered is still sent.
            let _ = connection.socket.shutdown(Shutdown::Both);
        }
        !is_idle
    });
}

/// Nothing panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
