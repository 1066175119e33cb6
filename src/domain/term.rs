//! Search terms: a part of an email or of a phone number.

use super::email;
use super::gram::{self, Gram};
use super::phone::{self, Region};

/// A part of an email, or a whole one, as people type and paste it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailTerm {
    /// One to five readings. A reading counts if the readings before it find nothing.
    readings: Vec<EmailReading>,
}

/// One interpretation of an email term: a literal text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailReading(String);

impl EmailTerm {
    /// Reads the parameter. Returns `None` if nothing visible is left.
    ///
    /// A complete address is searched without a name, a label or punctuation around it. A part of an address is
    /// searched literally first, because its punctuation can be in the middle of the address. An inner blank is first
    /// read as an unencoded `+`. The last reading is the parameter without cleaning, for emails that an older version
    /// stored without cleaning.
    pub fn parse(parameter: &str) -> Option<Self> {
        let visible = email::visible(parameter);
        if visible.is_empty() {
            return None;
        }
        let cleaned = email::clean(&visible);
        let candidates = if email::is_complete(&cleaned) {
            vec![cleaned, visible]
        } else {
            vec![visible, cleaned]
        };
        let candidates = candidates
            .iter()
            .flat_map(|text| [text.replace(' ', "+"), text.clone()]);
        let mut readings: Vec<EmailReading> = Vec::new();
        for text in candidates.chain([parameter.trim().to_owned()]) {
            let reading = EmailReading(text);
            if !reading.0.is_empty() && !readings.contains(&reading) {
                readings.push(reading);
            }
        }
        Some(Self { readings })
    }

    /// The readings. A search uses the first one that finds a contact. There is at least one.
    pub fn readings(&self) -> &[EmailReading] {
        &self.readings
    }
}

impl EmailReading {
    /// The text that an email contains, in any case.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether the text can be a whole email.
    pub fn is_email(&self) -> bool {
        email::is_email(&self.0)
    }

    /// The LIKE pattern for the literal text anywhere in the email. The statements lowercase the pattern.
    pub fn pattern(&self) -> String {
        containing(&self.0)
    }

    /// Lists of grams. Every email with the text has all grams of one of them. No list if the text has no reliable
    /// character. `count` is the number of emails of a sample that contain a piece in lower case.
    pub fn grams(&self, count: impl Fn(&str) -> usize) -> Vec<Vec<Gram>> {
        gram::of_email(&self.0, count)
    }
}

/// A whole phone number or a part of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneTerm {
    digits: String,
    pieces: Vec<String>,
    is_number: bool,
    keys: Vec<String>,
}

impl PhoneTerm {
    /// Keeps only decimal digits, of any script. Returns `None` if there are none. The pieces are the digits, read as a
    /// part of a number in any notation in `region`. The keys are the match keys of the term as a whole number.
    pub fn parse(parameter: &str, region: Region) -> Option<Self> {
        let all = phone::pieces(parameter, region);
        let digits = all.first()?.clone();
        let readings = phone::readings(parameter, region).into_iter();
        let numbers = readings.filter(|reading| reading.resolved || reading.extension.is_some());
        let mut keys: Vec<String> = numbers.map(|reading| reading.key).collect();
        let is_number = !keys.is_empty();
        keys.extend_from_slice(&all);
        keys.sort_unstable();
        keys.dedup();
        let pieces = all.iter().enumerate().filter(|(at, piece)| {
            let is_implied = |(other_at, other): (usize, &String)| {
                other_at != *at && piece.contains(&**other) && (piece.len() > other.len() || other_at < *at)
            };
            !all.iter().enumerate().any(is_implied)
        });
        let pieces = pieces.map(|(_, piece)| piece.clone()).collect();
        Some(Self {
            digits,
            pieces,
            is_number,
            keys,
        })
    }

    /// The digits as they were typed.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// One to four strings of digits. A number matches if it contains one of them. None contains another one.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The LIKE patterns for the pieces anywhere in the stored number.
    pub fn patterns(&self) -> Vec<String> {
        self.pieces.iter().map(|piece| containing(piece)).collect()
    }

    /// For each piece, the grams that every phone with the piece has.
    pub fn grams(&self) -> Vec<Vec<Gram>> {
        self.pieces.iter().map(|piece| gram::of_phone(piece)).collect()
    }

