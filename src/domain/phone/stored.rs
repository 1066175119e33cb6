//! Phone numbers as contacts store them.

use super::clean::Written;
use super::number::First;
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

/// The most digits of a phone that identifies a contact: an international prefix and the fifteen digits of E.164. More
/// digits are two numbers.
const DIGITS_MAX: usize = 18;

/// The platforms on which WhatsApp writes the phone, internationally and without `+`.
const WHATSAPP_PLATFORMS: [&str; 2] = ["whatsapp", "web-whatsapp"];

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
        let first = if is_written_by_whatsapp(platform) {
            First::International
        } else {
            First::OwnMobile
        };
        let number = written.numbers(region, first, 1).into_iter().next();
        let reading = number.map_or_else(
            || Reading::unresolved(&written),
            |number| Reading::resolved(number, &written),
        );
        Self {
            as_given,
            identifies: identifies(&written, &reading),
            phone: Some(reading.phone),
            key: Some(reading.key),
            extension: reading.extension,
            resolved: reading.resolved,
        }
    }
}

fn is_written_by_whatsapp(platform: &str) -> bool {
    let platform = platform.trim();
    WHATSAPP_PLATFORMS
        .iter()
        .any(|whatsapp| whatsapp.eq_ignore_ascii_case(platform))
}

/// Whether the phone can identify a contact. Placeholders such as `000-0000` and damaged or incomplete numbers are
/// equal for many people.
fn identifies(written: &Written, reading: &Reading) -> bool {
    if has_one_digit(&written.digits) || has_one_digit(&reading.key) || written.digits.len() < DIGITS_MIN {
        return false;
    }
    let has_dropped_letters = written.begins_with_letters || written.lettered.is_some();
    reading.resolved || written.is_one_number && !has_dropped_letters && written.digits.len() <= DIGITS_MAX
}

/// Whether the digits repeat one digit.
fn has_one_digit(digits: &str) -> bool {
    digits.bytes().all(|digit| Some(digit) == digits.bytes().next())
}
