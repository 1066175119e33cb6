//! Rate limits of keys.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// The highest limit, in requests per minute: half of a server's throughput. The limiter rounds the
/// cost of a request (60 s / limit) down to whole nanoseconds. With limits below 240,000 this
/// rounding never admits an extra request.
pub const RATE_LIMIT_MAX: u32 = 100_000;

/// How many requests a key may make to each server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RateLimit {
    /// The server's limit for keys without their own.
    #[default]
    OfServer,
    /// No limit, even if the server has one.
    Unlimited,
    /// Requests per minute, at most [`RATE_LIMIT_MAX`].
    PerMinute(NonZeroU32),
}

impl fmt::Display for RateLimit {
    /// The form that [`FromStr`] parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateLimit::OfServer => f.write_str("default"),
            RateLimit::Unlimited => f.write_str("none"),
            RateLimit::PerMinute(limit) => limit.fmt(f),
        }
    }
}

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(RateLimit::OfServer),
            "none" => Ok(RateLimit::Unlimited),
            _ => text
                .parse()
                .ok()
                .filter(|limit: &NonZeroU32| limit.get() <= RATE_LIMIT_MAX)
                .map(RateLimit::PerMinute)
                .ok_or_else(|| {
                    format!("a rate limit is 1 to {RATE_LIMIT_MAX} requests per minute, or none, or default")
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_rate_limit_can_be_parsed() {
        for text in ["default", "none", "1", "100000"] {
            assert_eq!(
                text.parse::<RateLimit>().map(|limit| limit.to_string()).as_deref(),
                Ok(text)
            );
        }
        for wrong in ["", "0", "-1", "100001", "1.5", "all"] {
            assert!(
                wrong.parse::<RateLimit>().unwrap_err().contains("1 to 100000"),
                "{wrong}"
            );
        }
    }
}
