//! Caches which clients are small.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use parking_lot::RwLock;
use uuid::Uuid;

use super::statements::CLIENT_SIZE;
use crate::domain::client::ClientId;
use crate::store::statement::Statement;

/// The most contacts of a small client, whose whole walk takes about a millisecond.
pub const SMALL_CLIENT: i64 = 4_000;

/// Caches which clients are small. It decides the plan of a search, never the result.
#[derive(Debug, Default)]
pub struct ClientSizes(RwLock<HashMap<Uuid, Size>>);

#[derive(QueryableByName)]
struct ClientSizeRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    is_small: bool,
    counted_at: Instant,
}

/// How long a size stays cached before the client is counted again.
const COUNTED_FOR: Duration = Duration::from_secs(60);

impl ClientSizes {
    /// Whether the client has at most [`SMALL_CLIENT`] contacts. Counts them if the size is not cached.
    pub(crate) fn is_small(&self, connection: &mut PgConnection, client: ClientId) -> QueryResult<bool> {
        if let Some(is_small) = self.cached(client) {
            return Ok(is_small);
        }
        let row: ClientSizeRow = Statement::new(|| CLIENT_SIZE)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<BigInt, _>(SMALL_CLIENT + 1)
            .get_result(connection)?;
        let is_small = row.count <= SMALL_CLIENT;
        self.set(client, is_small);
        Ok(is_small)
    }

    fn cached(&self, client: ClientId) -> Option<bool> {
        let known = self.0.read();
        let size = known.get(&client.as_uuid())?;
        (size.counted_at.elapsed() < COUNTED_FOR).then_some(size.is_small)
    }

    fn set(&self, client: ClientId, is_small: bool) {
        let counted_at = Instant::now();
        let mut known = self.0.write();
        known.insert(client.as_uuid(), Size { is_small, counted_at });
    }
}
