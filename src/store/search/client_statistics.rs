//! Caches what decides the plan of a search: which clients are small, and a sample of the newest contacts of the
//! others.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use super::newest_sample::{NewestSample, SampleRow};
use super::statements::{CLIENT_SIZE, NEWEST_SAMPLE};
use crate::domain::client::ClientId;
use crate::store::statement::Statement;

/// The most contacts of a small client, whose whole walk takes about a millisecond.
pub const SMALL_CLIENT: i64 = 4_000;

/// The newest contacts in a sample.
pub(super) const SAMPLE_ROWS: usize = 500;

/// How long a size stays cached before the client is counted again.
const COUNTED_FOR: Duration = Duration::from_secs(60);

/// How old a sample may be. After an import of many contacts with a common text, a search for the text uses the grams
/// for up to this time, and reads all these contacts.
const SAMPLED_FOR: Duration = Duration::from_secs(10);

/// The most samples in the cache. A sample usually takes 20 kB.
const SAMPLES: NonZeroUsize = NonZeroUsize::new(500).expect("it is not zero");

/// Caches sizes and samples of clients. They decide the plan of a search, never the result.
#[derive(Debug)]
pub struct ClientStatistics {
    sizes: RwLock<HashMap<Uuid, Size>>,
    samples: Mutex<LruCache<Uuid, CachedSample>>,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    is_small: bool,
    counted_at: Instant,
}

#[derive(Debug)]
struct CachedSample {
    sample: Arc<NewestSample>,
    read_at: Instant,
}

#[derive(QueryableByName)]
struct ClientSizeRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Default for ClientStatistics {
    fn default() -> Self {
        Self {
            sizes: RwLock::default(),
            samples: Mutex::new(LruCache::new(SAMPLES)),
        }
    }
}

impl ClientStatistics {
    /// Whether the client has at most [`SMALL_CLIENT`] contacts. Counts them if the size is not cached.
    pub(crate) fn is_small(&self, connection: &mut PgConnection, client: ClientId) -> QueryResult<bool> {
        if let Some(is_small) = self.cached_size(client) {
            return Ok(is_small);
        }
        let row: ClientSizeRow = Statement::new(|| CLIENT_SIZE)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<BigInt, _>(SMALL_CLIENT + 1)
            .get_result(connection)?;
        let is_small = row.count <= SMALL_CLIENT;
        let counted_at = Instant::now();
        self.sizes
            .write()
            .insert(client.as_uuid(), Size { is_small, counted_at });
        Ok(is_small)
    }

    fn cached_size(&self, client: ClientId) -> Option<bool> {
        let sizes = self.sizes.read();
        let size = sizes.get(&client.as_uuid())?;
        (size.counted_at.elapsed() < COUNTED_FOR).then_some(size.is_small)
    }

    /// The sample of the client's newest contacts. Reads it if it is not cached.
    pub(super) fn newest_sample(
        &self,
        connection: &mut PgConnection,
        client: ClientId,
    ) -> QueryResult<Arc<NewestSample>> {
        let read_at = Instant::now();
        if let Some(cached) = self.samples.lock().get_mut(&client.as_uuid()) {
            if cached.read_at.elapsed() < SAMPLED_FOR {
                return Ok(cached.sample.clone());
            }
            // One search reads the new sample. Until then, the others use the old one.
            cached.read_at = read_at;
        }
        let rows: Vec<SampleRow> = Statement::new(|| NEWEST_SAMPLE)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<BigInt, _>(SAMPLE_ROWS as i64)
            .load(connection)?;
        let sample = Arc::new(NewestSample::of(&rows));
        let cached = CachedSample {
            sample: sample.clone(),
            read_at,
        };
        self.samples.lock().put(client.as_uuid(), cached);
        Ok(sample)
    }
}
