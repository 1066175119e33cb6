//! The readings of a phone number in a lookup.

use super::clean::{Notation, Written};
use super::countries;
use super::number::Number;
use super::region::Region;

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

/// The readings of a query parameter. The preferred one comes first: for bare digits the national
/// number in `region`. Empty if the text has no digit.
///
/// A leading blank before a digit is read as an unencoded `+` if that gives a valid number, so the parameter must not
/// be trimmed. Texts from other sources must be trimmed, because they cannot have lost a `+`.
pub fn readings(parameter: &str, region: Region) -> Vec<Reading> {
    let written = Written::read(parameter);
    if written.digits.is_empty() {
        return Vec::new();
    }
    if written.blank_first
        && let Some(number) = written.as_international()
    {
        return vec![number.into()];
    }
    let mut readings: Vec<Reading> = written.numbers(region).map(Reading::from).collect();
    readings.dedup();
    if readings.is_empty() {
        readings.push(Reading::unresolved(&written));
    }
    readings
}

impl Reading {
    /// The reading that an unresolved contact stores.
    pub(super) fn unresolved(written: &Written) -> Self {
        let phone = match written.notation {
            Notation::International => format!("+{}", written.digits),
            Notation::Bare | Notation::WhatsApp => written.digits.clone(),
        };
        Self {
            phone,
            key: written.digits.clone(),
            extension: None,
            resolved: false,
        }
    }
}

impl From<Number> for Reading {
    fn from(number: Number) -> Self {
        let Number { calling_code, national } = number;
        Self {
            phone: format!("+{calling_code}{national}"),
            key: format!("{calling_code}{}", countries::line(calling_code, &national)),
            extension: None,
            resolved: true,
        }
    }
}
