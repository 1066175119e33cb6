//! Parses the text of a cell.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Parses yes and no in English, Spanish and Portuguese, or 1 and 0.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" | "sí" | "si" | "s" | "sim" | "verdadero" | "verdadeiro" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "não" | "nao" | "falso" => Some(false),
        _ => None,
    }
}

/// Parses RFC 3339, `YYYY-MM-DD HH:MM[:SS[.fff]]` and `YYYY-MM-DD`. A time without an offset is UTC.
///
/// Refuses ambiguous forms such as 1/2/2024.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    // The format of psql: 2024-12-31 23:59:59.5+00
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z") {
        return starts_with_a_year(text).then(|| time.to_utc());
    }
    [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
    .filter(|_| starts_with_a_year(text))
    .map(|time| time.and_utc())
}

/// Parses a UUID of 36 characters with dashes, and no other form.
pub fn uuid(text: &str) -> Option<Uuid> {
    text.parse().map(Hyphenated::into_uuid).ok()
}

/// Whether the text starts with four digits and a dash. chrono alone would read `24-1-2` as the year 24.
fn starts_with_a_year(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_in_every_documented_form() {
        for (text, expected) in [
            ("2024-12-31T23:59:59Z", "2024-12-31T23:59:59Z"),
            ("2024-12-31t23:59:59.123-03:00", "2025-01-01T02:59:59.123Z"),
            ("2024-12-31 23:59", "2024-12-31T23:59:00Z"),
            ("2024-12-31 23:59:58", "2024-12-31T23:59:58Z"),
            ("2024-12-31 23:59:58.5", "2024-12-31T23:59:58.5Z"),
            ("2024-12-31T23:59:58", "2024-12-31T23:59:58Z"),
            ("2024-12-31 23:59:58+00", "2024-12-31T23:59:58Z"),
            ("2024-12-31 23:59:58.25-03", "2025-01-01T02:59:58.25Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(time(text), Some(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn ambiguous_times_are_refused() {
        for text in [
            "31/12/2024",
            "12/31/2024",
            "01-02-2024",
            "24-01-02",
            "2024-13-01",
            "2023-02-29",
            "2024-1-2",
            "1735689599",
            "45657",
            "2024-12-31 25:00",
            "0000-00-00",
            "0000-00-00 00:00:00",
            "+12024-01-01",
            "yesterday",
            "2024",
            "2024-12-31 23:59:58 PST",
            "12024-12-31",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn a_uuid_is_parsed_only_with_dashes() {
        for text in [
            "0198c0de-0000-7000-8000-00000000000a",
            "0198C0DE-0000-7000-8000-00000000000A",
        ] {
            assert_eq!(
                uuid(text),
                Some(Uuid::from_u128(0x0198c0de_0000_7000_8000_00000000000a)),
                "{text}"
            );
        }
        for text in [
            "0198c0de00007000800000000000000a",
            "{0198c0de-0000-7000-8000-00000000000a}",
            "urn:uuid:0198c0de-0000-7000-8000-00000000000a",
            "0198c0de-0000-7000-8000-00000000000",
            "0198c0de-0000-7000-8000-00000000000g",
            "0198c0de-00007-000-8000-00000000000a",
            "5",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    #[test]
    fn yes_and_no_are_parsed_in_three_languages() {
        for text in ["true", "TRUE", "1", "yes", "Sí", "si", "sim", "t", "VERDADERO"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["false", "False", "0", "no", "No", "não", "NÃO", "f", "falso"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["2", "maybe", "-", "verdad", "10"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }
}
