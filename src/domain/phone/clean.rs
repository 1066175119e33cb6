//! Extracts digits from a text, and removes what people, telephones and spreadsheets write around a number.

use std::borrow::Cow;

use super::metadata;

/// How the text marks the country of its digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notation {
    /// `+` or `00`, then the calling code.
    International,
    /// Digits without a mark.
    Bare,
    /// An id such as `5491123456789@s.whatsapp.net`, which begins with the calling code but has no `+`.
    WhatsApp,
}

/// The phone number in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// ASCII digits, without a leading `00`. All digits of the text if it is not one number.
    pub digits: String,
    pub notation: Notation,
    /// Whether the digits form one number. Two numbers in a cell, letters for digits (`1-800-FLOWERS`) and a
    /// spreadsheet's `5.49112E+12` do not: joining or completing them would invent a number.
    pub is_one_number: bool,
    /// Whether a blank precedes the first digit, where a query parameter may have lost a `+`.
    pub blank_first: bool,
}

/// The longest extension. More digits after its mark are another number.
const EXTENSION_MAX: usize = 7;

/// The fewest digits before an extension. After fewer digits an `x` is not a mark (`0xx11`).
const NUMBER_MIN: usize = 6;

impl Written {
    pub fn read(text: &str) -> Self {
        let text = ascii_digits(text);
        let trimmed = text.trim();
        let blank_first = text.starts_with(' ') && trimmed.starts_with(|c: char| c.is_ascii_digit());

        let mut written = match without_whatsapp_suffix(trimmed) {
            Some(id) => Written {
                notation: Notation::WhatsApp,
                ..scan(id)
            },
            None => scan(without_extension(without_remark(without_decimal_zero(trimmed)))),
        };
        written.blank_first = blank_first;
        let zeros = international_prefix(&written.digits);
        if zeros > 0 {
            written.digits.drain(..zeros);
            written.notation = Notation::International;
        }
        written
    }
}

/// The length of the leading `00`, with its repetitions. A digit must follow them. An unresolved number is stored as
/// `+` and its digits. If these digits still began with `00`, reading the stored form again would drop the `00`.
fn international_prefix(digits: &str) -> usize {
    let mut rest = digits;
    while let Some(after) = rest.strip_prefix("00").filter(|after| !after.is_empty()) {
        rest = after;
    }
    digits.len() - rest.len()
}

/// The text with ASCII digits and `+`, and without the invisible marks for right-to-left text that WhatsApp and address
/// books put around a copied number.
fn ascii_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{FF0B}' => plain.push('+'),
            '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => {}
            _ if !character.is_ascii() && character.is_numeric() => {
                let digit = metadata::digits(character.encode_utf8(&mut [0; 4]));
                plain.push(digit.chars().next().unwrap_or(character));
            }
            _ => plain.push(character),
        }
    }
    Cow::Owned(plain)
}

/// The number of a WhatsApp id, without the device that can follow it (`5491123456789:12@s.whatsapp.net`).
fn without_whatsapp_suffix(text: &str) -> Option<&str> {
    let id = ["@s.whatsapp.net", "@c.us"].iter().find_map(|suffix| {
        let (id, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
        end.eq_ignore_ascii_case(suffix).then_some(id)
    })?;
    match id.rsplit_once(':') {
        Some((number, _device)) if has_digit(number) => Some(number),
        _ => Some(id),
    }
}

/// Removes `.0` from a number such as `5491123456789.0`, which comes from a column of decimals. Unlike `5.49112E+12` it
/// lost no digits.
fn without_decimal_zero(text: &str) -> &str {
    let is_plain = |number: &str| {
        number.len() > NUMBER_MIN && number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit())
    };
    text.strip_suffix(".0")
        .filter(|number| is_plain(number))
        .unwrap_or(text)
}

/// Removes a remark in brackets from the end: `11 2345-6789 (casa)`.
fn without_remark(text: &str) -> &str {
    match text.strip_suffix(')').and_then(|open| open.rfind('(')) {
        Some(at) if !has_digit(&text[at..]) => text[..at].trim_end(),
        _ => text,
    }
}

/// Removes an extension from the end: `x123`, `ext. 5`, `(int. 5)`, `#5`, `;ext=5`, and `,,5`, where a telephone pauses
/// before it dials on.
fn without_extension(text: &str) -> &str {
    let end = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let marked = end.trim_end_matches(|c: char| c.is_ascii_digit());
    if !(1..=EXTENSION_MAX).contains(&(end.len() - marked.len())) {
        return text;
    }
    let before_gap = marked.trim_end_matches(|c: char| !c.is_alphanumeric());
    let number = before_gap.trim_end_matches(char::is_alphabetic);
    let (gap, mark) = (&marked[before_gap.len()..], &before_gap[number.len()..]);
    let is_marked = if mark.is_empty() {
        gap.contains('#') || gap.contains(",,")
    } else {
        is_extension_mark(mark)
    };
    let is_number = || number.bytes().filter(u8::is_ascii_digit).count() >= NUMBER_MIN;
    if is_marked && is_number() { number } else { text }
}

/// Whether the word marks an extension: `int.` and `interno` are Argentinian, `anexo` Chilean, `ramal` Brazilian.
fn is_extension_mark(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "x" | "ext" | "extn" | "extension" | "extensión" | "int" | "interno" | "anexo" | "ramal"
    )
}

/// Collects the digits, and detects characters that cannot be part of one number. Words before the number are a label
/// (`tel:`).
fn scan(text: &str) -> Written {
    let mut digits = String::with_capacity(16);
    let mut notation = Notation::Bare;
    let mut is_one_number = true;
    let mut is_closed = false;
    for character in text.chars() {
        match character {
            '0'..='9' => {
                is_one_number &= !is_closed;
                digits.push(character);
            }
            '+' if digits.is_empty() => notation = Notation::International,
            '/' if digits.len() <= area_code_max(notation) => {}
            // Brazil's "0xx11" and "0**11": the trunk prefix, and a placeholder for any carrier.
            'x' | 'X' | '*' if matches!(digits.as_str(), "0" | "550" | "00550") => {}
            '+' | '/' | '\\' | ',' | ';' | '|' | '&' | '*' | '#' | '\n' | '\r' => is_closed = !digits.is_empty(),
            _ if character.is_alphanumeric() => is_one_number &= digits.is_empty(),
            _ => {}
        }
    }
    Written {
        digits,
        notation,
        is_one_number,
        blank_first: false,
    }
}

/// How many digits can precede a slash that ends an area code (`0351/4123456`). After more digits a slash separates two
/// numbers (`4123-4567/4123-4568`).
fn area_code_max(notation: Notation) -> usize {
    match notation {
        Notation::International => 8,
        Notation::Bare | Notation::WhatsApp => 6,
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}
