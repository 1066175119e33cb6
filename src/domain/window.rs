//! The WhatsApp session window: for 24 hours after a contact's last message, the client may send it free text.

use chrono::{DateTime, TimeDelta, Utc};

/// How long the window stays open after an inbound message on [`PLATFORM`] (Meta's customer service window).
pub const LENGTH: TimeDelta = TimeDelta::hours(24);

/// The only platform with a window. `web-whatsapp` has none.
pub const PLATFORM: &str = "whatsapp";

/// The platforms whose persons have WhatsApp ids, which WhatsApp always writes internationally and without `+`.
pub const WHATSAPP_PLATFORMS: [&str; 2] = [PLATFORM, "web-whatsapp"];

/// Whether the persons of the platform have WhatsApp ids. Blanks and the case of letters do not matter.
pub fn is_whatsapp(platform: &str) -> bool {
    let platform = platform.trim();
    WHATSAPP_PLATFORMS
        .iter()
        .any(|whatsapp| whatsapp.eq_ignore_ascii_case(platform))
}

/// The time at which the window after `last_inbound` closes, or `None` if it is closed at `now`.
///
/// The window is closed exactly 24 hours after the message. Both times must come from the database's clock.
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
    fn whatsapps_platforms_are_known_in_any_case() {
        for platform in ["whatsapp", "web-whatsapp", " WhatsApp ", "WEB-WHATSAPP"] {
            assert!(is_whatsapp(platform), "{platform}");
        }
        for platform in ["", "whats app", "whatsapp2", "sms"] {
            assert!(!is_whatsapp(platform), "{platform}");
        }
    }

    #[test]
    fn is_closed_for_a_contact_without_inbound_messages() {
        assert_eq!(expires_at(None, at("2025-03-29T14:22:00Z")), None);
    }
}
