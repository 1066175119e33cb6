//! How many requests a key may make.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// The most requests a minute that a limit can be: half of what a server takes. With fewer than 240,000 a minute's
/// nanoseconds can be shared out among requests without room for one more.
pub const RATE_LIMIT_MAX: u32 = 100_000;

/// How many requests a key may make of each server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RateLimit {
    /// As many as the server allows every key that has no limit of its own.
    #[default]
    OfServer,
    /// As many as it likes, whatever the server allows others.
    Unlimited,
    /// So many a minute, at most [`RATE_LIMIT_MAX`].
    PerMinute(NonZeroU32),
}

impl fmt::Display for RateLimit {
    /// As [`FromStr`] takes it.
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
                .ok_or_else(|| format!("a rate limit is 1 to {RATE_LIMIT_MAX} requests a minute, none or default")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_read_as_it_is_written() {
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
