//! Phone numbers as contacts store them.

use super::clean::Written;
use super::number::{First, Number};
use super::problem::Problem;
use super::reading::TracedReading;
use super::region::Region;
use super::rule::{Rule, Rules};

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
        TracedPhone::read(input, &Written::read(input), region, platform).stored
    }
}

/// A stored phone with the number and the rules that led to it, for an explanation.
pub(super) struct TracedPhone {
    pub(super) stored: StoredPhone,
    /// `None` if the phone is no valid number.
    pub(super) number: Option<Number>,
    pub(super) rules: Rules,
    /// Why the phone identifies nobody.
    pub(super) obstacle: Option<Problem>,
}

impl TracedPhone {
    /// Reads the phone as [`StoredPhone::read`] does. `written` is the input as `Written` reads it.
    pub(super) fn read(input: &str, written: &Written, region: Region, platform: &str) -> Self {
        let as_given = input.to_owned();
        if written.digits.is_empty() {
            return Self {
                stored: StoredPhone {
                    as_given,
                    phone: None,
                    key: None,
                    extension: None,
                    resolved: false,
                    identifies: false,
                },
                number: None,
                rules: written.rules,
                obstacle: None,
            };
        }
        let number = written
            .numbers(region, First::of_stored(platform), 1)
            .into_iter()
            .next();
        let traced = number.map_or_else(
            || TracedReading::unresolved(written),
            |number| TracedReading::resolved(number, written),
        );
        let TracedReading {
            reading,
            number,
            mut rules,
        } = traced;
        let obstacle = reading.obstacle(written);
        rules.note_if(obstacle.is_some(), Rule::DigitsAsMatchKey);
        let key = match obstacle {
            None => reading.key,
            Some(_) => written.digits.clone(),
        };
        Self {
            stored: StoredPhone {
                as_given,
                phone: Some(reading.phone),
                key: Some(key),
                extension: reading.extension,
                resolved: reading.resolved,
                identifies: obstacle.is_none(),
            },
            number,
            rules,
            obstacle,
        }
    }
}
