//! The readings of a number that is asked for.

use super::clean::{Notation, Written};
use super::countries;
use super::number::Number;
use super::region::Region;

/// One way to understand a number that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// E.164 where the reading resolves, else what an unresolved contact would store.
    pub phone: String,
    /// What equal contacts have as their match key.
    pub key: String,
    pub resolved: bool,
}

/// The readings of a query parameter, the preferred one (national in `region`) first; empty where the text
/// has no digit.
///
/// A leading blank before a digit is a `+` that was not encoded, where that reading resolves; so the
/// parameter must come untrimmed. A text from anywhere else comes trimmed, since no `+` got lost before it.
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
    /// What an unresolved contact stores of the text.
    pub(super) fn unresolved(written: &Written) -> Self {
        let phone = match written.notation {
            Notation::International => format!("+{}", written.digits),
            Notation::Bare | Notation::WhatsApp => written.digits.clone(),
        };
        Self {
            phone,
            key: written.digits.clone(),
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
            resolved: true,
        }
    }
}
