//! How many requests each key may make, and what callers are told of it.
//!
//! The generic cell rate algorithm, which is a token bucket that keeps one time a key. The crate `governor` has it too,
//! but one quota for all keys of a limiter, where here each key may have its own, and another one at any time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::domain::rate_limit::RateLimit;

/// The time in which a quota that is used up becomes whole again.
const WINDOW: Duration = Duration::from_secs(60);

/// With fewer keys than this there is nothing to be gained by forgetting some.
const FEW: usize = 1_000;

pub const LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What the keys have used of their quotas on this server.
pub struct RateLimits {
    of_server: Option<NonZeroU32>,
    spent: Mutex<Spent>,
}

/// What a key has left after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Requests a minute.
    pub limit: NonZeroU32,
    /// Requests that the key may make at once.
    pub remaining: u32,
    /// Until it may make one more than that.
    pub next_in: Duration,
    /// Whether the quota had room for this request.
    pub is_kept: bool,
}

impl RateLimits {
    /// `of_server` is the limit, in requests a minute, of keys without one of their own.
    pub fn new(of_server: Option<NonZeroU32>) -> Self {
        Self {
            of_server,
            spent: Mutex::default(),
        }
    }

    /// Takes a request that is made at `now` off the key's quota, where it has room; `None` for a key without limit.
    pub fn spend(&self, key: Uuid, limit: RateLimit, now: Instant) -> Option<Quota> {
        let limit = match limit {
            RateLimit::OfServer => self.of_server?,
            RateLimit::Unlimited => return None,
            RateLimit::PerMinute(limit) => limit,
        };
        // Nothing panics while it holds the lock.
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        Some(spent.spend(key, limit, now))
    }
}

/// When each key's quota is whole again. A time that has passed is forgotten sooner or later, so that there are never
/// many more than keys that were used within a minute.
#[derive(Default)]
struct Spent {
    whole_at: HashMap<Uuid, Instant>,
    /// How many there are when those of the past are looked for.
    full: usize,
}

impl Spent {
    /// What is spent is counted in time, of which a request takes the limit's part of a minute: under another limit the
    /// key has spent the same part of it.
    fn spend(&mut self, key: Uuid, limit: NonZeroU32, now: Instant) -> Quota {
        let price = WINDOW / limit.get();
        let whole_at = self.whole_at.get(&key).copied().unwrap_or(now).max(now);
        let with_this = whole_at + price;
        let is_kept = with_this - now <= WINDOW;
        let whole_at = if is_kept { with_this } else { whole_at };
        if is_kept {
            self.keep(key, whole_at, now);
        }
        let left = WINDOW.saturating_sub(whole_at - now);
        // Less than the limit, which is a 32-bit number.
        let remaining = (left.as_nanos() / price.as_nanos()) as u32;
        Quota {
            limit,
            remaining,
            next_in: price * (remaining + 1) - left,
            is_kept,
        }
    }

    fn keep(&mut self, key: Uuid, whole_at: Instant, now: Instant) {
        if self.whole_at.len() >= self.full {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            self.full = FEW.max(2 * self.whole_at.len());
        }
        self.whole_at.insert(key, whole_at);
    }
}

impl Quota {
    /// The seconds, in whole, after which the key may make one more request than now.
    pub fn seconds(&self) -> u64 {
        self.next_in.as_nanos().div_ceil(Duration::from_secs(1).as_nanos()) as u64
    }

