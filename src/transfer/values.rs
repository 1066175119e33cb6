//! Parses the text of a cell.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::fold::fold_text;
use crate::domain::contact::Attribute;
use crate::domain::email;

/// Parses yes and no in English, Spanish and Portuguese, or 1 and 0. Accents do not matter.
pub fn boolean(text: &str) -> Option<bool> {
    match fold_text(text).as_str() {
        "true" | "t" | "yes" | "y" | "1" | "si" | "s" | "sim" | "verdadero" | "verdadeiro" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "nao" | "falso" => Some(false),
        _ => None,
    }
}

/// Whether the text is a date in any order, with or without a time of day.
pub(super) fn looks_like_a_date(text: &str) -> bool {
    let date = text.split([' ', 'T', ',']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let is_number = |part: &&str| part.len() <= 4 && part.parse::<u16>().is_ok();
    let is_day_and_month = parts.iter().filter(|part| part.len() <= 2).count() >= 2;
    parts.len() == 3 && parts.iter().all(is_number) && is_day_and_month
}

/// Whether the text stands for no value of the attribute, as `-` and `n/a` do, and `0` as a phone.
pub(super) fn is_placeholder(attribute: Attribute, text: &str) -> bool {
    match attribute {
        Attribute::Phone => {
            let mut digits = text.chars().filter(|character| character.is_numeric());
            let first = digits.next();
            digits.all(|digit| Some(digit) == first)
        }
        Attribute::Email => email::stored(text.to_owned()).is_none(),
        _ => false,
    }
}

/// Whether the label of a phone says a fax, a pager or a telex: `Home Fax`, `Fax del trabajo`.
pub(super) fn is_fax_label(label: &str) -> bool {
    let label = fold_text(label);
    ["fax", "pager", "telex", "buscapersonas"]
        .iter()
        .any(|word| label.contains(word))
}

/// Whether the text looks like an email: `ana@example.com`.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_part = |part: &str| {
        !part.is_empty() && !part.contains(|character: char| character.is_whitespace() || ",;@|<>".contains(character))
    };
    let is_dotted = domain
        .split_once('.')
        .is_some_and(|(name, rest)| !name.is_empty() && !rest.is_empty());
    is_part(local) && is_part(domain) && is_dotted
}

/// Separates several values in a cell, as in the exports of Google Contacts.
pub(super) const SEPARATOR: &str = ":::";

/// The values in a cell. Google joins several values by [`SEPARATOR`]. Several emails can also be separated by other
/// characters or by words. Each email can have a name: `Ana <ana@ej.com>, Leo <leo@ej.com>`.
pub(super) fn values_in(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(|part| {
        let emails = bare_emails(part);
        match emails.len() {
            0 => vec![part],
            1 => vec![part.trim_matches(is_separator)],
            _ => {
                let mut values: Vec<&str> = Vec::with_capacity(emails.len());
                for email in emails {
                    // Mail programs repeat an address as its own name: `"ana@ej.com" <ana@ej.com>`.
                    if !values.iter().any(|value| value.eq_ignore_ascii_case(email)) {
                        values.push(email);
                    }
                }
                values
            }
        }
    })
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || ",;|，；、".contains(character)
}

/// The emails in a text, without the brackets, quotes and punctuation around them.
fn bare_emails(text: &str) -> Vec<&str> {
    const WRAPPING: &[char] = &['<', '>', '(', ')', '[', ']', '"', '\'', '.', ',', ';'];
    // An address can contain these characters, so they separate only a word that is no email as a whole.
    const INNER_SEPARATORS: &[char] = &['/', '&', '<', '>', '(', ')', '[', ']', '"'];
    let bare = |word: &'_ str| {
        let email = word.trim_matches(WRAPPING);
        is_email(email) && !email.contains(['(', ')', '[', ']', '"'])
    };
    let words = text.split(is_separator);
    words
        .flat_map(|word| {
            let separators: &[char] = if bare(word) { &[] } else { INNER_SEPARATORS };
            word.split(separators)
        })
        .filter(|word| bare(word))
        .map(|word| word.trim_matches(WRAPPING))
        .collect()
}

