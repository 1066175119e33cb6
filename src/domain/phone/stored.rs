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
    /// The digits of the extension, which is part of the identity and not of the match key.
    pub extension: Option<String>,
    /// Whether the number is valid, so that `phone` is E.164.
    pub resolved: bool,
    /// Whether the phone can identify a contact. A placeholder such as `0` is stored, but identifies nobody.
    pub identifies: bool,
}

/// The fewest digits of a phone that identifies a contact: the shortest short codes have three.
const DIGITS_MIN: usize = 3;

impl StoredPhone {
    /// Reads the phone of a contact on `platform`. Bare digits are national in `region` if that is valid, or else
    /// international if that is valid, or else unresolved.
    pub fn read(input: &str, region: Region, _platform: &str) -> Self {
        let as_given = input.to_owned();
        let written = Written::read(input);
        if written.digits.is_empty() {
            return Self {
                as_given,
                phone: None,
                key: None,
                extension: None,
                resolved: false,
                identifies: false,
            };
        }
        let reading = written
            .numbers(region)
            .next()
            .map_or_else(|| Reading::unresolved(&written), Reading::from);
        let has_several_digits = reading
            .key
            .bytes()
            .any(|digit| Some(digit) != reading.key.bytes().next());
        Self {
            as_given,
            identifies: reading.key.len() >= DIGITS_MIN && has_several_digits && written.is_one_number,
            phone: Some(reading.phone),
            key: Some(reading.key),
            extension: reading.extension,
            resolved: reading.resolved,
        }
    }
}