    /// Tells the caller, as draft-ietf-httpapi-ratelimit-headers has it: a quota `q` of a window of `w` seconds; `r`
    /// requests that are left, and `t` seconds after which there are more. With none left, `Retry-After` is the same.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w={}", self.limit, WINDOW.as_secs());
        let state = format!("\"default\";r={};t={}", self.remaining, self.seconds());
        for (name, value) in [(LIMIT_POLICY, policy), (LIMIT, state)] {
            headers.insert(name, HeaderValue::try_from(value).expect("digits and visible letters"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rate_limit::RATE_LIMIT_MAX;

    fn per_minute(limit: u32) -> RateLimit {
        RateLimit::PerMinute(NonZeroU32::new(limit).unwrap())
    }

    #[test]
    fn a_key_makes_its_requests_at_once_and_then_one_after_the_other() {
        let (limits, key, start) = (RateLimits::new(None), Uuid::now_v7(), Instant::now());
        let spend = |seconds: f64| {
            let now = start + Duration::from_secs_f64(seconds);
            let quota = limits.spend(key, per_minute(4), now).expect("it is limited");
            (quota.is_kept, quota.remaining, quota.seconds())
        };
        assert_eq!(spend(0.0), (true, 3, 15));
        assert_eq!(spend(0.0), (true, 2, 15));
        assert_eq!(spend(5.0), (true, 1, 10));
        assert_eq!(spend(5.0), (true, 0, 10));
        // What is refused isn't counted, however often it is tried.
        assert_eq!(spend(5.0), (false, 0, 10));
        assert_eq!(spend(14.5), (false, 0, 1));
        assert_eq!(spend(15.0), (true, 0, 15));
        assert_eq!(spend(15.0), (false, 0, 15));
        assert_eq!(spend(46.0), (true, 1, 14));
        assert_eq!(spend(1_000.0), (true, 3, 15), "no more is saved than the quota");
    }

    #[test]
    fn each_limit_lets_exactly_so_many_through_at_once_and_in_a_minute() {
        for limit in [1, 2, 3, 7, 59, 61, 997, 99_991, RATE_LIMIT_MAX] {
            let (limits, key, start) = (RateLimits::new(None), Uuid::now_v7(), Instant::now());
            let kept = |now, tries: u32| {
                let is_kept = |_: &u32| limits.spend(key, per_minute(limit), now).expect("limited").is_kept;
                (0..tries).filter(is_kept).count() as u32
            };
            let first = limits.spend(key, per_minute(limit), start).expect("limited");
            assert_eq!((first.is_kept, first.remaining), (true, limit - 1), "{limit}");
            assert_eq!(kept(start, limit + 1), limit - 1, "{limit}");
            assert_eq!(kept(start + WINDOW, limit + 1), limit, "{limit}");
        }
    }

    #[test]
    fn keys_are_limited_each_for_itself_and_as_the_server_says_unless_they_say_otherwise() {
        let (limits, now) = (RateLimits::new(NonZeroU32::new(2)), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let is_kept = |key, limit| limits.spend(key, limit, now).map(|quota| quota.is_kept);
        for expected in [true, true, false] {
            assert_eq!(is_kept(one, RateLimit::OfServer), Some(expected));
        }
        assert_eq!(is_kept(other, RateLimit::OfServer), Some(true));
        assert_eq!(is_kept(one, RateLimit::Unlimited), None);
        // The key has nothing left of its minute, whatever the limit.
        assert_eq!(is_kept(one, per_minute(100)), Some(false));
        assert_eq!(RateLimits::new(None).spend(one, RateLimit::OfServer, now), None);
    }

    #[test]
    fn what_is_whole_again_takes_no_memory() {
        let (mut spent, limit) = (Spent::default(), NonZeroU32::new(60).unwrap());
        let start = Instant::now();
        for seconds in 0..10_000 {
            let quota = spent.spend(Uuid::now_v7(), limit, start + Duration::from_secs(seconds));
            assert!(quota.is_kept && spent.whole_at.len() <= FEW);
        }
        // Those of the same moment are all there.
        for _ in 0..5 * FEW {
            spent.spend(Uuid::now_v7(), limit, start);
        }
        assert!(spent.whole_at.len() >= 5 * FEW);
    }

    #[test]
    fn callers_are_told_in_structured_fields() {
        let mut headers = HeaderMap::new();
        let quota = Quota {
            limit: NonZeroU32::new(100).unwrap(),
            remaining: 50,
            next_in: Duration::from_millis(1_001),
            is_kept: true,
        };
        quota.tell(&mut headers);
        assert_eq!(headers.get(LIMIT_POLICY).unwrap(), "\"default\";q=100;w=60");
        assert_eq!(headers.get(LIMIT).unwrap(), "\"default\";r=50;t=2");
    }
}
