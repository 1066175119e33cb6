//! Credential cache: keys that were read lately, so that checking a request's key seldom needs a statement.
//!
//! The [`DatabaseStatus`] decides how long a reading stays valid, and the key's own expiry ends it earlier.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;

use crate::http::database::monitor::DatabaseStatus;
use crate::store::keys::{Credential, KeyReading, Version};

/// The SHA-256 of a key. The cache does not hold the key itself.
type KeyHash = [u8; 32];

/// The most keys in each of the two caches. A key takes about 300 bytes.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Keys that were read lately. Unknown keys have a cache of their own, so that a flood of them evicts no good key.
pub struct CredentialCache {
    good: Mutex<LruCache<KeyHash, Entry<Arc<Credential>>>>,
    unknown: Mutex<LruCache<KeyHash, Entry<()>>>,
}

/// The result of looking a key up.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The key exists. It may have expired or been revoked.
    Known(Arc<Credential>),
    /// No such key exists.
    Unknown,
}

impl Default for CredentialCache {
    fn default() -> Self {
        Self {
            good: Mutex::new(LruCache::new(CAPACITY)),
            unknown: Mutex::new(LruCache::new(CAPACITY)),
        }
    }
}

impl CredentialCache {
    /// The verdict on the key with this hash; `None` if it is not cached or no longer valid at `now`.
    pub fn find(&self, hash: &KeyHash, status: &DatabaseStatus, now: Instant) -> Option<Verdict> {
        if let Some(entry) = self.good.lock().get(hash)
            && entry.is_valid(status, now)
        {
            return Some(Verdict::Known(entry.value.clone()));
        }
        let mut unknown = self.unknown.lock();
        let entry = unknown.get(hash).filter(|entry| entry.is_valid(status, now));
        entry.map(|_| Verdict::Unknown)
    }

    /// Whether the cache holds a reading that found the key, even if that reading is no longer
    /// valid.
    pub fn is_known(&self, hash: &KeyHash) -> bool {
        self.good.lock().contains(hash)
    }

    /// Caches a reading and returns the verdict. The statement that read it began at `read_at` or later. A key that has
    /// expired or been revoked is not cached.
    pub fn keep(&self, hash: KeyHash, reading: KeyReading, read_at: Instant) -> Verdict {
        let KeyReading { version, credential } = reading;
        let Some(credential) = credential.map(Arc::new) else {
            self.unknown.lock().put(hash, Entry::new(version, read_at, None, ()));
            return Verdict::Unknown;
        };
        if !credential.ended {
            let entry = Entry::new(version, read_at, credential.lasts, credential.clone());
            self.good.lock().put(hash, entry);
        }
        Verdict::Known(credential)
    }
}

struct Entry<V> {
    version: Version,
    read_at: Instant,
    expires_at: Option<Instant>,
    value: V,
}

impl<V> Entry<V> {
    fn new(version: Version, read_at: Instant, lasts: Option<Duration>, value: V) -> Self {
        Self {
            version,
            read_at,
            // An expiry beyond what `Instant` can represent counts as none.
            expires_at: lasts.and_then(|lasts| read_at.checked_add(lasts)),
            value,
        }
    }

