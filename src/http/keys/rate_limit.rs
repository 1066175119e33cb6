//! Rate limits of keys, and the headers that report them.
//!
//! The algorithm is the generic cell rate algorithm (GCRA): a token bucket that stores one time per key. We implement
//! it by hand, since a limiter of the crate `governor` has one quota for all its keys. Here each key has a limit of its
//! own, and the operator can change the limit at any time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::rate_limit::RateLimit;

/// The time in which an exhausted quota is full again.
const WINDOW: Duration = Duration::from_secs(60);

/// Below this number of keys, removing full quotas gains nothing.
const FEW: usize = 1_000;

pub const LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The usage of every key's quota on this server.
pub struct RateLimits {
    /// The limit of keys without one of their own.
    server_limit: Option<NonZeroU32>,
    usage: Mutex<QuotaUsage>,
}

/// A key's quota after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Requests a minute.
    pub limit: NonZeroU32,
    /// Requests that the key may make immediately.
    pub remaining: u32,
    /// The time until the key may make one more.
    pub next_in: Duration,
    /// Whether the quota had room for this request.
    pub is_allowed: bool,
}

impl RateLimits {
    /// `server_limit`, in requests per minute, applies to keys without a limit of their own.
    pub fn new(server_limit: Option<NonZeroU32>) -> Self {
        Self {
            server_limit,
            usage: Mutex::default(),
        }
    }

    /// Spends one request of the key's quota at `now`, if one remains. `None` for a key without a limit.
    pub fn spend(&self, key: Uuid, limit: RateLimit, now: Instant) -> Option<Quota> {
        let limit = match limit {
            RateLimit::OfServer => self.server_limit?,
            RateLimit::Unlimited => return None,
            RateLimit::PerMinute(limit) => limit,
        };
        Some(self.usage.lock().spend(key, limit, now))
    }
}

/// The time at which each key's quota will be full again. Times in the past are removed each time the map has doubled
/// since the last removal. So the map has at most [`FEW`] entries or twice the number of entries that the last removal
/// kept, whichever is more.
#[derive(Default)]
struct QuotaUsage {
    full_at: HashMap<Uuid, Instant>,
    /// The number of entries at which times in the past are removed.
    cleanup_size: usize,
}

impl QuotaUsage {
    /// Each allowed request moves the time in `full_at` by 60 s / limit. So when the limit changes, the used fraction
    /// of the quota stays the same.
    fn spend(&mut self, key: Uuid, limit: NonZeroU32, now: Instant) -> Quota {
        let cost = WINDOW / limit.get();
        let full_at = self.full_at.get(&key).copied().unwrap_or(now).max(now);
        let with_this = full_at + cost;
        let is_allowed = with_this - now <= WINDOW;
        let full_at = if is_allowed { with_this } else { full_at };
        if is_allowed {
            self.keep(key, full_at, now);
        }
        let left = WINDOW.saturating_sub(full_at - now);
        // At most the limit, which is a 32-bit number.
        let remaining = (left.as_nanos() / cost.as_nanos()) as u32;
        Quota {
            limit,
            remaining,
            next_in: cost * (remaining + 1) - left,
            is_allowed,
        }
    }

    fn keep(&mut self, key: Uuid, full_at: Instant, now: Instant) {
        if self.full_at.len() >= self.cleanup_size {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.cleanup_size = FEW.max(2 * self.full_at.len());
        }
        self.full_at.insert(key, full_at);
    }
}

impl Quota {
    /// Whole seconds until the key may make one more request.
    pub fn seconds(&self) -> u64 {
        self.next_in.as_nanos().div_ceil(Duration::from_secs(1).as_nanos()) as u64
    }

