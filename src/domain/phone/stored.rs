//! A phone number as a contact stores it.

use super::clean::Written;
use super::reading::Reading;
use super::region::Region;

/// A phone number as a contact stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPhone {
    /// The text as it came.
    pub as_given: String,
    /// E.164 where the number resolves; else `+` and digits, or the digits; `None` without any digit.
    pub phone: Option<String>,
    /// Equal for all numbers that reach the same line: digits only. `None` without any digit.
    pub key: Option<String>,
    /// Whether the number is a valid one, so that `phone` is E.164.
    pub resolved: bool,
}

impl StoredPhone {
    /// Reads a number that a contact is written with: bare digits are national in `region` where that is
    /// valid, else international where that is, else unresolved.
    pub fn read(input: &str, region: Region) -> Self {
        let as_given = input.to_owned();
        let written = Written::read(input);
        if written.digits.is_empty() {
            return Self {
                as_given,
                phone: None,
                key: None,
                resolved: false,
            };
        }
        let reading = written
            .numbers(region)
            .next()
            .map_or_else(|| Reading::unresolved(&written), Reading::from);
        Self {
            as_given,
            phone: Some(reading.phone),
            key: Some(reading.key),
            resolved: reading.resolved,
        }
    }
}