    fn is_valid(&self, status: &DatabaseStatus, now: Instant) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry) && status.still_valid(self.version, self.read_at, now)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::client::ClientId;
    use crate::domain::key::Scope;
    use crate::domain::phone::Region;
    use crate::domain::rate_limit::RateLimit;
    use crate::http::database::monitor::Probe;
    use crate::store::migrations::SchemaState;
    use crate::store::server_version::ServerVersion;

    fn hash(number: usize) -> KeyHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn status(version: Version, at: Instant) -> DatabaseStatus {
        let probe = Probe {
            at,
            schema: SchemaState::Current,
            postgresql: ServerVersion::from_number(150_000),
            version: Some(version),
        };
        DatabaseStatus {
            probe: Some(probe),
            is_away: false,
        }
    }

    fn credential(ended: bool, lasts: Option<Duration>) -> Credential {
        Credential {
            key_id: Uuid::now_v7(),
            client: ClientId::new(Uuid::now_v7()),
            region: Region::DEFAULT,
            label: "crm".to_owned(),
            scopes: Scope::ALL.to_vec(),
            rate_limit: RateLimit::OfServer,
            ended,
            lasts,
        }
    }

    fn reading(version: Version, credential: Option<Credential>) -> KeyReading {
        KeyReading { version, credential }
    }

    #[test]
    fn a_cached_key_is_used_until_the_version_changes() {
        let (cache, version, now) = (CredentialCache::default(), Version::another(), Instant::now());
        assert!(cache.find(&hash(1), &status(version, now), now).is_none());
        let good = credential(false, None);
        let client = good.client;
        cache.keep(hash(1), reading(version, Some(good)), now);
        cache.keep(hash(2), reading(version, None), now);
        let find = |number, version| cache.find(&hash(number), &status(version, now), now);
        assert!(matches!(find(1, version), Some(Verdict::Known(found)) if found.client == client));
        assert!(matches!(find(2, version), Some(Verdict::Unknown)));
        assert!(find(3, version).is_none());
        let next = Version::another();
        assert!(find(1, next).is_none() && find(2, next).is_none());
        assert!(cache.is_known(&hash(1)), "its last reading was good");
        assert!(!cache.is_known(&hash(2)) && !cache.is_known(&hash(3)));

        // A second reading may find the opposite.
        cache.keep(hash(1), reading(next, None), now);
        cache.keep(hash(2), reading(next, Some(credential(false, None))), now);
        assert!(matches!(find(1, next), Some(Verdict::Unknown)));
        assert!(matches!(find(2, next), Some(Verdict::Known(_))));
    }

    #[test]
    fn a_reading_with_a_newer_version_is_not_used_before_the_next_probe() {
        let (cache, now) = (CredentialCache::default(), Instant::now());
        let [before, after] = [Version::another(), Version::another()];
        // The statement that read the key saw the change. The monitor has not yet.
        cache.keep(hash(1), reading(after, Some(credential(false, None))), now);
        let find = |version| cache.find(&hash(1), &status(version, now), now);
        assert!(find(before).is_none() && find(after).is_some());
    }

    #[test]
    fn a_cached_key_expires_at_its_own_time() {
        let (cache, version, start) = (CredentialCache::default(), Version::another(), Instant::now());
        for (number, ended, lasts) in [(1, false, 10), (2, true, 0), (3, true, 10), (4, false, u64::MAX)] {
            let credential = credential(ended, Some(Duration::from_secs(lasts)));
            let verdict = cache.keep(hash(number), reading(version, Some(credential)), start);
            assert!(matches!(verdict, Verdict::Known(credential) if credential.ended == ended));
        }
        let is_cached = |number, after| {
            let now = start + Duration::from_millis(after);
            cache.find(&hash(number), &status(version, now), now).is_some()
        };
        assert!(is_cached(1, 0) && is_cached(1, 9_999) && !is_cached(1, 10_000));
        assert!(
            !is_cached(2, 0) && !is_cached(3, 0),
            "expired or revoked when it was read"
        );
        assert!(is_cached(4, 10_000), "later than an Instant can represent");
    }

    #[test]
    fn a_flood_of_unknown_keys_evicts_no_good_key_and_stays_within_the_capacity() {
        let (cache, version, now) = (CredentialCache::default(), Version::another(), Instant::now());
        cache.keep(hash(0), reading(version, Some(credential(false, None))), now);
        for number in 1..=3 * CAPACITY.get() {
            cache.keep(hash(number), reading(version, None), now);
        }
        let find = |number| cache.find(&hash(number), &status(version, now), now);
        assert!(matches!(find(0), Some(Verdict::Known(_))));
        assert!(find(3 * CAPACITY.get()).is_some() && find(1).is_none());
        assert_eq!(cache.unknown.lock().len(), CAPACITY.get());
    }
}