    /// Whether the term is a valid number or has an extension. The contacts with its match key match the term too.
    pub fn is_number(&self) -> bool {
        self.is_number
    }

    /// The match keys of the contacts whose whole number is the term. The match key of a number that is not valid is
    /// its digits.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }
}

/// Whether a text that a search bar sends as `phone` and as `email` can be a phone: it has no `@`, and each word in it
/// is a label, a mark of an extension, or a remark. So `maria1985` is an email, and so is `casa1985`.
pub fn can_be_phone(parameter: &str, region: Region) -> bool {
    if parameter.contains('@') {
        return false;
    }
    let text: Vec<char> = email::visible(parameter).chars().collect();
    let is_number = || {
        phone::readings(parameter, region)
            .iter()
            .any(|reading| reading.resolved)
    };
    let mut start = 0;
    for word in text.chunk_by(|a, b| a.is_alphabetic() == b.is_alphabetic()) {
        let end = start + word.len();
        if word[0].is_alphabetic() {
            let name = word.iter().collect::<String>().to_lowercase();
            let is_known = || {
                let is_mark = EXTENSION_MARKS.contains(&name.as_str());
                let is_whole = || count_digits(&text) >= NUMBER_MIN && is_number();
                is_mark && count_digits(&text[..start]) >= NUMBER_MIN
                    || name == "xx" && is_carrier(&text[..start])
                    || HOUR_WORDS.contains(&name.as_str()) && follows_hour(&text[..start])
                    || (is_mark || PHONE_WORDS.contains(&name.as_str()))
                        && (is_apart(&text[..start], &text[end..]) || is_whole())
            };
            let is_free = stands_alone(&text[..start], &text[end..]);
            let is_label = || {
                text[end..]
                    .iter()
                    .find(|c| !c.is_alphabetic() && !matches!(c, ' ' | '.' | '-'))
                    == Some(&':')
            };
            if !(is_known() || is_free && (is_label() || is_number())) {
                return false;
            }
        }
        start = end;
    }
    true
}

/// The fewest digits of a number that an extension or a label can be glued to. Fewer digits can be a year in an email.
const NUMBER_MIN: usize = 6;

/// The fewest digits of a piece that an hour can follow.
const PIECE_MIN: usize = 3;

fn count_digits(text: &[char]) -> usize {
    text.iter().filter(|character| character.is_numeric()).count()
}

/// Whether Brazil's `xx` after these characters stands for a carrier: it follows the trunk prefix, as in `(0xx11)`.
fn is_carrier(before: &[char]) -> bool {
    matches!(before, [.., '0']) && count_digits(before) == 1
}

/// Whether the characters end with an hour after a piece of a number, as those before the `hs` of `223 596 24hs` do.
fn follows_hour(before: &[char]) -> bool {
    let before = &before[..before
        .iter()
        .rposition(|c| !c.is_whitespace())
        .map_or(0, |last| last + 1)];
    let digits = before.iter().rev().take_while(|c| c.is_numeric()).count();
    let piece = &before[..before.len() - digits];
    let is_apart = piece
        .last()
        .is_some_and(|c| c.is_whitespace() || matches!(c, '(' | '['));
    (1..=2).contains(&digits) && is_apart && count_digits(piece) >= PIECE_MIN
}

/// Whether a word between these characters is apart from the digits beside it. An email such as `c.1985` has no blank,
/// colon or bracket between them. The digit of a label, as in `Tel2:` and `Tel2 `, is part of the label.
fn is_apart(before: &[char], after: &[char]) -> bool {
    let is_gap = |c: &&char| c.is_whitespace() || matches!(c, ':' | '(' | ')' | '[' | ']');
    let is_other = |c: &&char| c.is_alphabetic() || c.is_numeric();
    // `met` is the nearest gap, letter or digit on one side of the word.
    let is_met_apart = |met: Option<&char>| met.is_none_or(|c| is_gap(&c) || c.is_alphabetic());
    let preceding = before.iter().rev().find(|c| is_gap(c) || is_other(c));
    let following = after.iter().find(|c| is_gap(c) || is_other(c));
    let is_numbered = || {
        let digits = after.iter().take_while(|c| c.is_numeric()).count();
        let rest = &after[digits..];
        let next = rest.iter().find(|c| !c.is_whitespace());
        let is_spaced =
            || digits == 1 && rest[0].is_whitespace() && next.is_some_and(|c| c.is_numeric() || "+(".contains(*c));
        (1..=2).contains(&digits) && (next == Some(&':') || next.is_some() && is_spaced())
    };
    is_met_apart(preceding) && (is_met_apart(following) || is_numbered())
}

