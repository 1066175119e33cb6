//! Which troubles the log hears of. In an outage, or under more load than can be carried, each request meets the same
//! one, thousands of times a second: a line a second tells it, and how many it stands for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::ApiError;

/// How long the log hears nothing more of a trouble that it was told of.
const QUIET: Duration = Duration::from_secs(1);

/// When the log was last told of each kind of trouble that many requests meet alike.
#[derive(Debug, Default)]
pub struct Complaints {
    busy: Mutex<Complaint>,
    no_database: Mutex<Complaint>,
    too_late: Mutex<Complaint>,
}

#[derive(Debug, Default)]
struct Complaint {
    told_at: Option<Instant>,
    untold: u64,
}

impl Complaints {
    /// Whether the log hears of `error` at `now`: `None` where it was told of the like just before, else how many were
    /// left out since then.
    pub fn admit(&self, error: &ApiError, now: Instant) -> Option<u64> {
        let complaint = match error {
            ApiError::Busy => &self.busy,
            ApiError::NoDatabase(_) => &self.no_database,
            ApiError::TooLate => &self.too_late,
            _ => return Some(0),
        };
        let mut complaint = complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if complaint
            .told_at
            .is_some_and(|at| now.saturating_duration_since(at) < QUIET)
        {
            complaint.untold += 1;
            return None;
        }
        complaint.told_at = Some(now);
        Some(std::mem::take(&mut complaint.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_tells_of_each_trouble_and_how_many_it_stands_for() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        let admit =
            |error: &ApiError, milliseconds| complaints.admit(error, start + Duration::from_millis(milliseconds));
        assert_eq!(admit(&ApiError::Busy, 0), Some(0));
        assert_eq!(admit(&ApiError::Busy, 1), None);
        assert_eq!(admit(&ApiError::TooLate, 2), Some(0), "another trouble");
        assert_eq!(admit(&ApiError::Busy, 999), None);
        assert_eq!(admit(&ApiError::Busy, 1000), Some(2));
        assert_eq!(admit(&ApiError::Busy, 2001), Some(0));
    }

    #[test]
    fn what_is_a_fault_of_ours_is_always_told() {
        let (complaints, now) = (Complaints::default(), Instant::now());
        for _ in 0..2 {
            assert_eq!(complaints.admit(&ApiError::Internal("a".into()), now), Some(0));
        }
    }
}
