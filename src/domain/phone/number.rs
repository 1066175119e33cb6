//! The valid numbers that a text can mean.

use super::clean::{Notation, Written};
use super::region::Region;
use super::{countries, dialling, keypad, metadata};

/// A valid number.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) calling_code: i32,
    /// The national significant number: the digits after the calling code in E.164.
    pub(super) national: String,
}

/// The most digits of any notation: the fifteen of E.164, and prefixes before them.
const DIGITS_MAX: usize = 20;

/// The reading of bare digits that comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum First {
    National,
    /// The international one if the digits are the region's own calling code and a valid mobile number of the region,
    /// and otherwise the national one.
    OwnMobile,
    International,
}

impl First {
    fn is_international(self, digits: &str, region: Region) -> bool {
        match self {
            First::National => false,
            First::OwnMobile => is_own_mobile(digits, region),
            First::International => true,
        }
    }
}

/// How the digits of a text are dialled.
#[derive(Clone, Copy)]
enum Dialling<'a> {
    National(&'a str),
    International(&'a str),
}

impl Written {
    /// The valid numbers that the text can mean, the preferred one first, at most `limit`. A WhatsApp id has one.
    pub(super) fn numbers(&self, region: Region, first: First, limit: usize) -> Vec<Number> {
        let Some(lettered) = &self.lettered else {
            return self.numbers_of_digits(region, first, limit);
        };
        let numbers = self.numbers_of_digits(region, first, limit);
        if numbers.is_empty() {
            return self.vanity_numbers(lettered, region);
        }
        // Capitals after a number can be a remark, or the end of the number. If the number is valid with and without
        // them, nobody can tell which one is meant.
        let is_doubtful = self.extension.is_none()
            && keypad::is_in_capitals(lettered)
            && !self.dialled(lettered, region, |_| true).is_empty();
        if is_doubtful { Vec::new() } else { numbers }
    }

    /// The North American number that the letters of the text dial.
    fn vanity_numbers(&self, lettered: &str, region: Region) -> Vec<Number> {
        self.dialled(lettered, region, |number| {
            number.calling_code == countries::NORTH_AMERICA
        })
    }

    /// The first valid number that the letters dial and that `accepted` accepts.
    fn dialled(&self, lettered: &str, region: Region, accepted: fn(&Number) -> bool) -> Vec<Number> {
        if lettered.contains('@') {
            return Vec::new();
        }
        keypad::dialled(lettered)
            .into_iter()
            .map(|digits| Written {
                digits,
                is_one_number: true,
                lettered: None,
                ..self.clone()
            })
            .flat_map(|written| written.numbers_of_digits(region, First::National, 2))
            .find(accepted)
            .into_iter()
            .collect()
    }

    fn numbers_of_digits(&self, region: Region, first: First, limit: usize) -> Vec<Number> {
        let Some(digits) = self.digits_of_one_number() else {
            return Vec::new();
        };
        let limit = if self.notation == Notation::WhatsApp { 1 } else { limit };
        let with_zeros = format!("00{digits}");
        let mut numbers = Vec::new();
        for dialling in self.diallings(digits, &with_zeros, region, first) {
            let number = match dialling {
                Dialling::National(digits) => as_national(digits, region),
                Dialling::International(digits) => as_international(digits),
            };
            if let Some(number) = number.filter(|number| !numbers.contains(number)) {
                numbers.push(number);
                if numbers.len() == limit {
                    break;
                }
            }
        }
        numbers
    }

    /// The ways to dial the digits in the order of preference.
    fn diallings<'a>(&self, digits: &'a str, with_zeros: &'a str, region: Region, first: First) -> Vec<Dialling<'a>> {
        let (national, international) = (Dialling::National(digits), Dialling::International(digits));
        // A calling code follows an international prefix of the region.
        let abroad = |written: &'a str| {
            dialling::international_prefixes(written, region.as_str())
                .map(move |length| Dialling::International(&written[length..]))
        };
        match self.notation {
            Notation::Plus => vec![international],
            Notation::DoubleZero if begins_with_own_code(digits, region) => {
                [international].into_iter().chain(abroad(with_zeros)).collect()
            }
            Notation::DoubleZero => abroad(with_zeros).chain([international]).collect(),
            Notation::WhatsApp => vec![international, national],
            Notation::Bare if first.is_international(digits, region) => {
                [international, national].into_iter().chain(abroad(digits)).collect()
            }
            Notation::Bare | Notation::BareWithAreaCode => [national]
                .into_iter()
                .chain(abroad(digits))
                .chain([international])
                .collect(),
        }
    }

    pub(super) fn as_international(&self) -> Option<Number> {
        as_international(self.digits_of_one_number()?)
    }

    fn digits_of_one_number(&self) -> Option<&str> {
        (self.is_one_number && self.digits.len() <= DIGITS_MAX).then_some(&self.digits)
    }
}

fn as_national(digits: &str, region: Region) -> Option<Number> {
    let calling_code = metadata::calling_code(region.as_str())?;
    if countries::has_rule(calling_code) {
        if countries::is_north_american_in_mexico(calling_code, digits) {
            return None;
        }
        return countries::significant(calling_code, digits).map(|national| Number { calling_code, national });
    }
    // The region's international prefix (011 in the United States) can lead to another country.
    let (calling_code, national) = metadata::read_national(digits, region.as_str())?;
    let national = if countries::has_rule(calling_code) {
        countries::significant(calling_code, &national)?
    } else {
        Some(national).filter(|national| metadata::is_valid(calling_code, national))?
    };
    Some(Number { calling_code, national })
}

fn as_international(digits: &str) -> Option<Number> {
    let (calling_code, written) = metadata::split_calling_code(digits)?;
    let national = countries::significant(calling_code, written)?;
    Some(Number { calling_code, national })
}

/// The digits after the region's own calling code, if they begin with it.
fn after_own_code(digits: &str, region: Region) -> Option<(i32, &str)> {
    let calling_code = metadata::calling_code(region.as_str())?;
    let number = digits.strip_prefix(&*calling_code.to_string())?;
    Some((calling_code, number))
}

/// Whether the digits are a valid number of the region with its calling code.
fn begins_with_own_code(digits: &str, region: Region) -> bool {
    after_own_code(digits, region)
        .is_some_and(|(calling_code, number)| countries::significant(calling_code, number).is_some())
}

/// Whether the digits are a valid mobile number of the region with its calling code. WhatsApp and address books write
/// numbers in this form, while a national number hardly ever begins with these digits.
fn is_own_mobile(digits: &str, region: Region) -> bool {
    after_own_code(digits, region).is_some_and(|(calling_code, number)| metadata::is_mobile(calling_code, number))
}
