//! Says why a contact matches a query: fields, kinds, and places to highlight.

use super::parse::{Field, Query, QueryWord};
use super::similar;
use super::texts::{Kind, Texts};
use crate::domain::fold::{self, Folded};

/// The texts of a contact as they are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShownContact<'t> {
    pub name: Option<&'t str>,
    pub phone: Option<&'t str>,
    pub email: Option<&'t str>,
    pub external_user_id: Option<&'t str>,
}

/// A part of a shown text, in UTF-16 code units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Highlight {
    pub start: usize,
    /// The first unit behind the part.
    pub end: usize,
}

/// A word of the query, and a field that it matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatchedBy<'q> {
    pub word: &'q str,
    pub field: Field,
    pub kind: Kind,
    pub highlight: Highlight,
}

/// A text of a contact in lower case, with the place of each character in the shown text.
#[derive(Default)]
struct Placed {
    text: String,
    /// For each character of `text`: where it begins in `text`, in bytes, and its part of the shown text.
    places: Vec<(usize, Highlight)>,
}

impl Placed {
    fn push(&mut self, character: char, place: Highlight) {
        self.places.push((self.text.len(), place));
        self.text.push(character);
    }

    /// A text in lower case.
    fn lower(shown: &str) -> Self {
        let mut placed = Self::default();
        let mut start = 0;
        for character in shown.chars() {
            let end = start + character.len_utf16();
            character
                .to_lowercase()
                .for_each(|lower| placed.push(lower, Highlight { start, end }));
            start = end;
        }
        placed
    }

    /// The folded words of a name, with a blank before and after each.
    fn name(shown: &str) -> Self {
        let mut placed = Self::default();
        let nowhere = Highlight { start: 0, end: 0 };
        placed.push(' ', nowhere);
        for Folded { character, start, end } in fold::name_words(shown) {
            placed.push(character, Highlight { start, end });
        }
        placed.push(' ', nowhere);
        placed
    }

    /// The part of the shown text that these bytes of `text` come from.
    fn highlight(&self, start: usize, end: usize) -> Highlight {
        let inside = self.places.iter().filter(|(at, _)| (start..end).contains(at));
        let mut places = inside.map(|(_, place)| *place);
        let first = places.next().unwrap_or(Highlight { start: 0, end: 0 });
        Highlight {
            start: first.start,
            end: places.next_back().unwrap_or(first).end,
        }
    }
}

impl Query {
    /// Each word and each field that it matches. A word without any other match lists its similar fields.
    /// `is_equivalent(i)` says whether the contact has a match key of word `i`.
    pub fn matched_by(&self, contact: &ShownContact<'_>, is_equivalent: impl Fn(usize) -> bool) -> Vec<MatchedBy<'_>> {
        let name = contact.name.map(Placed::name).unwrap_or_default();
        let email = contact.email.map(Placed::lower).unwrap_or_default();
        let id = contact.external_user_id.map(Placed::lower).unwrap_or_default();
        let phone = contact.phone.unwrap_or_default();
        let digits = phone.strip_prefix('+').unwrap_or(phone);
        let mut matched = Vec::new();
        for (place, word) in self.words.iter().enumerate() {
            let before = matched.len();
            let mut add = |field, kind, highlight| {
                matched.push(MatchedBy {
                    word: &word.typed,
                    field,
                    kind,
                    highlight,
                });
            };
            if let Some((kind, start)) = word.in_name(&name.text) {
                add(Field::Name, kind, name.highlight(start, start + word.phrase().len()));
            }
            let in_phone = word.in_phone(digits);
            if let Some((kind, start, end)) =
                in_phone.filter(|(kind, ..)| *kind == Kind::Exact || !is_equivalent(place))
            {
                let sign = phone.len() - digits.len();
                let start = if kind == Kind::Exact { 0 } else { start + sign };
                add(Field::Phone, kind, Highlight { start, end: end + sign });
            } else if is_equivalent(place) {
                let end = phone.len();
                add(Field::Phone, Kind::Equivalent, Highlight { start: 0, end });
            }
            if let Some((kind, start, end)) = word.in_email(&email.text) {
                add(Field::Email, kind, email.highlight(start, end));
            }
            if let Some(kind) = word.in_external_user_id(&id.text) {
                let end = word.external_user_id.as_ref().map_or(0, String::len);
                add(Field::ExternalUserId, kind, id.highlight(0, end));
            }
            if matched.len() == before {
                matched.extend(word.similar_to(&name, &email));
            }
        }
        matched
    }
}

impl QueryWord {
    fn similar_to(&self, name: &Placed, email: &Placed) -> Vec<MatchedBy<'_>> {
        let similar = |field, highlight| MatchedBy {
            word: &self.typed,
            field,
            kind: Kind::Similar,
            highlight,
        };
        let texts = Texts {
            name: &name.text,
            email: &email.text,
            ..Texts::default()
        };
        let mut matched = Vec::new();
        let words: Vec<&str> = texts.name.split_whitespace().collect();
        if let Some((_, first)) = similar::find_pieces(&self.name, &words) {
            // Words are slices of the name, one blank apart.
            let start = 1 + words[..first].iter().map(|word| word.len() + 1).sum::<usize>();
            let length = words[first..first + self.name.len()]
                .iter()
                .map(|word| word.len() + 1)
                .sum::<usize>();
            matched.push(similar(Field::Name, name.highlight(start, start + length - 1)));
        }
        let found = self
            .email
            .iter()
            .filter_map(|typed| similar::find_in_email(typed, texts.email))
            .min();
        if let Some((_, start, end)) = found {
            matched.push(similar(Field::Email, email.highlight(start, end)));
        }
        matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::Region;

