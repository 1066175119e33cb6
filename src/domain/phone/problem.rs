//! Why a text is no valid phone number, or identifies nobody.

use strum::{IntoStaticStr, VariantArray};

/// Why a text is no valid phone number, or identifies nobody. Its code is its name in kebab case, such as
/// `two-numbers`. A code never changes and never gets another meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Problem {
    // Of a text as a whole.
    NoDigits,
    TextTooLong,
    GroupId,
    HiddenNumber,
    LinkWithoutNumber,
    ScientificNotation,
    TwoNumbers,
    EmailAddress,
    LettersInNumber,
    DoubtfulLetters,
    TooManyDigits,
    // Of one reading of the digits.
    UnknownCallingCode,
    TooShort,
    TooLong,
    WrongLength,
    AreaCodeMissing,
    NotInNumberingPlan,
    // Of a phone as the identity of a contact.
    Placeholder,
    TooFewDigits,
    LettersDropped,
}

impl Problem {
    /// The code, for programs.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// An English sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Problem::NoDigits => "The text has no digit.",
            Problem::TextTooLong => "The text is too long to be one phone number.",
            Problem::GroupId => "It is the WhatsApp id of a group, a newsletter or a broadcast, and not of a person.",
            Problem::HiddenNumber => {
                "It is the WhatsApp id of a person who hides the number. Its digits are no phone number."
            }
            Problem::LinkWithoutNumber => "The link leads to a chat, a group or a channel, and has no phone number.",
            Problem::ScientificNotation => {
                "A spreadsheet has shortened the number to a power of ten, and its last digits are lost."
            }
            Problem::TwoNumbers => "The text has further digits after the number: two numbers, or more.",
            Problem::EmailAddress => "An @ stands in the number, as in an email address.",
            Problem::LettersInNumber => "Letters stand between the digits of the number.",
            Problem::DoubtfulLetters => {
                "The number is valid with its capital letters and without them, so nobody can tell which one is meant."
            }
            Problem::TooManyDigits => "The text has more digits than any phone number.",
            Problem::UnknownCallingCode => "The digits begin with no calling code of any country.",
            Problem::TooShort => "The number has too few digits for its country.",
            Problem::TooLong => "The number has too many digits for its country.",
            Problem::WrongLength => "Numbers of the country are shorter or longer, but never have this many digits.",
            Problem::AreaCodeMissing => "The number is too short: it has as many digits as one without its area code.",
            Problem::NotInNumberingPlan => {
                "The number has a possible length, but the country's numbering plan has no number that begins so."
            }
            Problem::Placeholder => "The phone is one digit, once or repeated, as in a placeholder.",
            Problem::TooFewDigits => "The phone has fewer than three digits.",
            Problem::LettersDropped => {
                "The text has letters that are no label and no extension, so its digits alone are not the number."
            }
        }
    }
}

/// Why a text, or one reading of it, is no valid number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadingProblem {
    pub problem: Problem,
    /// `None` for a problem of the whole text.
    pub reading: Option<ReadingKind>,
}

/// A way to read digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ReadingKind {
    /// As dialled within the region.
    National,
    /// As a calling code and a number.
    International,
}

impl ReadingKind {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl ReadingProblem {
    /// A problem of the whole text.
    pub(super) fn of_text(problem: Problem) -> Self {
        let reading = None;
        Self { problem, reading }
    }
}
