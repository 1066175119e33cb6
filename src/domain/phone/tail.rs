//! The text after the digits of a number: an extension, a remark, or a second number.

use super::problem::Problem;

/// Words after a number of hours: `24 hs`.
const TIME_WORDS: [&str; 12] = [
    "h", "hs", "hr", "hrs", "hora", "horas", "hour", "hours", "am", "pm", "uhr", "uur",
];

/// Words between two hours: `9 a 18`.
const RANGE_WORDS: [&str; 9] = ["a", "to", "bis", "às", "as", "até", "hasta", "till", "until"];

/// Characters between two hours: `9-18 hs`.
const RANGE_MARKS: [char; 7] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '–', '—', '~'];

/// The end of a text, after the digits of its number.
#[derive(PartialEq, Eq, Debug)]
pub struct Tail {
    pub extension: Option<String>,
    /// Why the end is neither an extension nor a remark: a second number, or an email.
    pub fault: Option<Problem>,
    /// Whether the end has letters that do not mark an extension.
    pub has_letters: bool,
}

/// The longest extension. More digits after its mark are another number.
const EXTENSION_MAX: usize = 8;

/// The most digits after a comma or a semicolon with a blank. More digits are another number.
const SPACED_EXTENSION_MAX: usize = 6;

/// The most digits of a number in a remark: `oficina 1204`.
const REMARK_NUMBER_MAX: usize = 4;

/// The most digits of a remark with several short numbers: `9:30 a 18:00`.
const REMARK_DIGITS_MAX: usize = 8;

/// Words before an extension, in lower case. English, Spanish, Portuguese, French, German, Dutch, Swedish, Polish,
/// Czech, Turkish, Russian, Ukrainian, Chinese, Japanese and Korean telephone lists use them.
const MARKS: [&str; 53] = [
    "ext",
    "exten",
    "extn",
    "extnr",
    "xtn",
    "xt",
    "extension",
    "extensión",
    "extensao",
    "extensão",
    "int",
    "interno",
    "internal",
    "intern",
    "interne",
    "anexo",
    "ramal",
    "rml",
    "poste",
    "opt",
    "option",
    "opc",
    "opcion",
    "opción",
    "opcao",
    "opção",
    "dw",
    "durchwahl",
    "app",
    "apparat",
    "nst",
    "nebenstelle",
    "toestel",
    "tst",
    "ank",
    "anknytning",
    "wew",
    "wewn",
    "wewnętrzny",
    "linka",
    "klapka",
    "dahili",
    "доб",
    "добавочный",
    "вн",
    "внутр",
    "внутренний",
    "дод",
    "转",
    "分机",
    "內線",
    "内線",
    "내선",
];

/// Letters that mark an extension directly after the number: `x5`, `e5`, Brazil's `R. 5`, and the pauses `p5` and `w5`.
const LETTER_MARKS: [&str; 6] = ["x", "ｘ", "e", "p", "w", "r"];

/// Words between a mark and its digits: `extension number 9`.
const NUMBER_WORDS: [&str; 12] = [
    "number",
    "no",
    "nr",
    "nro",
    "num",
    "numero",
    "número",
    "n",
    "nº",
    "n°",
    "номер",
    "№",
];

/// Words that join two numbers: `11 2345-6789 o 9`.
const CONJUNCTIONS: [&str; 14] = [
    "y", "o", "u", "e", "ou", "or", "and", "et", "und", "oder", "i", "и", "или", "en",
];

/// Whether the digits of the number end before `text`, whose first character is `character`. `is_spaced` says that a
/// blank precedes the character. Round brackets without a blank can group the last digits of the number.
pub fn begins(text: &str, character: char, is_spaced: bool) -> bool {
    match character {
        '(' if is_spaced && is_bracketed_remark(text) => true,
        '[' | '{' | '<' if is_bracketed_remark(text) => true,
        '(' | '[' | '{' => bracketed(text).is_some_and(|inside| inside.contains(char::is_alphabetic)),
        ',' | ';' | '*' | '#' | '~' => symbol_extension(text).is_some(),
        _ => character.is_alphabetic(),
    }
}

