//! The readings of a phone number in a lookup.

use super::clean::{Notation, Written};
use super::countries;
use super::number::{First, Number};
use super::region::Region;
use super::whatsapp_id;

/// One interpretation of a number in a lookup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// E.164 if the reading is a valid number, or else the text that an unresolved contact would store.
    pub phone: String,
    /// The match key of the contacts with this number.
    pub key: String,
    /// The digits of the extension, if the text has one.
    pub extension: Option<String>,
    pub resolved: bool,
}

/// The fewest digits of a phone that identifies a contact: the shortest short codes have three.
const DIGITS_MIN: usize = 3;

/// The most digits of a phone that identifies a contact: an international prefix and the fifteen digits of E.164. More
/// digits are two numbers.
const DIGITS_MAX: usize = 18;

/// The most readings of a text: the national and the international one, and those after an international prefix.
const READINGS_MAX: usize = 4;

/// The readings of a query parameter. The preferred one comes first: for bare digits the national number in `region`.
/// Empty if the text has no digit. A WhatsApp id has one reading: its international number if that is valid, and the
/// national one only if not.
///
/// A leading blank before a digit is read as an unencoded `+` if that gives a valid number, so the parameter must not
/// be trimmed. Texts from other sources must be trimmed, because they cannot have lost a `+`.
pub fn readings(parameter: &str, region: Region) -> Vec<Reading> {
    readings_of(&Written::read(parameter), parameter, region)
}

/// The [`readings`] by which a lookup finds contacts. A number that identifies nobody, such as `000-0000`, has none.
pub fn identifying_readings(parameter: &str, region: Region) -> Vec<Reading> {
    let written = Written::read(parameter);
    let mut readings = readings_of(&written, parameter, region);
    readings.retain(|reading| reading.identifies(&written));
    readings
}

fn readings_of(written: &Written, parameter: &str, region: Region) -> Vec<Reading> {
    if written.digits.is_empty() {
        return Vec::new();
    }
    if written.blank_first
        && let Some(number) = written.as_international()
    {
        return vec![Reading::resolved(number, written)];
    }
    let numbers = written.numbers(region, First::National, READINGS_MAX);
    let mut readings: Vec<Reading> = numbers
        .into_iter()
        .map(|number| Reading::resolved(number, written))
        .collect();
    if readings.is_empty() {
        let mut reading = Reading::unresolved(written);
        if whatsapp_id::is_hidden_number(parameter) || whatsapp_id::is_group_or_channel(parameter) {
            // The digits of such an id can be those of another person's phone. No contact has the whole id as match
            // key.
            reading.key = parameter.trim().to_lowercase();
        }
        readings.push(reading);
    }
    readings
}

impl Reading {
    pub(super) fn resolved(number: Number, written: &Written) -> Self {
        let Number { calling_code, national } = number;
        Self {
            phone: format!("+{calling_code}{national}"),
            key: format!("{calling_code}{}", countries::line(calling_code, &national)),
            extension: written.extension.clone(),
            resolved: true,
        }
    }

    /// The reading that an unresolved contact stores.
    pub(super) fn unresolved(written: &Written) -> Self {
        let phone = match written.notation {
            Notation::Plus | Notation::DoubleZero => format!("+{}", written.digits),
            Notation::Bare | Notation::BareWithAreaCode | Notation::WhatsApp => written.digits.clone(),
        };
        Self {
            phone,
            key: written.digits.clone(),
            extension: written.extension.clone(),
            resolved: false,
        }
    }

    /// Whether the number can identify a contact. Placeholders such as `000-0000` and damaged or incomplete numbers are
    /// equal for many people.
    pub(super) fn identifies(&self, written: &Written) -> bool {
        if has_one_digit(&written.digits) || has_one_digit(&self.key) || written.digits.len() < DIGITS_MIN {
            return false;
        }
        let has_dropped_letters = written.begins_with_letters || written.lettered.is_some();
        self.resolved || written.is_one_number && !has_dropped_letters && written.digits.len() <= DIGITS_MAX
    }
}

/// Whether the digits repeat one digit.
fn has_one_digit(digits: &str) -> bool {
    digits.bytes().all(|digit| Some(digit) == digits.bytes().next())
}
