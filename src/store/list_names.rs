//! Caches the names of contact lists, so that a lookup reads the table of contacts alone.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use lru::LruCache;
use parking_lot::Mutex;

use super::statement::Statement;
use crate::domain::client::ClientId;

/// How long a name stays cached. A name that SQL or a restore has changed shows after at most this time. Nothing in
/// this program renames a list.
const NAMED_FOR: Duration = Duration::from_secs(60);

/// The most names in the cache. A name takes about 200 bytes.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// The statement that reads names. It is public for tests.
pub const LIST_NAMES: &str = include_str!("list_names.sql");

/// Caches the names of contact lists.
#[derive(Debug)]
pub struct ListNames(Mutex<LruCache<(ClientId, i64), Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    name: Arc<str>,
    read_at: Instant,
}

#[derive(QueryableByName)]
struct ListRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    name: String,
}

impl Default for ListNames {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl ListNames {
    /// The names of those of a client's lists that exist. Reads the names that are not cached.
    pub(super) fn find(
        &self,
        connection: &mut PgConnection,
        client: ClientId,
        lists: impl Iterator<Item = i64>,
    ) -> QueryResult<HashMap<i64, Arc<str>>> {
        let mut names = HashMap::new();
        let mut missing = Vec::new();
        {
            let mut cache = self.0.lock();
            for list in lists {
                match cache.get(&(client, list)) {
                    Some(entry) if entry.read_at.elapsed() < NAMED_FOR => {
                        names.insert(list, entry.name.clone());
                    }
                    _ => missing.push(list),
                }
            }
        }
        if missing.is_empty() {
            return Ok(names);
        }
        missing.sort_unstable();
        missing.dedup();
        let read_at = Instant::now();
        let rows: Vec<ListRow> = Statement::new(|| LIST_NAMES)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<Array<BigInt>, _>(missing)
            .load(connection)?;
        let mut cache = self.0.lock();
        for ListRow { id, name } in rows {
            let name: Arc<str> = name.into();
            names.insert(id, name.clone());
            cache.put((client, id), Entry { name, read_at });
        }
        Ok(names)
    }
}
