//! The WhatsApp session window: free text may be sent to a contact for 24 hours after its last message.

use chrono::{DateTime, TimeDelta, Utc};

/// How long after an inbound message on [`PLATFORM`] the window stays open
/// (Meta's customer service window).
pub const LENGTH: TimeDelta = TimeDelta::hours(24);

/// The only platform that has a window; `web-whatsapp` has none.
pub const PLATFORM: &str = "whatsapp";

/// When the window that `last_inbound` opened closes, or `None` where it is closed at `now`.
///
/// Exactly 24 hours after the message the window is closed. Both times come from one clock, the
/// database's.
pub fn expires_at(last_inbound: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    last_inbound
        .and_then(|at| at.checked_add_signed(LENGTH))
        .filter(|expiry| now < *expiry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn is_open_until_the_last_moment_of_the_24th_hour() {
        let inbound = Some(at("2025-03-28T14:22:00Z"));
        let expiry = at("2025-03-29T14:22:00Z");
        assert_eq!(expires_at(inbound, at("2025-03-29T14:21:59.999999Z")), Some(expiry));
        assert_eq!(expires_at(inbound, expiry), None);
        assert_eq!(expires_at(inbound, at("2025-03-29T14:22:00.000001Z")), None);
    }

    #[test]
    fn is_closed_for_a_contact_that_never_wrote() {
        assert_eq!(expires_at(None, at("2025-03-29T14:22:00Z")), None);
    }
}