/// Whether a word between these characters is a word of its own, and no part of a name such as `ana.1985`.
fn stands_alone(before: &[char], after: &[char]) -> bool {
    let is_gap = |c: &char| c.is_whitespace() || matches!(c, ':' | '(' | ')' | '[' | ']');
    let after = match after {
        ['.' | ',', rest @ ..] => rest,
        rest => rest,
    };
    before.last().is_none_or(is_gap) && after.first().is_none_or(is_gap)
}

/// Words that label a phone, in lower case.
const PHONE_WORDS: [&str; 75] = [
    "t",
    "tel",
    "tél",
    "tels",
    "telefono",
    "teléfono",
    "telefone",
    "telephone",
    "telefon",
    "téléphone",
    "tlf",
    "tfno",
    "tfn",
    "phone",
    "ph",
    "fone",
    "fono",
    "fon",
    "fijo",
    "fixo",
    "fax",
    "c",
    "cel",
    "celular",
    "cell",
    "cellphone",
    "m",
    "mob",
    "mobile",
    "mobil",
    "móvil",
    "movil",
    "móvel",
    "movel",
    "handy",
    "whatsapp",
    "whats",
    "wa",
    "wsp",
    "wpp",
    "wapp",
    "zap",
    "sms",
    "tel\u{e9}fonos",
    "numero",
    "número",
    "nro",
    "num",
    "number",
    "nr",
    "no",
    "n",
    "nº",
    "n°",
    "casa",
    "home",
    "trabajo",
    "trabalho",
    "work",
    "oficina",
    "office",
    "contacto",
    "contato",
    "contact",
    "linea",
    "línea",
    "linha",
    "line",
    "personal",
    "particular",
    "laboral",
    "principal",
    "h",
    "w",
    "тел",
];

/// Words after an hour, in lower case.
const HOUR_WORDS: [&str; 7] = ["h", "hs", "hr", "hrs", "hora", "horas", "hours"];

/// Marks of an extension, in lower case.
const EXTENSION_MARKS: [&str; 12] = [
    "x",
    "ext",
    "extn",
    "xtn",
    "extension",
    "extensión",
    "extensão",
    "extensao",
    "int",
    "interno",
    "anexo",
    "ramal",
];

/// A LIKE pattern that matches every text containing the literal `term`.
pub fn containing(term: &str) -> String {
    format!("%{}%", like_literal(term))
}

