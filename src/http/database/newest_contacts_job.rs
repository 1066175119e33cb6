//! Beside all requests: every ten seconds those are let go that are among the newest contacts no more.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use crate::store::StoreError;
use crate::store::connection::{Limited, StatementLimits};
use crate::store::newest_contacts::{KEPT, delete_old, raise_border};

const PERIOD: Duration = Duration::from_secs(10);

/// Many may have to be looked through, where an import has brought millions.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Whoever does it; one a server, and they don't disturb each other. It ends soon after this is dropped, and nobody
/// waits for that.
pub struct NewestContacts {
    /// Gone tells the thread to end.
    _stop: Sender<()>,
}

impl NewestContacts {
    /// Starts, on connections that are there only meanwhile.
    ///
    /// # Errors
    /// Where the system has no thread for it.
    pub fn keep_few(database_url: &str, is_pooled: bool) -> io::Result<Self> {
        let (sender, stop) = mpsc::channel();
        let url = database_url.to_owned();
        let limits = StatementLimits {
            statement_timeout: STATEMENT_TIMEOUT,
            lock_timeout: None,
            is_pooled,
        };
        thread::Builder::new()
            .name("newest".to_owned())
            .spawn(move || keep_few(&url, limits, &stop))?;
        Ok(Self { _stop: sender })
    }
}

/// The log hears of the first failure in a row.
fn keep_few(url: &str, limits: StatementLimits, stop: &Receiver<()>) {
    let mut was_failing = false;
    while stop.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        let let_go = let_go(url, limits, stop);
        let is_failing = let_go.is_err();
        if let Err(error) = let_go
            && !was_failing
            && !is_over(stop)
        {
            let error = anyhow::Error::from(error);
            log::warn!("the newest contacts can't be kept few for now, and take more room: {error:#}");
        }
        was_failing = is_failing;
    }
}

fn let_go(url: &str, limits: StatementLimits, stop: &Receiver<()>) -> Result<(), StoreError> {
    let mut connection = Limited::connect(url, limits)?;
    connection.run(|connection| raise_border(connection, KEPT))?;
    while !is_over(stop) && connection.run(delete_old)? {}
    Ok(())
}

fn is_over(stop: &Receiver<()>) -> bool {
    stop.try_recv() == Err(TryRecvError::Disconnected)
}
