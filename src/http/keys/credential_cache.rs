//! Keys that were read lately, so that a request costs no statement for its key. How long what was read holds is the
//! [`Sight`]'s to say, and the key's own end.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::database::monitor::Sight;
use crate::store::keys::{Credential, KeyReading, Version};

/// The SHA-256 of a key; its text is not kept.
type KeyHash = [u8; 32];

/// How many keys of either kind are kept at most; one takes some 300 bytes.
const CAPACITY: usize = 10_000;

/// What is known of keys. Those that nobody has are apart, so that a flood of them drives no good one out.
pub struct Credentials {
    good: Mutex<Recent<Arc<Credential>>>,
    unknown: Mutex<Recent<()>>,
}

/// What a key is.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Somebody's; it may have ended.
    Known(Arc<Credential>),
    /// Nobody's.
    Unknown,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            good: Mutex::new(Recent::new(CAPACITY)),
            unknown: Mutex::new(Recent::new(CAPACITY)),
        }
    }
}

impl Credentials {
    /// What the key with this hash is at `now`, as far as that is known.
    pub fn find(&self, hash: &KeyHash, sight: &Sight, now: Instant) -> Option<Verdict> {
        let good = lock(&self.good).find(hash, sight, now).map(Verdict::Known);
        good.or_else(|| lock(&self.unknown).find(hash, sight, now).map(|()| Verdict::Unknown))
    }

    /// Whether the key with this hash was somebody's when it was last read, be that too long ago to believe it.
    pub fn remembers(&self, hash: &KeyHash) -> bool {
        lock(&self.good).remembers(hash)
    }

    /// Keeps what a statement that began at `read_at` or later read of a key, and says what the key is. One that has
    /// ended is not kept.
    pub fn keep(&self, hash: KeyHash, reading: KeyReading, read_at: Instant) -> Verdict {
        let KeyReading { version, credential } = reading;
        let Some(credential) = credential.map(Arc::new) else {
            lock(&self.unknown).keep(hash, Entry::new(version, read_at, None, ()));
            return Verdict::Unknown;
        };
        if !credential.ended {
            let entry = Entry::new(version, read_at, credential.lasts, credential.clone());
            lock(&self.good).keep(hash, entry);
        }
        Verdict::Known(credential)
    }
}

/// Nothing panics while it holds the lock.
fn lock<V>(recent: &Mutex<Recent<V>>) -> MutexGuard<'_, Recent<V>> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Entry<V> {
    version: Version,
    read_at: Instant,
    ends_at: Option<Instant>,
    value: V,
}

impl<V> Entry<V> {
    fn new(version: Version, read_at: Instant, lasts: Option<Duration>, value: V) -> Self {
        Self {
            version,
            read_at,
            // What ends later than the clock reaches doesn't.
            ends_at: lasts.and_then(|lasts| read_at.checked_add(lasts)),
            value,
        }
    }

    fn holds(&self, sight: &Sight, now: Instant) -> bool {
        self.ends_at.is_none_or(|end| now < end) && sight.vouches_for(self.version, self.read_at, now)
    }
}

/// The entries that were used last. When the young ones are half of what is kept they become the old ones, and the old
/// ones that nobody used meanwhile go.
struct Recent<V> {
    half: usize,
    young: HashMap<KeyHash, Entry<V>>,
    old: HashMap<KeyHash, Entry<V>>,
}

