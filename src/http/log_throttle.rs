//! Log throttling. In an outage or under overload every request meets the same error, thousands of times a second. One
//! line a second reports it, with the number of suppressed errors.

use std::mem;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::error::ApiError;

/// Minimum interval between two log lines of one kind.
const INTERVAL: Duration = Duration::from_secs(1);

/// One counter for each kind of error that an outage or an overload causes in every request.
#[derive(Debug, Default)]
pub struct LogThrottle {
    busy: Mutex<Kind>,
    no_database: Mutex<Kind>,
    read_only: Mutex<Kind>,
    too_late: Mutex<Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    last_logged: Option<Instant>,
    suppressed: u64,
}

impl LogThrottle {
    /// Whether to log `error` at `now`: `None` to suppress it, else the number of suppressed errors of its kind since the
    /// last line. Other kinds of errors are always logged.
    pub fn check(&self, error: &ApiError, now: Instant) -> Option<u64> {
        let kind = match error {
            ApiError::Busy => &self.busy,
            ApiError::NoDatabase(_) | ApiError::SchemaUnfit(_) => &self.no_database,
            ApiError::ReadOnly(_) => &self.read_only,
            ApiError::TooLate | ApiError::CheckTooLate => &self.too_late,
            _ => return Some(0),
        };
        let mut kind = kind.lock();
        if kind
            .last_logged
            .is_some_and(|at| now.saturating_duration_since(at) < INTERVAL)
        {
            kind.suppressed += 1;
            return None;
        }
        kind.last_logged = Some(now);
        Some(mem::take(&mut kind.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_is_logged_once_a_second_with_the_number_suppressed() {
        let (throttle, start) = (LogThrottle::default(), Instant::now());
        let check = |error: &ApiError, milliseconds| throttle.check(error, start + Duration::from_millis(milliseconds));
        assert_eq!(check(&ApiError::Busy, 0), Some(0));
        assert_eq!(check(&ApiError::Busy, 1), None);
        assert_eq!(check(&ApiError::TooLate, 2), Some(0), "another kind");
        assert_eq!(check(&ApiError::Busy, 999), None);
        assert_eq!(check(&ApiError::Busy, 1000), Some(2));
        assert_eq!(check(&ApiError::Busy, 2001), Some(0));
    }

    #[test]
    fn an_internal_error_is_always_logged() {
        let (throttle, now) = (LogThrottle::default(), Instant::now());
        for _ in 0..2 {
            assert_eq!(throttle.check(&ApiError::Internal("a".into()), now), Some(0));
        }
    }
}