/// A LIKE pattern that matches the literal `term` alone.
///
/// `\` is LIKE's escape character. It must be doubled first: doubling it later would break the escapes of `%` and `_`.
pub fn like_literal(term: &str) -> String {
    term.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn emails(parameter: &str) -> Vec<String> {
        let term = EmailTerm::parse(parameter);
        let readings = term.iter().flat_map(EmailTerm::readings);
        readings.map(|reading| reading.text().to_owned()).collect()
    }

    fn pieces(parameter: &str, region: &str) -> Vec<String> {
        let term = PhoneTerm::parse(parameter, region.parse().unwrap());
        term.iter().flat_map(PhoneTerm::pieces).cloned().collect()
    }

    #[test]
    fn an_email_is_trimmed_and_its_inner_blanks_are_plus_signs_or_else_blanks() {
        assert_eq!(emails("  a b@c  "), ["a+b@c", "a b@c"]);
        assert_eq!(emails("john"), ["john"]);
        assert_eq!(emails("   "), [""; 0]);
        assert_eq!(emails("\u{200B}"), [""; 0]);
    }

    #[test]
    fn a_complete_address_is_cleaned_first_and_a_part_of_one_is_literal_first() {
        assert_eq!(emails("ana@example.com"), ["ana@example.com"]);
        assert_eq!(emails("<ana@example.com>,"), ["ana@example.com", "<ana@example.com>,"]);
        assert_eq!(emails(".perez"), [".perez", "perez"]);
        assert_eq!(emails("ana@mail."), ["ana@mail.", "ana@mail"]);
        assert_eq!(emails("email: ana"), ["email:+ana", "email: ana", "ana"]);
        for piece in [".", "@", "%", "_", "\\", "'"] {
            assert_eq!(emails(piece), [piece]);
        }
    }

    #[test]
    fn the_text_without_cleaning_is_the_last_reading() {
        assert_eq!(
            emails("jose\u{301}@example.com "),
            ["josé@example.com", "jose\u{301}@example.com"]
        );
    }

    #[test]
    fn a_piece_that_contains_another_piece_is_left_out() {
        assert_eq!(pieces("0223", "AR"), ["223"]);
        assert_eq!(pieces("5961983", "AR"), ["5961983"]);
        assert_eq!(pieces("54223", "AR"), ["54223", "549223"]);
        assert_eq!(pieces("abc", "AR"), [""; 0]);
    }

    #[test]
    fn the_digits_of_a_number_that_is_not_valid_are_one_of_its_keys() {
        let term = PhoneTerm::parse("345678", Region::DEFAULT).unwrap();
        assert!(!term.is_number());
        assert!(term.keys().contains(&"345678".to_owned()));
    }

    #[test]
    fn a_text_with_letters_that_are_no_label_or_extension_is_no_phone() {
        for phone in [
            "1985",
            "+54 9 11 2345-6789",
            "tel: 11 2345",
            "Tel. 11 2345",
            "tel:+5411",
            "Cel 15-2345",
            "Tel 2: 11 2345",
            "11 4321-5000 int. 101",
            "11 4321-5000x101",
            "ext 5",
            "11 2345-6789 (Ana Casa)",
            "Ana 11 2345-6789",
            "Ana: 2345",
            "Ana Maria: 2345",
            "0xx11 2345",
            "11 2345 oficina",
            "Tel2: 11 2345",
            "cel2 223 596",
            "cel2 0223 15-59",
            "11 2345-6789 (WhatsApp 24hs)",
            "223 596 (WhatsApp 24hs)",
            "223 596 24hs",
            "223 596 24 hs",
            "223 596 oficina 2",
            "596 (casa 2)",
            "Tel.:11 2345",
            "Tel/Fax: 11 2345",
            "casa (011) 15",
            "(casa) 1985",
            "n° 1985",
            "1985 casa",
            "4321-5000int101",
            "4321-5000 int.101",
            "4321-5000, ext.101",
            "(0xx11) 2345",
            "cel2 11 2345-6789",
            "Cel.11 2345-6789",
            "(011) 15",
            "١٢٣",
        ] {
            assert!(can_be_phone(phone, Region::DEFAULT), "{phone}");
        }
        for text in [
            "maria1985",
            "maria 1985",
            "john@1985.example",
            "5491123456789@c.us",
            "1985maria",
            "ana.1145678901",
            "ana-11 2345-6789",
            "ana1145678901",
            "1985 oslo",
            "maria1985: 2",
            "иван1985",
            "12a34",
            "m1985",
            "c.1985.",
            "c.1985",
            "home1985",
            "casa1985",
            "casa-1985",
            "casa_1985",
            "tel+1985",
            "no1985",
            "wa1985",
            "1985m",
            "1985.casa",
            "x1985",
            "1985x2",
            "xx1985",
            "10xx1985",
            "tel1985",
            "tel.casa1985",
            "maria2 1985",
            "1985hs",
            "maria 1985 24hs",
        ] {
            assert!(!can_be_phone(text, Region::DEFAULT), "{text}");
        }
    }

    /// LIKE as PostgreSQL documents it.
    fn is_like(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|start| is_like(&text[start..], rest)),
            ['_', rest @ ..] => !text.is_empty() && is_like(&text[1..], rest),
            ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
                text.first() == Some(literal) && is_like(&text[1..], rest)
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_exactly_the_texts_that_contain_the_term(
            text in r"[ab%_\\]{0,8}", term in r"[ab%_\\]{0,3}"
        ) {
            let pattern: Vec<char> = containing(&term).chars().collect();
            let characters: Vec<char> = text.chars().collect();
            prop_assert_eq!(is_like(&characters, &pattern), text.contains(&term));
        }
    }
}
