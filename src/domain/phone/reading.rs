//! The readings of a phone number in a lookup.

use super::clean::{Notation, Written};
use super::countries;
use super::number::{First, Number};
use super::problem::Problem;
use super::region::Region;
use super::rule::{Rule, Rules};
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
    let written = Written::read(parameter);
    let readings = traced_readings(&written, parameter, region);
    readings.map(|traced| traced.reading).collect()
}

/// The [`readings`] by which a lookup finds contacts. A number that identifies nobody, such as `000-0000`, has none.
pub fn identifying_readings(parameter: &str, region: Region) -> Vec<Reading> {
    let written = Written::read(parameter);
    let readings = traced_readings(&written, parameter, region);
    readings
        .map(|traced| traced.reading)
        .filter(|reading| reading.obstacle(&written).is_none())
        .collect()
}

/// A reading with the number and the rules that led to it, for an explanation.
pub(super) struct TracedReading {
    pub(super) reading: Reading,
    /// `None` if the reading is no valid number.
    pub(super) number: Option<Number>,
    pub(super) rules: Rules,
}

/// The [`readings`] of a parameter that was read as `written`.
pub(super) fn traced_readings(
    written: &Written,
    parameter: &str,
    region: Region,
) -> impl Iterator<Item = TracedReading> {
    let numbers = if written.digits.is_empty() {
        Vec::new()
    } else if let Some(mut number) = number_after_lost_plus(written) {
        number.rules.note(Rule::LostPlus);
        vec![number]
    } else {
        written.numbers(region, First::National, READINGS_MAX)
    };
    let is_unresolved = numbers.is_empty() && !written.digits.is_empty();
    let unresolved = is_unresolved.then(|| {
        let mut unresolved = TracedReading::unresolved(written);
        if whatsapp_id::is_hidden_number(parameter) || whatsapp_id::is_group_or_channel(parameter) {
            // The digits of such an id can be those of another person's phone. No contact has the whole id as match
            // key.
            unresolved.reading.key = parameter.trim().to_lowercase();
        }
        unresolved
    });
    let resolved = numbers
        .into_iter()
        .map(|number| TracedReading::resolved(number, written));
    resolved.chain(unresolved)
}

/// The number of a query parameter whose leading blank is a `+` that was not encoded.
pub(super) fn number_after_lost_plus(written: &Written) -> Option<Number> {
    written.blank_first.then(|| written.as_international()).flatten()
}

impl TracedReading {
    pub(super) fn resolved(number: Number, written: &Written) -> Self {
        let Number {
            calling_code,
            national,
            rules,
        } = &number;
        let mut rules = *rules;
        let key = countries::line(*calling_code, national, &mut rules);
        let reading = Reading {
            phone: format!("+{calling_code}{national}"),
            key: format!("{calling_code}{key}"),
            extension: written.extension.clone(),
            resolved: true,
        };
        Self {
            reading,
            number: Some(number),
            rules,
        }
    }

    /// The reading that an unresolved contact stores.
    pub(super) fn unresolved(written: &Written) -> Self {
        let mut rules = written.rules;
        rules.note(Rule::DigitsAsMatchKey);
        let phone = match written.notation {
            Notation::Plus => format!("+{}", written.digits),
            Notation::DoubleZero => {
                rules.note(Rule::DoubleZero);
                format!("+{}", written.digits)
            }
            Notation::Bare | Notation::BareWithAreaCode | Notation::WhatsApp => written.digits.clone(),
        };
        let reading = Reading {
            phone,
            key: written.digits.clone(),
            extension: written.extension.clone(),
            resolved: false,
        };
        Self {
            reading,
            number: None,
            rules,
        }
    }
}

impl Reading {
    /// Why the number cannot identify a contact; `None` if it can. Placeholders such as `000-0000` and damaged or
    /// incomplete numbers are equal for many people.
    pub(super) fn obstacle(&self, written: &Written) -> Option<Problem> {
        if has_one_digit(&written.digits) || has_one_digit(&self.key) {
            Some(Problem::Placeholder)
        } else if written.digits.len() < DIGITS_MIN {
            Some(Problem::TooFewDigits)
        } else if self.resolved {
            None
        } else if written.fault.is_some() {
            written.fault
        } else if written.begins_with_letters || written.lettered.is_some() {
            Some(Problem::LettersDropped)
        } else if written.digits.len() > DIGITS_MAX {
            Some(Problem::TooManyDigits)
        } else {
            None
        }
    }
}

/// Whether the digits repeat one digit.
fn has_one_digit(digits: &str) -> bool {
    digits.bytes().all(|digit| Some(digit) == digits.bytes().next())
}