/// Whether the text begins with a number of a remark, such as `24hs` and `2do piso`. It is not a part of the phone
/// number before it.
pub fn is_ordinal(text: &str) -> bool {
    if text.starts_with("24/7") {
        return true;
    }
    let mut rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let length = text.len() - rest.len();
    let spaced = first_word(rest.trim_start());
    if TIME_WORDS.contains(&&*spaced.to_lowercase()) {
        rest = rest.trim_start();
    }
    let word = first_word(rest);
    let is_extension = || is_mark(word, true) && marked_digits(rest, word).is_some();
    length <= 2 && !word.is_empty() && !is_extension()
}

/// Whether the text begins with a time or with opening hours: `12:30`, `8 Uhr`, `9-18 hs`, `9 a 18`, `24x7`. A range
/// without a word or minutes, such as `9-18`, does not count, because it can be the end of the number.
pub fn is_time(text: &str) -> bool {
    after_time(text).is_some()
}

/// The text after the time or the opening hours with which it begins.
fn after_time(text: &str) -> Option<&str> {
    if let Some(rest) = ["24x7", "24 x 7", "24X7", "24/7"]
        .iter()
        .find_map(|always| text.strip_prefix(always))
        .filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Some(rest);
    }
    let (is_marked, rest) = after_hour(text)?;
    let first = is_marked.then_some(rest);
    let joint = rest.trim_start();
    let word = first_word(joint);
    let is_word = RANGE_WORDS.contains(&&*word.to_lowercase());
    let last = if is_word {
        &joint[word.len()..]
    } else if let Some(last) = joint.strip_prefix(RANGE_MARKS) {
        last
    } else {
        return first;
    };
    match after_hour(last.trim_start()) {
        Some((is_last_marked, rest)) if is_marked || is_last_marked || is_word => Some(rest),
        _ => first,
    }
}

/// Whether the hour with which the text begins has minutes or a time word, and the text after it.
fn after_hour(text: &str) -> Option<(bool, &str)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let hour = &text[..text.len() - rest.len()];
    if hour.len() > 2 || hour.parse::<u8>().ok()? > 24 {
        return None;
    }
    let minutes = rest.strip_prefix(':').and_then(|text| {
        let (minutes, rest) = text.split_at_checked(2)?;
        let is_minutes = minutes.bytes().all(|byte| byte.is_ascii_digit()) && minutes < "60";
        (is_minutes && !rest.starts_with(|c: char| c.is_ascii_digit())).then_some(rest)
    });
    let rest = minutes.unwrap_or(rest);
    let spaced = rest.trim_start();
    let word = first_word(spaced);
    if TIME_WORDS.contains(&&*word.to_lowercase()) {
        return Some((true, &spaced[word.len()..]));
    }
    Some((minutes.is_some(), rest))
}

/// Whether the text begins with a bracket around a short number, a time or opening hours, at the end of the digits:
/// `(2)`, `[9-18]`. Digits after the bracket make it a part of the number: `+54 9 223 (15) 596-1983`.
fn is_bracketed_remark(text: &str) -> bool {
    let Some(inside) = bracketed(text) else {
        return false;
    };
    let digits = inside.bytes().filter(u8::is_ascii_digit).count();
    let is_short = (1..=REMARK_NUMBER_MAX).contains(&digits) && !inside.contains(char::is_alphabetic);
    let after = text[inside.len() + 2..].trim_start();
    let is_last = !after
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .starts_with(|c: char| c.is_ascii_digit());
    (is_short || is_time(inside.trim_start())) && (is_last || is_time(after) || is_bracketed_remark(after))
}

