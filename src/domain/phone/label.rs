//! The text before the digits of a number: a label such as `Tel 2:`, an index such as `1)`, a telephone's service code.

use super::rule::{Rule, Rules};
use super::{countries, metadata};

/// The fewest digits after a label or an index that has a digit. With fewer digits its digit is part of the number.
pub struct Fewest {
    /// After a label such as `Tel 2:`.
    after_label: usize,
    /// After an index such as `1)`.
    after_index: usize,
    /// After a bracket at the end of a label: `Tel 2)`. The label can be an area code that lost a bracket.
    after_bracket: usize,
    /// After a known word and a digit between blanks: `Tel 1 `.
    after_spaced_index: usize,
    /// After a known word that ends with a digit: `cel2 `.
    after_known_word: usize,
}

/// Before a complete phone number.
pub const BEFORE_NUMBER: Fewest = Fewest {
    after_label: 6,
    after_index: 6,
    after_bracket: 6,
    after_spaced_index: AFTER_DOUBTFUL_INDEX_MIN,
    after_known_word: AFTER_WORD_MIN,
};

/// Before a piece of a number. A doubtful index stays a part of the piece, because without it the piece would find
/// other people.
pub const BEFORE_PIECE: Fewest = Fewest {
    after_label: 1,
    after_index: 1,
    after_bracket: 6,
    after_spaced_index: 6,
    after_known_word: 1,
};

/// Fewest digits of a number after an index that can be an area code: `11) 2345-6789` lost a bracket, and
/// `2- 2345 6789` is a number of Santiago.
const AFTER_DOUBTFUL_INDEX_MIN: usize = 9;

/// Fewest digits of a number after any word that ends with a digit: `ana2 11 2345-6789`.
const AFTER_WORD_MIN: usize = 8;

/// Codes that hide or show the caller's number: GSM's, and North America's.
const SERVICE_CODES: [&str; 6] = ["#31#", "*31#", "#30#", "*30#", "*67", "*82"];

/// Words before a number.
const WORDS: [&str; 41] = [
    "tel",
    "tels",
    "teléfono",
    "telefono",
    "telefone",
    "telephone",
    "telf",
    "tlf",
    "tfno",
    "tlfn",
    "cel",
    "celular",
    "cell",
    "mobile",
    "mobil",
    "móvil",
    "movil",
    "mob",
    "phone",
    "ph",
    "fon",
    "fono",
    "whatsapp",
    "whatsap",
    "wsp",
    "wpp",
    "wa",
    "fax",
    "handy",
    "call",
    "callto",
    "nro",
    "num",
    "número",
    "numero",
    "number",
    "no",
    "home",
    "work",
    "casa",
    "trabajo",
];

/// Removes a service code, and a label or an index that has a digit. Returns whether the rest of the text begins with
/// letters that are no known label, and the rest of the text. Notes what it removed.
pub fn without<'t>(text: &'t str, fewest: &Fewest, rules: &mut Rules) -> (bool, &'t str) {
    let text = text.trim_start();
    if text.starts_with('+') || text.starts_with(|c: char| c.is_ascii_digit()) && !begins_with_index(text) {
        return (false, text);
    }
    let after_code = without_service_code(text);
    let number = without_index(after_code, fewest)
        .or_else(|| without_index(without_symbols(after_code), fewest))
        .or_else(|| without_numbered_label(after_code, fewest))
        .or_else(|| without_spaced_index(after_code, fewest))
        .or_else(|| without_numbered_word(after_code, fewest));
    rules.note_if(after_code.len() < text.len(), Rule::ServiceCode);
    rules.note_if(number.is_some(), Rule::IndexRemoved);
    let number = number.unwrap_or(after_code);
    (begins_with_other_letters(number), number)
}

/// Whether the text begins with at most two digits that can be an index, because no hyphen joins them to further ones.
/// Most texts do not.
fn begins_with_index(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.len() - rest.len() <= 2 && (!rest.starts_with('-') || rest.starts_with("- "))
}

fn without_service_code(text: &str) -> &str {
    SERVICE_CODES
        .iter()
        .find_map(|code| text.strip_prefix(code))
        .map_or(text, str::trim_start)
}

/// The text without the symbols before it, such as `☎`. They do not include `№`, which belongs to its digit.
fn without_symbols(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || is_symbol(c) && c != '№')
}

/// Whether the character is a picture or a sign that can stand in place of a label, and no dash or quote.
fn is_symbol(character: char) -> bool {
    let is_punctuation = matches!(character, '\u{80}'..='\u{BF}' | '\u{2000}'..='\u{206F}');
    character == '•' || !character.is_ascii() && !character.is_alphanumeric() && !is_punctuation
}

