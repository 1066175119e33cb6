//! Caches what decides the plan of a search: which clients are small, and a sample of the newest contacts of the others.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use lru::LruCache;
use memchr::memchr;
use memchr::memmem::Finder;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use super::statements::{CLIENT_SIZE, NEWEST_SAMPLE};
use crate::domain::client::ClientId;
use crate::store::statement::Statement;

/// The most contacts of a small client, whose whole walk takes about a millisecond.
pub const SMALL_CLIENT: i64 = 4_000;

/// The newest contacts in a sample.
pub(super) const SAMPLE_ROWS: usize = 500;

/// How long a size stays cached before the client is counted again.
const COUNTED_FOR: Duration = Duration::from_secs(60);

/// How long a sample stays cached before it is read again. An import of many contacts with a common text makes the
/// sample wrong for this time, in which a search for the text reads all of them.
const SAMPLED_FOR: Duration = Duration::from_secs(10);

/// The most samples in the cache. A sample takes about 20 kB.
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

/// The emails in lower case and the phones of a client's newest contacts. Each ends with a line break.
#[derive(Debug, Default)]
pub(super) struct NewestSample {
    pub(super) emails: String,
    pub(super) phones: String,
}

#[derive(QueryableByName)]
struct ClientSizeRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct SampleRow {
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_lower: Option<String>,
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

impl NewestSample {
    fn of(rows: &[SampleRow]) -> Self {
        let mut sample = Self::default();
        for SampleRow { phone, email_lower } in rows {
            for (texts, text) in [(&mut sample.phones, phone), (&mut sample.emails, email_lower)] {
                if let Some(text) = text {
                    texts.push_str(text);
                    texts.push('\n');
                }
            }
        }
        sample
    }
}

/// The number of lines that contain the piece.
pub(super) fn count_lines(lines: &str, piece: &str) -> usize {
    let finder = Finder::new(piece);
    let mut rest = lines.as_bytes();
    let mut count = 0;
    while let Some(at) = finder.find(rest) {
        count += 1;
        let after = &rest[at + piece.len()..];
        rest = memchr(b'\n', after).map_or(&[], |end| &after[end + 1..]);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once() {
        let lines = "ana@example.com\nbob@example.com\nanana@b.com\n";
        for (piece, count) in [
            ("ana", 2),
            ("@", 3),
            ("bob@example.com", 1),
            ("com\nbob", 1),
            ("x.com", 0),
            ("m", 3),
        ] {
            assert_eq!(count_lines(lines, piece), count, "{piece}");
        }
        assert_eq!(count_lines("", "a"), 0);
    }
}