/// Reads the end of a text. `is_separate` says that a blank, a comma or a similar character precedes it.
pub fn read(text: &str, is_separate: bool) -> Tail {
    let extension = |digits: &str| Tail {
        extension: Some(digits.to_owned()),
        fault: None,
        has_letters: false,
    };
    if let Some(digits) = symbol_extension(text) {
        return extension(digits);
    }
    let start = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let after_time = after_time(start);
    let mut rest = after_time.unwrap_or(start);
    let has_letters = rest.contains(char::is_alphabetic);
    let mut is_first = after_time.is_none();
    while let Some(at) = rest.find(char::is_alphabetic) {
        rest = &rest[at..];
        let word = first_word(rest);
        if is_mark(word, is_first)
            && let Some(digits) = marked_digits(rest, word)
        {
            return extension(digits);
        }
        is_first = false;
        rest = &rest[word.len()..];
    }
    Tail {
        extension: None,
        fault: fault(text, is_separate),
        has_letters,
    }
}

fn is_mark(word: &str, is_first: bool) -> bool {
    let word = word.to_lowercase();
    MARKS.contains(&&*word) || is_first && LETTER_MARKS.contains(&&*word)
}

/// The digits after `word`, with which the text begins, if they are an extension at the end of the text.
fn marked_digits<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let after = &text[word.len()..];
    // A spreadsheet's power of ten: `E+12`.
    if word.eq_ignore_ascii_case("e") && after.starts_with(['+', '-', '−']) {
        return None;
    }
    let mut rest = after.trim_start_matches(|c: char| !c.is_alphanumeric());
    let number_word = first_word(rest);
    if NUMBER_WORDS.contains(&&*number_word.to_lowercase()) {
        rest = rest[number_word.len()..].trim_start_matches(|c: char| !c.is_alphanumeric());
    }
    leading_extension(rest, EXTENSION_MAX)
}

/// The digits after `,`, `;`, `*`, `#` or `~`, if they are an extension at the end of the text.
fn symbol_extension(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches([',', ';', '*', '#', '~']);
    let digits = rest.trim_start();
    let marks = &text[..text.len() - rest.len()];
    let is_spaced_separator = digits.len() < rest.len() && matches!(marks, "," | ";");
    let longest = if is_spaced_separator {
        SPACED_EXTENSION_MAX
    } else {
        EXTENSION_MAX
    };
    let is_remark = is_spaced_separator && is_time(digits);
    (!marks.is_empty() && !is_remark)
        .then(|| leading_extension(digits, longest))
        .flatten()
}

/// The leading digits, if they are at most `longest` and no digits follow them.
fn leading_extension(text: &str, longest: usize) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    let is_last = !rest.contains(|c: char| c.is_ascii_digit());
    ((1..=longest).contains(&digits.len()) && is_last).then_some(digits)
}

/// Why the end of a text is no remark, but a second number or an email. `None` if it can be a remark.
fn fault(text: &str, is_separate: bool) -> Option<Problem> {
    let word = first_word(text.trim_start_matches(|c: char| !c.is_alphanumeric()));
    let after_word = text.trim_start_matches(|c: char| !c.is_alphanumeric())[word.len()..].trim_start();
    let joins_number = CONJUNCTIONS.contains(&&*word.to_lowercase())
        && after_word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '('));
    let has_address = text
        .split_whitespace()
        .any(|token| token.contains('@') && token.contains(|c: char| c.is_ascii_digit()));
    let is_attached_address = !is_separate && text.split_whitespace().next().is_some_and(|token| token.contains('@'));
    if has_address || is_attached_address {
        return Some(Problem::EmailAddress);
    }
    let groups = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty());
    let longest = groups.clone().map(str::len).max().unwrap_or(0);
    let digits: usize = groups.map(str::len).sum();
    let has_few_digits = digits <= REMARK_NUMBER_MAX || longest <= 2 && digits <= REMARK_DIGITS_MAX;
    (joins_number || !has_few_digits).then_some(Problem::TwoNumbers)
}

/// The letters with which the text begins.
fn first_word(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_alphabetic() || matches!(c, '°' | '№'));
    &text[..text.len() - rest.len()]
}

/// The text between the bracket, with which the text begins, and the next closing one.
fn bracketed(text: &str) -> Option<&str> {
    text.find([')', ']', '}', '>']).map(|end| &text[1..end])
}
