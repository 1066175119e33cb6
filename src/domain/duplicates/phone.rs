//! Compares two phones.

use super::level::PhoneLevel;
use super::record::Record;

/// Digits at the end of a number that identify a line within a region.
const LAST_DIGITS: usize = 8;

/// The fewest digits of a number that may have a typing error.
const DIGITS_MIN: usize = 7;

/// The level of two records' phones. `None` if a phone is missing.
pub(super) fn level(one: &Record, other: &Record) -> Option<PhoneLevel> {
    let (phone, other_phone) = (one.phone(), other.phone());
    if phone.is_empty() || other_phone.is_empty() {
        return None;
    }
    let (extension, other_extension) = (one.extension(), other.extension());
    if phone == other_phone && extension == other_extension {
        return Some(PhoneLevel::Same);
    }
    if one.phone_key() == other.phone_key() {
        let are_two = !extension.is_empty() && !other_extension.is_empty() && extension != other_extension;
        return Some(if are_two {
            PhoneLevel::OtherExtension
        } else {
            PhoneLevel::SameLine
        });
    }
    Some(if is_similar(one.phone_key(), other.phone_key()) {
        PhoneLevel::Similar
    } else {
        PhoneLevel::Different
    })
}

/// The last digits of a match key. `None` if it has fewer.
pub(super) fn last_digits(key: &str) -> Option<&str> {
    key.get(key.len().checked_sub(LAST_DIGITS)?..)
}

/// Whether the last digits are the same, or one typing error is between the numbers.
fn is_similar(one: &str, other: &str) -> bool {
    if one.len().min(other.len()) < DIGITS_MIN {
        return false;
    }
    let (last, other_last) = (last_digits(one), last_digits(other));
    last.is_some() && last == other_last || differ_by_one_edit(one.as_bytes(), other.as_bytes())
}

/// Whether two different texts differ by one digit that is inserted, deleted or replaced, or by two neighbours that are
/// swapped.
fn differ_by_one_edit(one: &[u8], other: &[u8]) -> bool {
    let start = one
        .iter()
        .zip(other)
        .take_while(|(digit, other)| digit == other)
        .count();
    let (one, other) = (&one[start..], &other[start..]);
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Equal => {
            let is_swapped = one.len() >= 2 && one[0] == other[1] && one[1] == other[0] && one[2..] == other[2..];
            is_swapped || one.get(1..) == other.get(1..)
        }
        std::cmp::Ordering::Less => other.get(1..) == Some(one),
        std::cmp::Ordering::Greater => one.get(1..) == Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duplicates::record::{PhoneFields, RecordFields};
    use crate::domain::phone::{Region, StoredPhone};

    fn record(phone: &str) -> Record {
        let stored = StoredPhone::read(phone, Region::DEFAULT, "csv");
        Record::new(&RecordFields {
            phone: PhoneFields::of(&stored),
            ..RecordFields::default()
        })
    }

    #[test]
    fn phones_agree_at_the_level_of_their_lines() {
        for (one, other, expected) in [
            ("11 2345-6789", "+54 11 2345-6789", Some(PhoneLevel::Same)),
            ("+54 9 11 2345-6789", "+54 11 2345-6789", Some(PhoneLevel::SameLine)),
            ("011 15 2345-6789", "11 2345-6789", Some(PhoneLevel::SameLine)),
            ("11 2345-6789 int. 12", "11 2345-6789", Some(PhoneLevel::SameLine)),
            ("11 2345-6789 int. 12", "11 2345-6789 int. 12", Some(PhoneLevel::Same)),
            (
                "11 2345-6789 int. 12",
                "11 2345-6789 int. 13",
                Some(PhoneLevel::OtherExtension),
            ),
            ("+54 9 11 2345-6789", "+54 9 11 2345-6798", Some(PhoneLevel::Similar)),
            ("+54 9 11 2345-6789", "+54 9 11 2345-6788", Some(PhoneLevel::Similar)),
            ("+54 9 11 2345-6789", "+54 9 11 2345-7698", Some(PhoneLevel::Different)),
            ("000-0000", "000-0000", None),
            ("", "11 2345-6789", None),
        ] {
            assert_eq!(level(&record(one), &record(other)), expected, "{one} {other}");
            assert_eq!(level(&record(other), &record(one)), expected, "{one} {other}");
        }
    }
}
