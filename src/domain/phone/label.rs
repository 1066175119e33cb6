//! What precedes the digits of a number: a label such as `Tel 2:`, an index such as `1)`, a telephone's service code.

/// Fewest digits of a number after a label with a digit. With fewer digits the digit of the label is part of the number.
const NUMBER_MIN: usize = 6;

/// Fewest digits of a number after an index of two digits, which can be an area code that lost a bracket: `11) 2345-6789`.
const AFTER_TWO_DIGITS_MIN: usize = 9;

/// Fewest digits of a number after a word that ends with a digit: `cel2 11 2345-6789`.
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

/// The text without the label that has a digit, and whether the text begins with letters that are no known label.
pub fn without(text: &str) -> (bool, &str) {
    let text = text.trim_start();
    if text.starts_with('+') || text.starts_with(|c: char| c.is_ascii_digit()) && !begins_with_index(text) {
        return (false, text);
    }
    let number = without_service_code(text);
    let number = without_index(number)
        .or_else(|| without_numbered_label(number))
        .or_else(|| without_numbered_word(number))
        .unwrap_or(number);
    (begins_with_other_letters(number), number)
}

/// Whether the text begins with one or two digits and a character that ends an index. Most texts do not.
fn begins_with_index(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.len() - rest.len() <= 2 && !rest.starts_with('-')
}

fn without_service_code(text: &str) -> &str {
    SERVICE_CODES
        .iter()
        .find_map(|code| text.strip_prefix(code))
        .map_or(text, str::trim_start)
}

/// Removes `1)`, `1:`, `1.`, `1º`, `[1]` and `#1`.
fn without_index(text: &str) -> Option<&str> {
    let opening = text.strip_prefix(['[', '#']).unwrap_or(text);
    let rest = opening.trim_start_matches(|c: char| c.is_ascii_digit());
    let index = &opening[..opening.len() - rest.len()];
    if !(1..=2).contains(&index.len()) || index.starts_with('0') {
        return None;
    }
    let number = match text.chars().next()? {
        '[' => rest.strip_prefix(']')?,
        '#' => rest.strip_prefix([' ', ':', ')'])?,
        _ => {
            let rest = rest.trim_start();
            [".)", ".-", ". ", ")", ":", "º", "°", "ª"]
                .iter()
                .find_map(|end| rest.strip_prefix(end))?
        }
    };
    let fewest = if index.len() == 1 {
        NUMBER_MIN
    } else {
        AFTER_TWO_DIGITS_MIN
    };
    (digits(number) >= fewest).then_some(number)
}

/// Removes a label with letters and at most two digits that ends with `:`, `=` or `)`: `Tel 2:`.
fn without_numbered_label(text: &str) -> Option<&str> {
    text.match_indices([':', '=', ')'])
        .map(|(at, _)| text.split_at(at))
        .filter(|(label, number)| {
            (1..=2).contains(&digits(label))
                && label.contains(char::is_alphabetic)
                && label.matches('(').count() <= usize::from(!number.starts_with(')'))
                && digits(number) >= NUMBER_MIN
        })
        .last()
        .map(|(_, number)| &number[1..])
}

/// Removes a word that ends with a digit: `cel2 `.
fn without_numbered_word(text: &str) -> Option<&str> {
    let (word, number) = text.split_once(char::is_whitespace)?;
    let word = word.trim_end_matches(['.', '-', '_']);
    let letters = word
        .strip_suffix(|c: char| c.is_ascii_digit())?
        .trim_end_matches(['.', '-', '_']);
    let is_label = letters.chars().count() >= 2 && letters.chars().all(char::is_alphabetic);
    (is_label && digits(number) >= AFTER_WORD_MIN).then_some(number)
}

/// Whether letters precede the digits, and neither end with a colon nor are words before a number.
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
