//! Extracts digits from a text, and removes the text that people, telephones and spreadsheets write around a number.

use std::borrow::Cow;

use super::problem::Problem;
use super::rule::{Rule, Rules};
use super::tail::{self, Tail};
use super::{address, label, metadata, whatsapp_id};
use crate::domain::visible::is_invisible;

/// How the text marks the country of its digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notation {
    /// `+`, then the calling code.
    Plus,
    /// `00`, then the calling code. In a region with longer international prefixes, `00` can be the start of one.
    DoubleZero,
    /// Digits without a mark.
    Bare,
    /// Digits without a mark, with brackets around the first ones: an area code.
    BareWithAreaCode,
    /// An id such as `5491123456789@s.whatsapp.net`, which begins with the calling code but has no `+`.
    WhatsApp,
}

/// The phone number in a text.
#[derive(Clone, Debug)]
pub struct Written {
    /// ASCII digits, without a leading `00`. All digits of the text if it is not one number.
    pub digits: String,
    pub notation: Notation,
    /// The digits of the extension.
    pub extension: Option<String>,
    /// Why the digits do not form one number. Two numbers in a cell, letters amid the digits and a spreadsheet's
    /// `5.49112E+12` do not: joining or completing them would invent a number.
    pub fault: Option<Problem>,
    /// The text starting at the first digit, if it has letters that mark no extension: a remark, or a vanity number
    /// (`1-800-FLOWERS`).
    pub lettered: Option<String>,
    /// Whether letters that are no label precede the digits.
    pub begins_with_letters: bool,
    /// Whether a blank precedes the first digit, where a query parameter may have lost a `+`.
    pub blank_first: bool,
    /// The rules that led from the text to the digits.
    pub rules: Rules,
}

/// The fewest digits before an extension or a remark. After fewer digits an `x` is not a mark (`0xx11`).
const NUMBER_MIN: usize = 6;

/// The fewest digits of a piece before a remark.
const PIECE_MIN: usize = 3;

/// The most digits of a power of ten after its sign.
const POWER_MAX: usize = 3;

/// The most bytes of a text with one number.
const LENGTH_MAX: usize = 1_000;

impl Written {
    pub fn read(text: &str) -> Self {
        let mut rules = Rules::default();
        let text = plain(text, &mut rules);
        let trimmed = text.trim();
        let blank_first = text.starts_with(' ') && trimmed.starts_with(|c: char| c.is_ascii_digit());
        let mut written = Self::read_trimmed(trimmed);
        written.blank_first = blank_first;
        written.rules = written.rules.with(rules);
        if !written.is_one_number() {
            written.digits = trimmed.chars().filter(char::is_ascii_digit).collect();
            written.extension = None;
        }
        let zeros = double_zeros(&written.digits);
        if zeros > 0 {
            written.digits.drain(..zeros);
            if written.notation == Notation::Plus {
                written.rules.note(Rule::DoubleZero);
            } else {
                written.notation = Notation::DoubleZero;
            }
        }
        written
    }

    /// Reads a piece of a number. `None` if the text is not one piece.
    pub fn read_piece(text: &str) -> Option<Self> {
        let written = Self::scan(text, &label::BEFORE_PIECE, PIECE_MIN);
        // After few digits, what seems to be an extension can be the rest of the piece: `223 x 596`.
        let is_doubtful = written.extension.is_some() && written.digits.len() < NUMBER_MIN;
        (written.is_one_number() && !is_doubtful).then_some(written)
    }

    pub fn is_one_number(&self) -> bool {
        self.fault.is_none()
    }

    fn read_trimmed(text: &str) -> Self {
        if let Some(id) = whatsapp_id::number(text).filter(|_| text.len() <= LENGTH_MAX) {
            let mut written = Self::scan_number(id);
            written.notation = Notation::WhatsApp;
            written.rules.note(Rule::WhatsAppId);
            return written;
        }
        if let Some(fault) = fault(text) {
            return Self::no_number(Some(fault));
        }
        let Some(address) = address::read(text) else {
            let (number, extension) = address::without_parameters(text);
            let without_zero = without_decimal_zero(number);
            let mut written = Self::scan_number(without_zero);
            written.take_extension(extension);
            written
                .rules
                .note_if(number.len() < text.len(), Rule::AddressParameters);
            written
                .rules
                .note_if(without_zero.len() < number.len(), Rule::DecimalZero);
            return written;
        };
        let mut written = Self::scan_number(&address.number);
        if address.is_whatsapp && written.notation != Notation::Plus {
            written.notation = Notation::WhatsApp;
        }
        written.take_extension(address.extension);
        written.rules.note(address.rule);
        written
    }

    /// Takes the extension in the parameters of an address, unless the number itself has one.
    fn take_extension(&mut self, extension: Option<String>) {
        self.rules.note_if(extension.is_some(), Rule::ExtensionSplit);
        self.extension = self.extension.take().or(extension);
    }

