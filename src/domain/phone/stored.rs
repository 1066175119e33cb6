//! Phone numbers as contacts store them.

use super::clean::Written;
use super::reading::Reading;
use super::region::Region;

/// A phone number as a contact stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPhone {
    /// The text as written by the caller or the file.
    pub as_given: String,
    /// E.164 if the number is valid, or else its digits, with a `+` if the text begins with `+` or
    /// `00`. `None` without digits.
    pub phone: Option<String>,
    /// The match key: digits, equal for all numbers that reach the same line. `None` without digits.
    pub key: Option<String>,
    /// Whether the number is valid, so that `phone` is E.164.
    pub resolved: bool,
}

impl StoredPhone {
    /// Reads the phone of a contact. Bare digits are national in `region` if that is valid, or else international if
    /// that is valid, or else unresolved.
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
