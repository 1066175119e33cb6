//! Phone numbers as contacts store them.

use super::clean::Written;
use super::number::First;
use super::reading::Reading;
use super::region::Region;
use crate::domain::window::is_whatsapp;

/// A phone number as a contact stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPhone {
    /// The text as written by the caller or the file.
    pub as_given: String,
    /// E.164 if the number is valid, or else its digits, with a `+` if the text begins with `+` or
    /// `00`. `None` without digits.
    pub phone: Option<String>,
    /// The match key: digits, equal for all numbers that reach the same line. `None` without digits. A phone that
    /// identifies nobody reaches no line, and its digits are its key.
    pub key: Option<String>,
    /// The digits of the extension, which is part of the identity and not of the match key.
    pub extension: Option<String>,
    /// Whether the number is valid, so that `phone` is E.164.
    pub resolved: bool,
    /// Whether the phone can identify a contact. A placeholder such as `0` is stored, but identifies nobody.
    pub identifies: bool,
}

impl StoredPhone {
    /// Reads the phone of a contact on `platform`. Bare digits are national in `region` if that is valid, or else
    /// international if that is valid, or else unresolved. The international reading comes first on WhatsApp's
    /// platforms, and for digits that are the region's own calling code and a valid mobile number of the region.
    pub fn read(input: &str, region: Region, platform: &str) -> Self {
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
        let first = if is_whatsapp(platform) {
            First::International
        } else {
            First::OwnMobile
        };
        let number = written.numbers(region, first, 1).into_iter().next();
        let reading = number.map_or_else(
            || Reading::unresolved(&written),
            |number| Reading::resolved(number, &written),
        );
        let identifies = reading.identifies(&written);
        Self {
            as_given,
            identifies,
            phone: Some(reading.phone),
            key: Some(if identifies { reading.key } else { written.digits }),
            extension: reading.extension,
            resolved: reading.resolved,
        }
    }
}