    /// Writes the headers of draft-ietf-httpapi-ratelimit-headers: a quota of `q` requests in a window of `w` seconds,
    /// `r` remaining requests, and `t` seconds until the next one. A 429 has `t` in `Retry-After` too.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
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
    fn a_key_may_use_its_quota_in_a_burst_and_then_at_the_steady_rate() {
        let (limits, key, start) = (RateLimits::new(None), Uuid::now_v7(), Instant::now());
        let spend = |seconds: f64| {
            let now = start + Duration::from_secs_f64(seconds);
            let quota = limits.spend(key, per_minute(4), now).expect("the key has a limit");
            (quota.is_allowed, quota.remaining, quota.seconds())
        };
        assert_eq!(spend(0.0), (true, 3, 15));
        assert_eq!(spend(0.0), (true, 2, 15));
        assert_eq!(spend(5.0), (true, 1, 10));
        assert_eq!(spend(5.0), (true, 0, 10));
        // A refused request does not count.
        assert_eq!(spend(5.0), (false, 0, 10));
        assert_eq!(spend(14.5), (false, 0, 1));
        assert_eq!(spend(15.0), (true, 0, 15));
        assert_eq!(spend(15.0), (false, 0, 15));
        assert_eq!(spend(46.0), (true, 1, 14));
        assert_eq!(spend(1_000.0), (true, 3, 15), "unused quota does not add up");
    }

    #[test]
    fn each_limit_allows_exactly_that_many_requests_in_a_burst_and_per_minute() {
        for limit in [1, 2, 3, 7, 59, 61, 997, 99_991, RATE_LIMIT_MAX] {
            let (limits, key, start) = (RateLimits::new(None), Uuid::now_v7(), Instant::now());
            let allowed = |now, tries: u32| {
                let is_allowed = |_: &u32| {
                    limits
                        .spend(key, per_minute(limit), now)
                        .expect("the key has a limit")
                        .is_allowed
                };
                (0..tries).filter(is_allowed).count() as u32
            };
            let first = limits
                .spend(key, per_minute(limit), start)
                .expect("the key has a limit");
            assert_eq!((first.is_allowed, first.remaining), (true, limit - 1), "{limit}");
            assert_eq!(allowed(start, limit + 1), limit - 1, "{limit}");
            assert_eq!(allowed(start + WINDOW, limit + 1), limit, "{limit}");
        }
    }

    #[test]
    fn each_key_has_its_own_quota_under_its_own_limit_or_the_limit_of_the_server() {
        let (limits, now) = (RateLimits::new(NonZeroU32::new(2)), Instant::now());
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        let is_allowed = |key, limit| limits.spend(key, limit, now).map(|quota| quota.is_allowed);
        for expected in [true, true, false] {
            assert_eq!(is_allowed(one, RateLimit::OfServer), Some(expected));
        }
        assert_eq!(is_allowed(other, RateLimit::OfServer), Some(true));
        assert_eq!(is_allowed(one, RateLimit::Unlimited), None);
        // Under another limit the key's quota is just as exhausted.
        assert_eq!(is_allowed(one, per_minute(100)), Some(false));
        assert_eq!(RateLimits::new(None).spend(one, RateLimit::OfServer, now), None);
    }

    #[test]
    fn a_quota_that_is_full_again_takes_no_memory() {
        let (mut usage, limit) = (QuotaUsage::default(), NonZeroU32::new(60).unwrap());
        let start = Instant::now();
        for seconds in 0..10_000 {
            let quota = usage.spend(Uuid::now_v7(), limit, start + Duration::from_secs(seconds));
            assert!(quota.is_allowed && usage.full_at.len() <= FEW);
        }
        // Quotas that are not full yet stay.
        for _ in 0..5 * FEW {
            usage.spend(Uuid::now_v7(), limit, start);
        }
        assert!(usage.full_at.len() >= 5 * FEW);
    }

    #[test]
    fn the_headers_are_structured_fields() {
        let mut headers = HeaderMap::new();
        let quota = Quota {
            limit: NonZeroU32::new(100).unwrap(),
            remaining: 50,
            next_in: Duration::from_millis(1_001),
            is_allowed: true,
        };
        quota.write_headers(&mut headers);
        assert_eq!(headers.get(LIMIT_POLICY).unwrap(), "\"default\";q=100;w=60");
        assert_eq!(headers.get(LIMIT).unwrap(), "\"default\";r=50;t=2");
    }
}