/// Parses a UUID of 36 characters with dashes, and no other form.
pub fn uuid(text: &str) -> Option<Uuid> {
    text.parse().map(Hyphenated::into_uuid).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_parsed_only_with_dashes() {
        for text in [
            "0198c0de-0000-7000-8000-00000000000a",
            "0198C0DE-0000-7000-8000-00000000000A",
        ] {
            assert_eq!(
                uuid(text),
                Some(Uuid::from_u128(0x0198c0de_0000_7000_8000_00000000000a)),
                "{text}"
            );
        }
        for text in [
            "0198c0de00007000800000000000000a",
            "{0198c0de-0000-7000-8000-00000000000a}",
            "urn:uuid:0198c0de-0000-7000-8000-00000000000a",
            "0198c0de-0000-7000-8000-00000000000",
            "0198c0de-0000-7000-8000-00000000000g",
            "0198c0de-00007-000-8000-00000000000a",
            "5",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    #[test]
    fn yes_and_no_are_parsed_in_three_languages() {
        for text in [
            "true",
            "TRUE",
            "1",
            "yes",
            "Sí",
            "Si\u{301}",
            "SI\u{301}",
            "SÍ",
            "si",
            "sim",
            "t",
            "VERDADERO",
        ] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in [
            "false",
            "False",
            "0",
            "no",
            "No",
            "não",
            "na\u{303}o",
            "NÃO",
            "f",
            "falso",
        ] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["2", "maybe", "-", "verdad", "10"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn a_placeholder_is_no_value_of_a_phone_or_an_email() {
        for (attribute, text, expected) in [
            (Attribute::Phone, "-", true),
            (Attribute::Phone, "no tiene", true),
            (Attribute::Phone, "0", true),
            (Attribute::Phone, "000-0000", true),
            (Attribute::Phone, "11 2345-6789", false),
            (Attribute::Phone, "5,49E+12", false),
            (Attribute::Email, "N/A", true),
            (Attribute::Email, "-", true),
            (Attribute::Email, "ana", false),
            (Attribute::Email, "ana@example.com", false),
            (Attribute::Name, "-", false),
        ] {
            assert_eq!(is_placeholder(attribute, text), expected, "{attribute} {text}");
        }
    }

    #[test]
    fn an_email_is_one_address_with_a_domain() {
        for text in ["ana@example.com", "ana.gil+x@mail.example.com.ar", "ñandú@example.com"] {
            assert!(is_email(text), "{text}");
        }
        for text in [
            "ana",
            "ana@",
            "@x.com",
            "ana@home",
            "a b@x.com",
            "a@x.com, b@x.com",
            "a@b@x.com",
            "a@.com",
            "",
        ] {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn several_values_in_a_cell_are_split() {
        for (text, expected) in [
            ("ana@ej.com ::: ana@trabajo.com", &["ana@ej.com", "ana@trabajo.com"][..]),
            ("011 2345-6789 ::: 011 2345-6780", &["011 2345-6789", "011 2345-6780"]),
            (" ::: 011 2345-6780:::", &["011 2345-6780"]),
            ("a@x.com; b@x.com", &["a@x.com", "b@x.com"]),
            ("a@x.com,b@x.com", &["a@x.com", "b@x.com"]),
            ("a@x.com\nb@x.com", &["a@x.com", "b@x.com"]),
            ("ana@ej.com;", &["ana@ej.com"]),
            ("Ana Gil <ana@ej.com>", &["Ana Gil <ana@ej.com>"]),
            ("<m@ej.com>, <n@ej.com>", &["m@ej.com", "n@ej.com"]),
            ("Ana <o@ej.com>, Leo <p@ej.com>", &["o@ej.com", "p@ej.com"]),
            ("Ana<o@ej.com>;Leo<p@ej.com>", &["o@ej.com", "p@ej.com"]),
            ("a@ej.com / b@ej.com", &["a@ej.com", "b@ej.com"]),
            ("a@ej.com/b@ej.com", &["a@ej.com", "b@ej.com"]),
            ("c@ej.com y d@ej.com", &["c@ej.com", "d@ej.com"]),
            ("i@ej.com or j@ej.com", &["i@ej.com", "j@ej.com"]),
            ("s@ej.com & t@ej.com", &["s@ej.com", "t@ej.com"]),
            ("q@ej.com - r@ej.com", &["q@ej.com", "r@ej.com"]),
            ("u@ej.com (v@ej.com), w@ej.com.", &["u@ej.com", "v@ej.com", "w@ej.com"]),
            ("a@ej.com\u{a0}b@ej.com", &["a@ej.com", "b@ej.com"]),
            ("x/y@ej.com, b@ej.com", &["x/y@ej.com", "b@ej.com"]),
            ("\"ana@ej.com\" <Ana@ej.com>", &["ana@ej.com"]),
            ("011 2345-6789 / 011 2345-6780", &["011 2345-6789 / 011 2345-6780"]),
            ("ana", &["ana"]),
            (",", &[","]),
            (":::", &[]),
        ] {
            assert_eq!(values_in(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_date_in_any_order_looks_like_a_date() {
        for text in [
            "2015-10-29",
            "29/10/2015",
            "1.2.24",
            "2015/10/29 10:11",
            "29-10-2015, 10:11",
        ] {
            assert!(looks_like_a_date(text), "{text}");
        }
        for text in ["011 2345-6789", "11-2345-6789", "2345-6789", "0-800-555-1234", ""] {
            assert!(!looks_like_a_date(text), "{text}");
        }
    }
}
