//! Remembers when each client last wrote through this server, so that its reads come from a database that has the
//! write.

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::RwLock;

use crate::domain::client::ClientId;

/// The end of each client's last write. It has an entry for each client that has written since the server's start.
#[derive(Default)]
pub struct WriteMarks(RwLock<HashMap<ClientId, Instant>>);

impl WriteMarks {
    /// Notes that a write of the client has ended now, even if it failed. A failed write can be committed: its
    /// connection may break before the confirmation arrives.
    pub fn note(&self, client: ClientId) {
        let mut marks = self.0.write();
        // Under the lock, so that a mark never moves back.
        marks.insert(client, Instant::now());
    }

    /// When the last write of the client ended. `None` if the client has not written.
    pub fn last(&self, client: ClientId) -> Option<Instant> {
        self.0.read().get(&client).copied()
    }
}
