//! Query parameters, read strictly from the raw query.
//!
//! We parse by hand, since actix's extractor decodes lossily: it turns `%FF` into U+FFFD, and the server would search for
//! that character.

use percent_encoding::percent_decode_str;

use super::limits::VALUE_MAX;
use crate::domain::duplicates;
use crate::http::error::{ApiError, ParameterFault};

/// The decoded value of the parameter `name`; `None` if the query does not have it. Other parameters are ignored.
///
/// # Errors
/// [`ApiError::Parameter`] if the value cannot be decoded, is too long, or appears twice.
pub fn parameter(query: &str, name: &'static str) -> Result<Option<String>, ApiError> {
    let fail = |fault| ApiError::Parameter { name, fault };
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // A name that cannot be decoded is not the name of a known parameter.
        (decode(key).is_ok_and(|key| key == name)).then_some(value)
    });
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(fail(ParameterFault::Repeated));
    }
    let value = decode(value).map_err(fail)?;
    if value.contains('\0') {
        Err(fail(ParameterFault::Nul))
    } else if value.len() > VALUE_MAX {
        Err(fail(ParameterFault::TooLong))
    } else {
        Ok(Some(value))
    }
}

/// The whole number from `min` to `max` in the parameter `name`, in decimal digits; `None` if the parameter is absent, empty
/// or blank.
///
/// # Errors
/// [`ApiError::Parameter`] in the cases of [`parameter`], and if the value is not such a number.
pub fn whole_number(query: &str, name: &'static str, min: i64, max: i64) -> Result<Option<i64>, ApiError> {
    let Some(text) = parameter(query, name)?.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    let number = number.filter(|number| (min..=max).contains(number));
    number.map(Some).ok_or(ApiError::Parameter {
        name,
        fault: ParameterFault::NotBetween(min, max),
    })
}

/// The probability above 0 and up to 1 in the parameter `name`; `None` if the parameter is absent, empty or blank.
///
/// # Errors
/// [`ApiError::Parameter`] in the cases of [`parameter`], and if the value is not such a number.
pub fn probability(query: &str, name: &'static str) -> Result<Option<f64>, ApiError> {
    let Some(text) = parameter(query, name)?.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    duplicates::parse_threshold(&text).map(Some).ok_or(ApiError::Parameter {
        name,
        fault: ParameterFault::NotProbability,
    })
}

/// Decodes `application/x-www-form-urlencoded`: `+` is a blank, `%` and two hexadecimal digits are a byte.
fn decode(text: &str) -> Result<String, ParameterFault> {
    let bytes = text.as_bytes();
    let is_broken = |at: usize| {
        !bytes
            .get(at + 1..at + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    if text.match_indices('%').any(|(at, _)| is_broken(at)) {
        return Err(ParameterFault::Escape);
    }
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| ParameterFault::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(query: &str) -> ParameterFault {
        match parameter(query, "phone") {
            Err(ApiError::Parameter { fault, .. }) => fault,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn values_are_form_decoded() {
        assert_eq!(
            parameter("a=1&phone=%2B54+9&b", "phone").unwrap().as_deref(),
            Some("+54 9")
        );
        assert_eq!(parameter("%70hone=1", "phone").unwrap().as_deref(), Some("1"));
        assert_eq!(parameter("phone", "phone").unwrap().as_deref(), Some(""));
        assert_eq!(parameter("phones=1&%zz=2", "phone").unwrap(), None);
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_fault() {
        for query in ["phone=%zz", "phone=%", "phone=1%2", "phone=%+1"] {
            assert_eq!(fault(query), ParameterFault::Escape, "{query}");
        }
        assert_eq!(fault("phone=%FF"), ParameterFault::Encoding);
        assert_eq!(fault("phone=1%00"), ParameterFault::Nul);
        assert_eq!(fault("phone=1&phone=1"), ParameterFault::Repeated);
        assert_eq!(fault("phone=&%70hone="), ParameterFault::Repeated);
        assert_eq!(fault(&format!("phone={}", "1".repeat(257))), ParameterFault::TooLong);
        assert!(parameter(&format!("phone={}", "%31".repeat(256)), "phone").is_ok());
    }

    #[test]
    fn a_whole_number_has_only_digits_and_is_between_its_bounds() {
        let read = |text: &str| whole_number(&format!("a=1&days={text}"), "days", 1, 365);
        for (text, expected) in [
            ("1", Some(1)),
            ("365", Some(365)),
            ("007", Some(7)),
            ("", None),
            ("+%20", None),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        assert_eq!(whole_number("", "days", 1, 365).unwrap(), None);
        for text in [
            "0",
            "366",
            "-1",
            "%2B1",
            "1.0",
            "1e2",
            "+1",
            "٣",
            "99999999999999999999",
        ] {
            let fault = read(text).unwrap_err();
            let expected = ParameterFault::NotBetween(1, 365);
            assert!(
                matches!(fault, ApiError::Parameter { name: "days", fault } if fault == expected),
                "{text}: {fault:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_encoded_value_is_decoded_and_no_query_panics(value in "\\PC{0,60}", raw in "[%0-9a-f&=+é]{0,20}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(parameter(&format!("phone={encoded}"), "phone").unwrap(), Some(value));
            let _ = parameter(&raw, "phone");
        }
    }
}