/// Removes `1)`, `1:`, `1.`, `1-`, `1º`, `[1]`, `(1)`, `#1` and `№1`.
fn without_index<'t>(text: &'t str, minimum: &Fewest) -> Option<&'t str> {
    let opening = text.strip_prefix(['[', '(', '#', '№']).unwrap_or(text);
    let rest = opening.trim_start_matches(|c: char| c.is_ascii_digit());
    let index = &opening[..opening.len() - rest.len()];
    if !(1..=2).contains(&index.len()) || index.starts_with('0') {
        return None;
    }
    let number = match text.chars().next()? {
        '[' => rest.strip_prefix(']')?,
        '(' => rest
            .strip_prefix(')')
            .filter(|_| index.len() == 1 && !is_international(text))?,
        '#' | '№' => rest.strip_prefix([' ', ':', ')'])?,
        _ => {
            let rest = rest.trim_start();
            [".)", ".-", ". ", "- ", ")", ":", "º", "°", "ª"]
                .iter()
                .find_map(|end| rest.strip_prefix(end))?
        }
    };
    let is_doubtful = index.len() > 1 || rest.starts_with('-') || text.starts_with('(');
    let fewest = if !is_doubtful {
        minimum.after_index
    } else {
        AFTER_DOUBTFUL_INDEX_MIN
    };
    (digits(number) >= fewest).then_some(number)
}

/// Removes a label with letters and at most two digits that ends with `:`, `=` or `)`: `Tel 2:`. After a label that
/// ends with a dash between blanks (`Tel 2 - `) a longer number must follow, because the digit can be an area code.
fn without_numbered_label<'t>(text: &'t str, fewest: &Fewest) -> Option<&'t str> {
    if let Some((label, number)) = text.split_once(" - ")
        && digits(label) == 1
        && label.starts_with(char::is_alphabetic)
        && digits(number) >= AFTER_DOUBTFUL_INDEX_MIN
    {
        return Some(number);
    }
    text.match_indices([':', '=', ')'])
        .map(|(at, _)| text.split_at(at))
        .rfind(|(label, number)| {
            (1..=2).contains(&digits(label))
                && label.contains(|c: char| c.is_alphabetic() || is_symbol(c))
                && label.matches('(').count() <= usize::from(!number.starts_with(')'))
                && digits(number)
                    >= match number.starts_with(')') {
                        true => fewest.after_bracket,
                        false => fewest.after_label,
                    }
        })
        .map(|(_, number)| &number[1..])
}

/// Removes a known word and a digit between blanks: `Tel 1 11 2345-6789`. A `0` and Argentina's `9` always begin the
/// number. Another digit begins it if all digits together are a valid number with its calling code.
fn without_spaced_index<'t>(text: &'t str, fewest: &Fewest) -> Option<&'t str> {
    let (word, rest) = text.split_once(char::is_whitespace)?;
    let (index, number) = rest.trim_start().split_once(char::is_whitespace)?;
    let is_known = WORDS.contains(&&*word.trim_end_matches(['.', ':']).to_lowercase());
    let is_index = matches!(index.as_bytes(), [b'1'..=b'8']);
    (is_known && is_index && digits(number) >= fewest.after_spaced_index && !is_international(rest)).then_some(number)
}

/// Whether the digits are a valid number that begins with its calling code.
fn is_international(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    metadata::split_calling_code(&digits)
        .is_some_and(|(calling_code, written)| countries::is_number(calling_code, written))
}

/// Removes a word that ends with a digit: `cel2 `.
fn without_numbered_word<'t>(text: &'t str, fewest: &Fewest) -> Option<&'t str> {
    let (word, number) = text.split_once(char::is_whitespace)?;
    let word = word.trim_end_matches(['.', '-', '_']);
    let letters = word
        .strip_suffix(|c: char| c.is_ascii_digit())?
        .trim_end_matches(['.', '-', '_']);
    let is_label = letters.chars().count() >= 2 && letters.chars().all(char::is_alphabetic);
    let minimum = if WORDS.contains(&&*letters.to_lowercase()) {
        fewest.after_known_word
    } else {
        AFTER_WORD_MIN
    };
    (is_label && digits(number) >= minimum).then_some(number)
}

/// Whether a word that is not one of [`WORDS`] precedes the digits. Letters that end with a colon are a label, and do
/// not count.
fn begins_with_other_letters(text: &str) -> bool {
    let end = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let before = text[..end].trim_end_matches(['+', ' ', '(', '/']);
    !before.ends_with(':')
        && before
            .split(|c: char| !c.is_alphabetic())
            .any(|word| !word.is_empty() && !WORDS.contains(&&*word.to_lowercase()))
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}
