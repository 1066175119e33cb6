//! Caches which clients are small.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use uuid::Uuid;

use crate::domain::client::ClientId;

/// Caches which clients are small. It decides the plan of a search, never the result.
#[derive(Debug, Default)]
pub struct ClientSizes(RwLock<HashMap<Uuid, Size>>);

#[derive(Clone, Copy, Debug)]
struct Size {
    is_small: bool,
    counted_at: Instant,
}

/// How long a size stays cached before the client is counted again.
const COUNTED_FOR: Duration = Duration::from_secs(60);

impl ClientSizes {
    pub(super) fn is_small(&self, client: ClientId) -> Option<bool> {
        let known = self.0.read();
        let size = known.get(&client.as_uuid())?;
        (size.counted_at.elapsed() < COUNTED_FOR).then_some(size.is_small)
    }

    pub(super) fn set(&self, client: ClientId, is_small: bool) {
        let counted_at = Instant::now();
        let mut known = self.0.write();
        known.insert(client.as_uuid(), Size { is_small, counted_at });
    }
}
