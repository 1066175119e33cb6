//! Phone numbers: how any notation becomes E.164 and a match key. Every rule about phones lives here.
//!
//! `clean` takes the digits out of a text, this file reads them as a number of some country, `metadata` asks
//! Google's libphonenumber data what is valid there, and `countries` knows what that data doesn't. Where a rule
//! can't tell, the number stays unresolved: no country is ever guessed by changing digits.

mod clean;
mod countries;
mod metadata;
#[cfg(test)]
mod tests;
pub mod whatsapp_id;

use std::str::FromStr;

use self::clean::{Notation, Written};

pub use self::metadata::digits;

/// A client's default region: an ISO 3166 alpha-2 code such as `AR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Region([u8; 2]);

impl Region {
    /// The region of a client that has none set: Argentina.
    pub const DEFAULT: Region = Region(*b"AR");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a region is two ASCII letters")
    }
}

impl FromStr for Region {
    type Err = String;

    /// Takes the code in any case. A region without a telephone network of its own (`AQ`) is refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .filter(|code| code.iter().all(u8::is_ascii_alphabetic))
            .map(|code| Region(code.map(|letter| letter.to_ascii_uppercase())))
            .filter(|region| metadata::calling_code(*region).is_some())
            .ok_or_else(|| "a region is an ISO 3166 code of two letters such as AR".to_owned())
    }
}

/// A phone number as a contact stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPhone {
    /// The text as it came.
    pub as_given: String,
    /// E.164 where the number resolves; else `+` and digits, or the digits; `None` without any digit.
    pub phone: Option<String>,
    /// Equal for all numbers that reach the same line: digits only. `None` without any digit.
    pub key: Option<String>,
    /// Whether the number is a valid one, so that `phone` is E.164.
    pub resolved: bool,
}

impl StoredPhone {
    /// Reads a number that a contact is written with: bare digits are national in `region` where that is
    /// valid, else international where that is, else unresolved.
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
            .map_or_else(|| written.unresolved(), Reading::from);
        Self {
            as_given,
            phone: Some(reading.phone),
            key: Some(reading.key),
            resolved: reading.resolved,
        }
    }
}

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
        readings.push(written.unresolved());
    }
    readings
}

/// The most digits that any notation of a number has: E.164's fifteen, and the prefixes before them.
const DIGITS_MAX: usize = 20;

/// Where the digits of a text are understood to be dialled.
#[derive(Clone, Copy)]
enum Reach {
    National,
    International,
}

impl Written {
    /// The valid numbers that the text can mean, the preferred one first.
    fn numbers(&self, region: Region) -> impl Iterator<Item = Number> {
        let order: &[Reach] = match self.notation {
            Notation::International => &[Reach::International],
            Notation::Bare => &[Reach::National, Reach::International],
            Notation::WhatsApp => &[Reach::International, Reach::National],
        };
        order.iter().filter_map(move |reach| match reach {
            Reach::National => self.as_national(region),
            Reach::International => self.as_international(),
        })
    }

    fn as_national(&self, region: Region) -> Option<Number> {
        let digits = self.digits_of_one_number()?;
        let calling_code = metadata::calling_code(region)?;
        if let Some(rule) = countries::rule(calling_code) {
            return rule(digits).map(|national| Number { calling_code, national });
        }
        // The region's own international prefix (011 in the United States) leads to another country.
        let (calling_code, national) = metadata::read_national(digits, region)?;
        let national = match countries::rule(calling_code) {
            Some(rule) => rule(&national)?,
            None => Some(national).filter(|national| metadata::is_valid(calling_code, national))?,
        };
        Some(Number { calling_code, national })
    }

    fn as_international(&self) -> Option<Number> {
        let (calling_code, written) = metadata::split_calling_code(self.digits_of_one_number()?)?;
        let national = match countries::rule(calling_code) {
            Some(rule) => rule(written)?,
            // Valid as it stands: a first digit that could also be a prefix is none.
            None if metadata::is_valid(calling_code, written) => written.to_owned(),
            None => metadata::read_international(calling_code, written)
                .filter(|national| metadata::is_valid(calling_code, national))?,
        };
        Some(Number { calling_code, national })
    }

    fn digits_of_one_number(&self) -> Option<&str> {
        (self.is_one_number && self.digits.len() <= DIGITS_MAX).then_some(&self.digits)
    }

    fn unresolved(&self) -> Reading {
        let phone = match self.notation {
            Notation::International => format!("+{}", self.digits),
            Notation::Bare | Notation::WhatsApp => self.digits.clone(),
        };
        Reading {
            phone,
            key: self.digits.clone(),
            resolved: false,
        }
    }
}

/// A valid number.
struct Number {
    calling_code: i32,
    /// The national significant number: what follows the calling code in E.164.
    national: String,
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