    fn no_number(fault: Option<Problem>) -> Self {
        Self {
            digits: String::new(),
            notation: Notation::Bare,
            extension: None,
            fault,
            lettered: None,
            begins_with_letters: false,
            blank_first: false,
            rules: Rules::default(),
        }
    }

    fn scan_number(text: &str) -> Self {
        Self::scan(text, &label::BEFORE_NUMBER, NUMBER_MIN)
    }

    /// Collects the digits up to an extension or a remark, and detects characters that cannot be part of one number. At
    /// least `fewest_before_tail` digits precede an extension or a remark.
    fn scan(text: &str, fewest_after: &label::Fewest, fewest_before_tail: usize) -> Self {
        let mut rules = Rules::default();
        let (begins_with_letters, text) = label::without(text, fewest_after, &mut rules);
        let mut written = Self {
            digits: String::with_capacity(16),
            begins_with_letters,
            rules,
            ..Self::no_number(None)
        };
        let mut is_closed = false;
        let mut first_digit = None;
        let mut has_letters = false;
        let mut has_signs = false;
        let mut previous = ' ';
        for (at, character) in text.char_indices() {
            let digits = written.digits.len();
            match character {
                '0'..='9' if digits >= NUMBER_MIN && previous.is_whitespace() && tail::is_time(&text[at..]) => {
                    let tail = tail::read(&text[at..], true);
                    has_letters = tail.has_letters;
                    written.add_tail(tail);
                    break;
                }
                '0'..='9' if digits >= NUMBER_MIN && !previous.is_ascii_digit() && tail::is_ordinal(&text[at..]) => {
                    has_letters = true;
                    written.add_tail(tail::read(&text[at..], false));
                    break;
                }
                '0'..='9' => {
                    first_digit.get_or_insert(at);
                    if is_closed {
                        written.add_fault(Problem::TwoNumbers);
                    }
                    written.digits.push(character);
                }
                '+' if digits == 0 => written.notation = Notation::Plus,
                // A second `+` after the calling code means nothing, unless the digits after it repeat the code.
                '+' if written.notation == Notation::Plus
                    && is_calling_code(&written.digits)
                    && !repeats(&text[at..], &written.digits) => {}
                '+' if is_before_plus(&written.digits)
                    && (written.notation != Notation::Plus || repeats(&text[at..], &written.digits)) =>
                {
                    written.digits.clear();
                    written.notation = Notation::Plus;
                    written.fault = None;
                    written.rules.note(Rule::DigitsBeforePlus);
                    (first_digit, is_closed, has_letters) = (None, false, false);
                }
                '(' if digits == 0 && written.notation == Notation::Bare => {
                    written.notation = Notation::BareWithAreaCode;
                }
                '/' if digits <= area_code_max(written.notation) => has_signs |= digits > 0,
                // Brazil's "0xx11" and "0**11": the trunk prefix, and a placeholder for any carrier.
                'x' | 'X' | '*' if matches!(written.digits.as_str(), "0" | "550" | "00550") => {
                    written.rules.note(Rule::CarrierPlaceholder);
                }
                _ if digits >= fewest_before_tail && tail::begins(&text[at..], character, previous.is_whitespace()) => {
                    let is_separate = is_closed || previous.is_whitespace() || previous == '(';
                    let tail = tail::read(&text[at..], is_separate);
                    has_letters = tail.has_letters;
                    written.add_tail(tail);
                    break;
                }
                '@' => written.add_fault(Problem::EmailAddress),
                '+' | '/' | '\\' | ',' | ';' | '|' | '&' | '*' | '#' | '\n' | '\r' | '\t' | '×' | '^' => {
                    is_closed = digits > 0;
                    has_signs |= digits > 0;
                }
                _ if character.is_alphanumeric() => {
                    has_letters |= digits > 0;
                    if digits == 0 {
                        written.rules.note(Rule::LabelRemoved);
                    } else {
                        written.add_fault(Problem::LettersInNumber);
                    }
                }
                _ => has_signs |= digits > 0,
            }
            previous = character;
        }
        written.rules.note_if(has_signs, Rule::Cleaned);
        if has_letters && let Some(at) = first_digit {
            written.lettered = Some(text[at..].to_owned());
        }
        written
    }

    fn add_tail(&mut self, tail: Tail) {
        match tail.fault {
            Some(fault) => self.add_fault(fault),
            None if tail.extension.is_some() => self.rules.note(Rule::ExtensionSplit),
            None => self.rules.note(Rule::RemarkRemoved),
        }
        self.extension = tail.extension;
    }

    /// Adds a fault. The first one counts.
    fn add_fault(&mut self, fault: Problem) {
        self.fault.get_or_insert(fault);
    }
}

/// Why the text as a whole is not one number.
fn fault(text: &str) -> Option<Problem> {
    if text.len() > LENGTH_MAX {
        Some(Problem::TextTooLong)
    } else if address::is_link_without_number(text) {
        Some(Problem::LinkWithoutNumber)
    } else if whatsapp_id::is_group_or_channel(text) {
        Some(Problem::GroupId)
    } else if whatsapp_id::is_hidden_number(text) {
        Some(Problem::HiddenNumber)
    } else if is_scientific(text) {
        Some(Problem::ScientificNotation)
    } else if has_two_values(text) {
        Some(Problem::TwoNumbers)
    } else {
        None
    }
}