    /// `word field kind [highlighted text]` for each match.
    fn matched(query: &str, contact: ShownContact<'_>) -> Vec<String> {
        let query = Query::parse(query, Region::DEFAULT).unwrap();
        let texts = |field| match field {
            Field::Name => contact.name,
            Field::Phone => contact.phone,
            Field::Email => contact.email,
            Field::ExternalUserId => contact.external_user_id,
        };
        let describe = |found: MatchedBy<'_>| {
            let units: Vec<u16> = texts(found.field).unwrap().encode_utf16().collect();
            let part = String::from_utf16(&units[found.highlight.start..found.highlight.end]).unwrap();
            format!("{} {:?} {:?} [{part}]", found.word, found.field, found.kind)
        };
        query
            .matched_by(&contact, |_| false)
            .into_iter()
            .map(describe)
            .collect()
    }

    #[test]
    fn names_are_highlighted_as_they_are_written() {
        let contact = |name| ShownContact {
            name: Some(name),
            ..ShownContact::default()
        };
        for (query, name, expected) in [
            ("gonzalez", "🌸 María González", "gonzalez Name Exact [González]"),
            ("gonz", "María GONZÁLEZ", "gonz Name Prefix [GONZ]"),
            ("nzal", "María Gonza\u{301}lez", "nzal Name Contains [nza\u{301}l]"),
            ("gonzales", "María González", "gonzales Name Similar [González]"),
            (
                "garcia-lopes",
                "Ana García-López M.",
                "garcia-lopes Name Similar [García-López]",
            ),
            ("strasse", "Straße 5", "strasse Name Exact [Straße]"),
            ("obrien", "Pat O’Brien", "obrien Name Exact [O’Brien]"),
        ] {
            assert_eq!(matched(query, contact(name)), [expected]);
        }
    }

    #[test]
    fn every_field_that_a_word_matches_is_named() {
        let contact = ShownContact {
            name: Some("John Smith"),
            phone: Some("+56912345678"),
            email: Some("John.Smith@Acme.com"),
            external_user_id: Some("webchat-12"),
        };
        assert_eq!(
            matched("john 5678 webchat smith@acme", contact),
            [
                "john Name Exact [John]",
                "john Email Prefix [John]",
                "5678 Phone Contains [5678]",
                "webchat ExternalUserId Prefix [webchat]",
                "smith@acme Email Contains [Smith@Acme]"
            ]
        );
        assert_eq!(
            matched("56912345678", contact),
            ["56912345678 Phone Exact [+56912345678]"]
        );
        assert_eq!(
            matched("jhon.smith@acme", contact),
            ["jhon.smith@acme Email Similar [John.Smith]"]
        );
    }
}