impl<V: Clone> Recent<V> {
    fn new(capacity: usize) -> Self {
        Self {
            half: capacity / 2,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    fn find(&mut self, hash: &KeyHash, sight: &Sight, now: Instant) -> Option<V> {
        if let Some(entry) = self.old.remove(hash) {
            self.keep(*hash, entry);
        }
        let entry = self.young.get(hash).filter(|entry| entry.holds(sight, now));
        entry.map(|entry| entry.value.clone())
    }

    fn remembers(&self, hash: &KeyHash) -> bool {
        self.young.contains_key(hash) || self.old.contains_key(hash)
    }

    fn keep(&mut self, hash: KeyHash, entry: Entry<V>) {
        self.old.remove(&hash);
        if self.young.len() >= self.half && !self.young.contains_key(&hash) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(hash, entry);
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
    use crate::http::database::monitor::Seen;
    use crate::store::migrations::SchemaState;

    fn hash(number: usize) -> KeyHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn sight(version: Version, at: Instant) -> Sight {
        let schema = SchemaState::Current;
        let seen = Seen {
            at,
            schema,
            version: Some(version),
        };
        Sight {
            seen: Some(seen),
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
    fn a_key_is_known_as_it_was_read_until_another_version_is_seen() {
        let (credentials, version, now) = (Credentials::default(), Version::another(), Instant::now());
        assert!(credentials.find(&hash(1), &sight(version, now), now).is_none());
        let good = credential(false, None);
        let client = good.client;
        credentials.keep(hash(1), reading(version, Some(good)), now);
        credentials.keep(hash(2), reading(version, None), now);
        let find = |number, version| credentials.find(&hash(number), &sight(version, now), now);
        assert!(matches!(find(1, version), Some(Verdict::Known(found)) if found.client == client));
        assert!(matches!(find(2, version), Some(Verdict::Unknown)));
        assert!(find(3, version).is_none());
        let next = Version::another();
        assert!(find(1, next).is_none() && find(2, next).is_none());
        assert!(credentials.remembers(&hash(1)), "it was somebody's");
        assert!(!credentials.remembers(&hash(2)) && !credentials.remembers(&hash(3)));

        // Read again, it may be another one than before.
        credentials.keep(hash(1), reading(next, None), now);
        credentials.keep(hash(2), reading(next, Some(credential(false, None))), now);
        assert!(matches!(find(1, next), Some(Verdict::Unknown)));
        assert!(matches!(find(2, next), Some(Verdict::Known(_))));
    }

    #[test]
    fn a_key_that_was_read_before_its_change_was_seen_is_not_known_after_it() {
        let (credentials, now) = (Credentials::default(), Instant::now());
        let [before, after] = [Version::another(), Version::another()];
        // The statement that read it saw the change; the watch did not yet.
        credentials.keep(hash(1), reading(after, Some(credential(false, None))), now);
        let find = |version| credentials.find(&hash(1), &sight(version, now), now);
        assert!(find(before).is_none() && find(after).is_some());
    }

    #[test]
    fn a_key_ends_when_its_time_has_passed_since_it_was_read() {
        let (credentials, version, start) = (Credentials::default(), Version::another(), Instant::now());
        for (number, ended, lasts) in [(1, false, 10), (2, true, 0), (3, true, 10), (4, false, u64::MAX)] {
            let credential = credential(ended, Some(Duration::from_secs(lasts)));
            let verdict = credentials.keep(hash(number), reading(version, Some(credential)), start);
            assert!(matches!(verdict, Verdict::Known(credential) if credential.ended == ended));
        }
        let is_known = |number, after| {
            let now = start + Duration::from_millis(after);
            credentials.find(&hash(number), &sight(version, now), now).is_some()
        };
        assert!(is_known(1, 0) && is_known(1, 9_999) && !is_known(1, 10_000));
        assert!(!is_known(2, 0) && !is_known(3, 0), "ended when it was read");
        assert!(is_known(4, 10_000), "longer than a clock can count");
    }

    #[test]
    fn a_flood_of_unknown_keys_drives_no_good_one_out_and_fills_no_memory() {
        let (credentials, version, now) = (Credentials::default(), Version::another(), Instant::now());
        credentials.keep(hash(0), reading(version, Some(credential(false, None))), now);
        for number in 1..=3 * CAPACITY {
            credentials.keep(hash(number), reading(version, None), now);
        }
        let find = |number| credentials.find(&hash(number), &sight(version, now), now);
        assert!(matches!(find(0), Some(Verdict::Known(_))));
        assert!(find(3 * CAPACITY).is_some() && find(1).is_none());
        let unknown = lock(&credentials.unknown);
        assert!(unknown.young.len() + unknown.old.len() <= CAPACITY);
    }

    #[test]
    fn of_too_many_keys_those_stay_that_are_used() {
        let (version, now) = (Version::another(), Instant::now());
        let mut recent = Recent::new(100);
        for number in 0..1_000 {
            recent.keep(hash(number), Entry::new(version, now, None, number));
            assert_eq!(recent.find(&hash(0), &sight(version, now), now), Some(0));
            assert!(recent.young.len() + recent.old.len() <= 100);
        }
        assert_eq!(recent.find(&hash(999), &sight(version, now), now), Some(999));
        assert_eq!(recent.find(&hash(1), &sight(version, now), now), None);
    }
}
