//! The valid numbers that a text can mean.

use super::clean::{Notation, Written};
use super::problem::{Problem, ReadingKind, ReadingProblem};
use super::region::Region;
use super::rule::{Rule, Rules};
use super::{countries, dialling, keypad, metadata};
use crate::domain::window::is_whatsapp;

/// A valid number.
#[derive(Clone)]
pub(super) struct Number {
    pub(super) calling_code: i32,
    /// The national significant number: the digits after the calling code in E.164.
    pub(super) national: String,
    /// The rules that led from the text to the number.
    pub(super) rules: Rules,
}

impl Number {
    /// Whether both are the same number, whatever rules led to them.
    fn is_same(&self, other: &Number) -> bool {
        (self.calling_code, &self.national) == (other.calling_code, &other.national)
    }
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
    /// The reading that comes first for the phone of a contact on the platform.
    pub(super) fn of_stored(platform: &str) -> Self {
        if is_whatsapp(platform) {
            First::International
        } else {
            First::OwnMobile
        }
    }

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
    /// The digits after the region's international prefix.
    Abroad(&'a str),
    International(&'a str),
}

impl Written {
    /// The valid numbers that the text can mean, the preferred one first, at most `limit`. A WhatsApp id has one.
    pub(super) fn numbers(&self, region: Region, first: First, limit: usize) -> Vec<Number> {
        let numbers = self.numbers_of_digits(region, first, limit);
        match &self.lettered {
            Some(lettered) if numbers.is_empty() => self.vanity_numbers(lettered, region),
            Some(lettered) if self.has_doubtful_letters(lettered, region) => Vec::new(),
            _ => numbers,
        }
    }

    /// Why the text is no valid number: one problem of the whole text, or one of each reading. Empty if it is one.
    pub(super) fn problems(&self, region: Region, first: First) -> Vec<ReadingProblem> {
        if !self.numbers(region, first, 1).is_empty() {
            return Vec::new();
        }
        if let Some(fault) = self.fault {
            return vec![ReadingProblem::of_text(fault)];
        }
        let Some(digits) = self.digits_of_one_number() else {
            return vec![ReadingProblem::of_text(Problem::TooManyDigits)];
        };
        if self.lettered.is_some() && !self.numbers_of_digits(region, first, 1).is_empty() {
            return vec![ReadingProblem::of_text(Problem::DoubtfulLetters)];
        }
        let with_zeros = self.with_zeros(digits);
        let mut problems: Vec<ReadingProblem> = Vec::new();
        for dialling in self.diallings(digits, &with_zeros, region, first, &mut Rules::default()) {
            let problem = dialling.problem(region);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }

    /// Capitals after a number can be a remark, or the end of the number. If the number is valid with and without them,
    /// nobody can tell which one is meant.
    fn has_doubtful_letters(&self, lettered: &str, region: Region) -> bool {
        self.extension.is_none()
            && keypad::is_in_capitals(lettered)
            && !self.dialled(lettered, region, |_| true).is_empty()
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
            .enumerate()
            .map(|(words_left_out, digits)| {
                let mut rules = self.rules.without(Rule::RemarkRemoved);
                rules.note_if(words_left_out > 0, Rule::RemarkRemoved);
                rules.note(Rule::VanityLetters);
                Written {
                    digits,
                    fault: None,
                    lettered: None,
                    rules,
                    ..self.clone()
                }
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
        let with_zeros = self.with_zeros(digits);
        let mut rules = self.rules;
        let mut numbers: Vec<Number> = Vec::new();
        for dialling in self.diallings(digits, &with_zeros, region, first, &mut rules) {
            let Some(mut number) = dialling.number(region) else {
                continue;
            };
            if numbers.iter().any(|other| other.is_same(&number)) {
                continue;
            }
            let is_after_zeros =
                self.notation == Notation::DoubleZero && matches!(dialling, Dialling::International(_));
            number.rules.note_if(is_after_zeros, Rule::DoubleZero);
            number.rules = number.rules.with(rules);
            numbers.push(number);
            if numbers.len() == limit {
                break;
            }
        }
        numbers
    }

    /// The digits with the `00` that the text has before them. Empty if it has none.
    fn with_zeros(&self, digits: &str) -> String {
        match self.notation {
            Notation::DoubleZero => format!("00{digits}"),
            _ => String::new(),
        }
    }

    /// The ways to dial the digits in the order of preference. Notes why this is the order.
    fn diallings<'a>(
        &self,
        digits: &'a str,
        with_zeros: &'a str,
        region: Region,
        first: First,
        rules: &mut Rules,
    ) -> Vec<Dialling<'a>> {
        let (national, international) = (Dialling::National(digits), Dialling::International(digits));
        // A calling code follows an international prefix of the region.
        let abroad = |written: &'a str| {
            dialling::international_prefixes(written, region.as_str())
                .map(move |length| Dialling::Abroad(&written[length..]))
        };
        let mut diallings: Vec<Dialling> = match self.notation {
            Notation::Plus => return vec![international],
            Notation::DoubleZero if begins_with_own_code(digits, region) => {
                return [international].into_iter().chain(abroad(with_zeros)).collect();
            }
            Notation::DoubleZero => return abroad(with_zeros).chain([international]).collect(),
            Notation::WhatsApp => vec![international, national],
            Notation::Bare if first.is_international(digits, region) => {
                rules.note(match first {
                    First::International => Rule::WhatsAppPlatform,
                    _ => Rule::OwnCallingCode,
                });
                [international, national].into_iter().chain(abroad(digits)).collect()
            }
            Notation::Bare | Notation::BareWithAreaCode => {
                let has_brackets = self.notation == Notation::BareWithAreaCode;
                rules.note_if(has_brackets && first != First::National, Rule::AreaCodeInBrackets);
                [national]
                    .into_iter()
                    .chain(abroad(digits))
                    .chain([international])
                    .collect()
            }
        };
        if countries::is_north_american_in_mexico(region.as_str(), digits) {
            rules.note(Rule::MexicoNorthAmericanNumber);
            diallings.retain(|dialling| !matches!(dialling, Dialling::National(_)));
        }
        diallings
    }

    pub(super) fn as_international(&self) -> Option<Number> {
        let mut number = as_international(self.digits_of_one_number()?)?;
        number.rules = number.rules.with(self.rules);
        Some(number)
    }

    fn digits_of_one_number(&self) -> Option<&str> {
        (self.is_one_number() && self.digits.len() <= DIGITS_MAX).then_some(&self.digits)
    }
}

impl Dialling<'_> {
    /// The number, if it is a valid one.
    fn number(self, region: Region) -> Option<Number> {
        match self {
            Dialling::National(digits) => as_national(digits, region),
            Dialling::Abroad(digits) => {
                let mut number = as_international(digits)?;
                number.rules.note(Rule::InternationalPrefix);
                Some(number)
            }
            Dialling::International(digits) => as_international(digits),
        }
    }

    /// Why the digits are no valid number.
    fn problem(self, region: Region) -> ReadingProblem {
        let (kind, problem) = match self {
            Dialling::National(digits) => {
                let problem = match metadata::calling_code(region.as_str()) {
                    Some(code) if countries::lacks_area_code(code, digits) => Problem::AreaCodeMissing,
                    _ => metadata::national_problem(digits, region.as_str()),
                };
                (ReadingKind::National, problem)
            }
            Dialling::Abroad(digits) | Dialling::International(digits) => {
                let problem = match metadata::split_calling_code(digits) {
                    Some((code, written)) if countries::lacks_area_code(code, written) => Problem::AreaCodeMissing,
                    Some((code, written)) => metadata::international_problem(code, written),
                    None => Problem::UnknownCallingCode,
                };
                (ReadingKind::International, problem)
            }
        };
        let reading = Some(kind);
        ReadingProblem { problem, reading }
    }
}

fn as_national(digits: &str, region: Region) -> Option<Number> {
    let calling_code = metadata::calling_code(region.as_str())?;
    let mut rules = Rules::default();
    if countries::has_rule(calling_code) {
        rules.note(Rule::NationalReading);
        let national = countries::significant(calling_code, digits, &mut rules)?;
        return Some(Number {
            calling_code,
            national,
            rules,
        });
    }
    let own_code = calling_code;
    // The region's international prefix (011 in the United States) can lead to another country.
    let (calling_code, national) = metadata::read_national(digits, region.as_str())?;
    if calling_code != own_code {
        rules.note(Rule::InternationalPrefix);
    } else if digits.len() > national.len() && digits.strip_prefix(&*own_code.to_string()) == Some(&*national) {
        rules.note(Rule::InternationalReading);
    } else {
        rules.note(Rule::NationalReading);
        rules.note_if(national != digits, Rule::NationalPrefix);
    }
    let national = if countries::has_rule(calling_code) {
        countries::significant(calling_code, &national, &mut rules)?
    } else {
        Some(national).filter(|national| metadata::is_valid(calling_code, national))?
    };
    Some(Number {
        calling_code,
        national,
        rules,
    })
}

fn as_international(digits: &str) -> Option<Number> {
    let (calling_code, written) = metadata::split_calling_code(digits)?;
    let mut rules = Rules::default();
    rules.note(Rule::InternationalReading);
    let national = countries::significant(calling_code, written, &mut rules)?;
    Some(Number {
        calling_code,
        national,
        rules,
    })
}

/// The digits after the region's own calling code, if they begin with it.
fn after_own_code(digits: &str, region: Region) -> Option<(i32, &str)> {
    let calling_code = metadata::calling_code(region.as_str())?;
    let number = digits.strip_prefix(&*calling_code.to_string())?;
    Some((calling_code, number))
}

/// Whether the digits are a valid number of the region with its calling code.
fn begins_with_own_code(digits: &str, region: Region) -> bool {
    after_own_code(digits, region).is_some_and(|(calling_code, number)| countries::is_number(calling_code, number))
}

/// Whether the digits are a valid mobile number of the region with its calling code. WhatsApp and address books write
/// numbers in this form, while a national number hardly ever begins with these digits.
fn is_own_mobile(digits: &str, region: Region) -> bool {
    after_own_code(digits, region).is_some_and(|(calling_code, number)| metadata::is_mobile(calling_code, number))
}
