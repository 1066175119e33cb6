//! Google's phone number metadata. Apart from tests, no other file uses the library that contains it.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, ValidationError};
use strum::{IntoStaticStr, VariantArray};

use super::problem::Problem;

/// The kind of line that a number reaches, as far as its digits tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum LineType {
    FixedLine,
    Mobile,
    /// Mobiles and fixed lines of the country share these numbers.
    FixedLineOrMobile,
    TollFree,
    PremiumRate,
    SharedCost,
    Voip,
    /// A number that a person directs to any line.
    PersonalNumber,
    Pager,
    /// A number of a company for all its offices.
    CompanyNumber,
    VoicemailAccess,
    Unknown,
}

impl LineType {
    /// The name in kebab case, such as `fixed-line`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The calling code of a region, or `None` if the metadata does not have the region.
pub fn calling_code(region: &str) -> Option<i32> {
    PHONE_NUMBER_UTIL.get_country_code_for_region(library_region(region))
}

/// Splits international digits into the calling code and the rest. No calling code is a prefix of another, so the first
/// match is the right one. No calling code begins with zero.
pub fn split_calling_code(digits: &str) -> Option<(i32, &str)> {
    if digits.starts_with('0') {
        return None;
    }
    (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code = code.parse().ok()?;
        PHONE_NUMBER_UTIL
            .get_region_for_country_code(code)
            .map(|_| (code, national))
    })
}

/// Whether the country can assign this number, judged by its length and block, not by whether it is in use. `national`
/// is the national significant number without any prefix.
pub fn is_valid(calling_code: i32, national: &str) -> bool {
    number(calling_code, national).is_some_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number))
}

/// Whether the number is a valid mobile number. In countries such as the United States mobiles and fixed lines share
/// their numbers, which all count as mobiles here.
pub fn is_mobile(calling_code: i32, national: &str) -> bool {
    number(calling_code, national).is_some_and(|number| {
        matches!(
            PHONE_NUMBER_UTIL.get_number_type(&number),
            PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile
        )
    })
}

/// The kind of line that a valid number reaches. `Unknown` for a number that the metadata does not list.
pub fn line_type(calling_code: i32, national: &str) -> LineType {
    let Some(number) = number(calling_code, national) else {
        return LineType::Unknown;
    };
    match PHONE_NUMBER_UTIL.get_number_type(&number) {
        PhoneNumberType::FixedLine => LineType::FixedLine,
        PhoneNumberType::Mobile => LineType::Mobile,
        PhoneNumberType::FixedLineOrMobile => LineType::FixedLineOrMobile,
        PhoneNumberType::TollFree => LineType::TollFree,
        PhoneNumberType::PremiumRate => LineType::PremiumRate,
        PhoneNumberType::SharedCost => LineType::SharedCost,
        PhoneNumberType::VoIP => LineType::Voip,
        PhoneNumberType::PersonalNumber => LineType::PersonalNumber,
        PhoneNumberType::Pager => LineType::Pager,
        PhoneNumberType::UAN => LineType::CompanyNumber,
        PhoneNumberType::VoiceMail => LineType::VoicemailAccess,
        PhoneNumberType::Unknown => LineType::Unknown,
    }
}

/// The ISO 3166 code of a valid number's region. `None` for a number of no region, such as `+800…`.
pub fn region_of_number(calling_code: i32, national: &str) -> Option<String> {
    let region = PHONE_NUMBER_UTIL.get_region_for_number(&number(calling_code, national)?)?;
    Some(region.to_string()).filter(|code| code.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Why digits that are dialled within the region are no valid number.
pub fn national_problem(digits: &str, region: &str) -> Problem {
    problem(PHONE_NUMBER_UTIL.parse(digits, Some(library_region(region))))
}

/// Why the digits after a calling code are no valid number.
pub fn international_problem(calling_code: i32, written: &str) -> Problem {
    problem(PHONE_NUMBER_UTIL.parse(format!("+{calling_code}{written}"), None))
}

fn problem(parsed: Result<PhoneNumber, ParseError>) -> Problem {
    let number = match parsed {
        Ok(number) => number,
        Err(ParseError::InvalidCountryCode) => return Problem::UnknownCallingCode,
        Err(ParseError::TooLongNsn) => return Problem::TooLong,
        // The library accepts no number of fewer than two digits.
        Err(ParseError::NotANumber(_) | ParseError::TooShortAfterIdd | ParseError::TooShortNsn) => {
            return Problem::TooShort;
        }
    };
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
        Ok(NumberLengthType::IsPossible) => Problem::NotInNumberingPlan,
        Ok(NumberLengthType::IsPossibleLocalOnly) => Problem::AreaCodeMissing,
        Err(ValidationError::InvalidCountryCode) => Problem::UnknownCallingCode,
        Err(ValidationError::TooShort) => Problem::TooShort,
        Err(ValidationError::InvalidLength) => Problem::WrongLength,
        Err(ValidationError::TooLong) => Problem::TooLong,
    }
}

fn number(calling_code: i32, national: &str) -> Option<PhoneNumber> {
    let zeros = national.bytes().take_while(|byte| *byte == b'0').count();
    Some(PhoneNumber {
        country_code: calling_code,
        national_number: national.parse().ok()?,
        // The numeric value alone would lose leading zeros, which Italian numbers have.
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: i32::try_from(zeros).ok().filter(|zeros| *zeros > 1),
        ..PhoneNumber::default()
    })
}

/// Reads digits as dialled within `region`.
pub fn read_national(digits: &str, region: &str) -> Option<(i32, String)> {
    let number = PHONE_NUMBER_UTIL.parse(digits, Some(library_region(region))).ok()?;
    Some((number.country_code, number.get_national_significant_number()))
}

/// Reads the digits after a calling code, and drops the prefixes that the metadata has.
pub fn read_international(calling_code: i32, written: &str) -> Option<String> {
    let number = PHONE_NUMBER_UTIL
        .parse(format!("+{calling_code}{written}"), None)
        .ok()?;
    Some(number.get_national_significant_number())
}

/// The decimal digits of a text, of any script, as ASCII.
pub fn digits(text: &str) -> String {
    PHONE_NUMBER_UTIL.normalize_digits_only(text)
}

fn library_region(region: &str) -> rlibphonenumber::Region {
    rlibphonenumber::Region::from_code(region).expect("the library has a value for any two letters")
}

/// The region that gives the calling code its rules: the United States for 1.
pub fn main_region(calling_code: i32) -> Option<String> {
    PHONE_NUMBER_UTIL
        .get_region_for_country_code(calling_code)
        .map(|region| region.to_string())
}
