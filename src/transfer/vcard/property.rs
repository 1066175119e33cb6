//! Parses a property of a vCard: its name, its parameters and its value.

use std::borrow::Cow;

/// A property such as `item1.TEL;TYPE=CELL:+54 9 11 2345-6789`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Property<'l> {
    /// In upper case, without the group.
    pub name: String,
    /// Names and values, in upper case. In version 2.1 a value can lack its name.
    parameters: Vec<(String, String)>,
    value: &'l [u8],
}

impl<'l> Property<'l> {
    /// Parses a line. `None` without a colon after a name, as in the lines of a photo.
    pub(super) fn parse(line: &'l [u8]) -> Option<Self> {
        let mut is_quoted = false;
        let end = line.iter().position(|byte| {
            is_quoted ^= *byte == b'"';
            *byte == b':' && !is_quoted
        })?;
        let head = String::from_utf8_lossy(&line[..end]).to_uppercase();
        let mut parts = split_unquoted(&head, ';').into_iter();
        let name = parts.next()?.trim();
        let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '-';
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let parameters = parts.map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or(("", parameter));
            (name.trim().to_owned(), value.trim().replace('"', ""))
        });
        Some(Self {
            name: name.to_owned(),
            parameters: parameters.collect(),
            value: &line[end + 1..],
        })
    }

    /// Whether one of the parameters has the value.
    pub(super) fn has(&self, wanted: &str) -> bool {
        let values = self.parameters.iter().flat_map(|(_, values)| values.split(','));
        values.map(str::trim).any(|value| value == wanted)
    }

    /// Whether this is `BEGIN:VCARD` or `END:VCARD`.
    pub(super) fn is_marker(&self, name: &str) -> bool {
        self.name == name && self.value.trim_ascii().eq_ignore_ascii_case(b"VCARD")
    }

    /// Whether this is the number of a fax or a pager, and of no phone as well.
    pub(super) fn is_fax(&self) -> bool {
        (self.has("FAX") || self.has("PAGER")) && !["CELL", "VOICE", "MSG"].iter().any(|kind| self.has(kind))
    }

    pub(super) fn is_quoted_printable(&self) -> bool {
        self.has("QUOTED-PRINTABLE")
    }

    pub(super) fn is_base64(&self) -> bool {
        self.has("BASE64")
            || self
                .parameters
                .iter()
                .any(|(name, value)| name == "ENCODING" && value == "B")
    }

    /// The value in UTF-8, with its escapes. `None` if its bytes are no text in its character set.
    pub(super) fn text(&self) -> Option<Cow<'l, str>> {
        if !self.is_quoted_printable() {
            return std::str::from_utf8(self.value).ok().map(Cow::Borrowed);
        }
        let bytes = quoted_printable(self.value);
        let charset = self.parameters.iter().find(|(name, _)| name == "CHARSET");
        let named = charset.and_then(|(_, label)| encoding_rs::Encoding::for_label(label.as_bytes()));
        let text = match (named, std::str::from_utf8(&bytes)) {
            (Some(encoding), _) => encoding.decode_without_bom_handling_and_without_replacement(&bytes)?,
            (None, Ok(text)) => Cow::Borrowed(text),
            // Without a name, old phones write the character set of their country.
            (None, Err(_)) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0,
        };
        Some(Cow::Owned(text.into_owned()))
    }
}

/// Splits at a separator outside of quotes.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    text.split(|character| {
        is_quoted ^= character == '"';
        character == separator && !is_quoted
    })
    .collect()
}

/// Decodes `=C3=B1`. A `=` without two hexadecimal digits stays.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'=', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push((high * 16 + low) as u8);
                    rest = after;
                }
                _ => decoded.push(byte),
            },
            _ => decoded.push(byte),
        }
    }
    decoded
}

/// The parts of a value between separators, without escapes: `Gil\, Jr.;Ana` has two parts.
pub(super) fn parts(value: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        let added = match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => Some('\n'),
                Some(escaped) => Some(escaped),
                None => Some('\\'),
            },
            character => (character != separator).then_some(character),
        };
        match (added, parts.last_mut()) {
            (Some(added), Some(part)) => part.push(added),
            _ => parts.push(String::new()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_no_group_and_parameters_may_be_quoted() {
        let property = Property::parse(b"item1.tel;type=\"cell,voice\";X=\"a:b;c\":tel:+54").unwrap();
        assert_eq!((property.name.as_str(), property.value), ("TEL", &b"tel:+54"[..]));
        assert!(property.has("CELL") && property.has("VOICE") && !property.has("HOME"));
        assert!(Property::parse(b"TEL;HOME;FAX:1").unwrap().has("FAX"));
        for line in [&b"abc"[..], b"/9j/4AAQ", b":x", b"a b:c", b"TEL;X=\"a:b"] {
            assert_eq!(Property::parse(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn quoted_printable_values_are_decoded_from_their_character_set() {
        for (line, expected) in [
            ("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Mu=C3=B1oz", Some("Muñoz")),
            ("FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Mu=F1oz", Some("Muñoz")),
            ("FN;QUOTED-PRINTABLE:Mu=c3=b1oz", Some("Muñoz")),
            ("FN;ENCODING=QUOTED-PRINTABLE:Mu=F1oz", Some("Muñoz")),
            ("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Mu=F1oz", None),
            ("FN;ENCODING=QUOTED-PRINTABLE:a=3Db=zz=", Some("a=b=zz=")),
            ("FN:a=3Db", Some("a=3Db")),
        ] {
            let property = Property::parse(line.as_bytes()).unwrap();
            assert_eq!(property.text().as_deref(), expected, "{line}");
        }
        assert_eq!(Property::parse(b"FN:\xff").unwrap().text(), None);
    }

    #[test]
    fn escaped_separators_belong_to_their_part() {
        assert_eq!(
            parts(r"Gil\, Jr.;Ana\;b;c\\;d\n", ';'),
            ["Gil, Jr.", "Ana;b", r"c\", "d\n"]
        );
        assert_eq!(parts(r"a\", ';'), [r"a\"]);
        assert_eq!(parts("", ';'), [""]);
    }
}