/// The length of the leading `00`, with its repetitions. A digit must follow them. An unresolved number is stored as
/// `+` and its digits. If these digits still began with `00`, reading the stored form again would drop the `00`.
fn double_zeros(digits: &str) -> usize {
    let mut rest = digits;
    while let Some(after) = rest.strip_prefix("00").filter(|after| !after.is_empty()) {
        rest = after;
    }
    digits.len() - rest.len()
}

/// Whether digits before a `+` are not part of the number after it: an international prefix (`00 +54`), or the index of
/// a label (`Tel 1 +54`).
fn is_before_plus(digits: &str) -> bool {
    digits.len() <= 2 || matches!(digits, "001" | "009" | "010" | "011" | "0011" | "810")
}

fn is_calling_code(digits: &str) -> bool {
    metadata::split_calling_code(digits).is_some_and(|(_, rest)| rest.is_empty())
}

/// Whether the digits of the text begin with `digits`.
fn repeats(text: &str, digits: &str) -> bool {
    let mut found = text.chars().filter(char::is_ascii_digit);
    digits.chars().all(|digit| found.next() == Some(digit))
}

/// The text with ASCII digits and punctuation, and without invisible characters. WhatsApp and address books put
/// direction marks around a copied number.
pub(super) fn plain<'t>(text: &'t str, rules: &mut Rules) -> Cow<'t, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && (byte >= b' ' || byte.is_ascii_whitespace()))
    {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        let ascii = match character {
            '\u{FE62}' | '\u{207A}' => Some('+'),
            // The Arabic decimal mark.
            '\u{66B}' => Some('.'),
            // Fullwidth characters of East Asian keyboards, such as `：` and `（`.
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0),
            _ if is_invisible(character) => {
                rules.note(Rule::InvisibleCharacters);
                continue;
            }
            _ if !character.is_ascii() && character.is_numeric() => {
                metadata::digits(character.encode_utf8(&mut [0; 4])).chars().next()
            }
            _ => None,
        };
        rules.note_if(ascii.is_some(), Rule::OtherScripts);
        plain.push(ascii.unwrap_or(character));
    }
    Cow::Owned(plain)
}

/// Whether a spreadsheet shortened the number to a power of ten: `5.49112E+12`. A label can precede it, and a remark
/// can follow it.
fn is_scientific(text: &str) -> bool {
    let (_, text) = label::without(text, &label::BEFORE_NUMBER, &mut Rules::default());
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let Some((mantissa, exponent)) = text[start..].split_once(char::is_alphabetic) else {
        return false;
    };
    if !text[start + mantissa.len()..].starts_with(['E', 'e']) {
        return false;
    }
    let mantissa = mantissa.trim_end();
    let has_sign = exponent.starts_with(['+', '-', '−']);
    let power = exponent.trim_start_matches(['+', '-', '−', ' ']);
    let rest = power.trim_start_matches(|c: char| c.is_ascii_digit());
    let length = power.len() - rest.len();
    if length == 0 || rest.starts_with(char::is_alphanumeric) {
        return false;
    }
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) if is_digits(whole) && is_digits(fraction) => true,
        _ if has_sign => length <= POWER_MAX && mantissa.ends_with(|c: char| c.is_ascii_digit()),
        // Without a fraction and a sign, an `e` after `NUMBER_MIN` digits or more marks an extension.
        _ => is_digits(mantissa) && mantissa.len() < NUMBER_MIN && !rest.contains(|c: char| c.is_ascii_digit()),
    }
}

/// Whether Google's separator of several values stands between digits: `11 2345-6789 ::: 11 2345-6780`.
fn has_two_values(text: &str) -> bool {
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    // Hardly any text has a colon, and a search for one character costs far less than a search for a string.
    text.contains(':')
        && text
            .split_once(":::")
            .is_some_and(|(first, rest)| has_digit(first) && has_digit(rest))
}

/// Removes the zero of a number such as `5491123456789.0`, which comes from a column of decimals. Unlike `5.49112E+12`
/// it lost no digits.
fn without_decimal_zero(text: &str) -> &str {
    let is_plain = |number: &str| {
        number.len() > NUMBER_MIN && number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit())
    };
    [".0", ".00", ",0", ",00"]
        .iter()
        .find_map(|zero| text.strip_suffix(zero))
        .filter(|number| is_plain(number))
        .unwrap_or(text)
}

/// How many digits can precede a slash that ends an area code (`0351/4123456`). After more digits a slash separates two
/// numbers (`4123-4567/4123-4568`).
fn area_code_max(notation: Notation) -> usize {
    match notation {
        Notation::Plus | Notation::DoubleZero => 8,
        Notation::Bare | Notation::BareWithAreaCode | Notation::WhatsApp => 6,
    }
}
