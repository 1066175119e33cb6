//! The valid numbers that a text can mean.

use super::clean::{Notation, Written};
use super::region::Region;
use super::{countries, metadata};

/// A valid number.
pub(super) struct Number {
    pub(super) calling_code: i32,
    /// The national significant number: the digits after the calling code in E.164.
    pub(super) national: String,
}

/// The most digits of any notation: the fifteen of E.164, and prefixes before them.
const DIGITS_MAX: usize = 20;

/// How the digits of a text are dialled.
#[derive(Clone, Copy)]
enum Dialling {
    National,
    International,
}

impl Written {
    /// The valid numbers that the text can mean. The preferred one comes first.
    pub(super) fn numbers(&self, region: Region) -> impl Iterator<Item = Number> {
        let order: &[Dialling] = match self.notation {
            Notation::International => &[Dialling::International],
            Notation::Bare => &[Dialling::National, Dialling::International],
            Notation::WhatsApp => &[Dialling::International, Dialling::National],
        };
        order.iter().filter_map(move |dialling| match dialling {
            Dialling::National => self.as_national(region),
            Dialling::International => self.as_international(),
        })
    }

    fn as_national(&self, region: Region) -> Option<Number> {
        let digits = self.digits_of_one_number()?;
        let calling_code = metadata::calling_code(region.as_str())?;
        if let Some(rule) = countries::rule(calling_code) {
            return rule(digits).map(|national| Number { calling_code, national });
        }
        // The region's international prefix (011 in the United States) can lead to another country.
        let (calling_code, national) = metadata::read_national(digits, region.as_str())?;
        let national = match countries::rule(calling_code) {
            Some(rule) => rule(&national)?,
            None => Some(national).filter(|national| metadata::is_valid(calling_code, national))?,
        };
        Some(Number { calling_code, national })
    }

    pub(super) fn as_international(&self) -> Option<Number> {
        let (calling_code, written) = metadata::split_calling_code(self.digits_of_one_number()?)?;
        let national = match countries::rule(calling_code) {
            Some(rule) => rule(written)?,
            // The digits are valid unchanged, so a first digit that could be a prefix is not one.
            None if metadata::is_valid(calling_code, written) => written.to_owned(),
            None => metadata::read_international(calling_code, written)
                .filter(|national| metadata::is_valid(calling_code, national))?,
        };
        Some(Number { calling_code, national })
    }

    fn digits_of_one_number(&self) -> Option<&str> {
        (self.is_one_number && self.digits.len() <= DIGITS_MAX).then_some(&self.digits)
    }
}
