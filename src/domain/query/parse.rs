//! Reads the words of a query.

use crate::domain::email;
use crate::domain::fold;
use crate::domain::phone::Region;
use crate::domain::term::PhoneTerm;

/// The most words of a query.
pub const WORDS_MAX: usize = 10;

/// The fewest digits of neighbouring words that are one phone together.
const NUMBER_MIN: usize = 7;

/// A field of a contact that a word can match.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    Name,
    Phone,
    Email,
    ExternalUserId,
}

/// The words of a query. Every word must match something of a contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    pub(super) words: Vec<QueryWord>,
}

/// Why a text is no query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QueryError {
    #[error("the text has nothing to search for")]
    Empty,
    #[error("the text has more than {WORDS_MAX} words")]
    TooManyWords,
}

/// One word of a query: a word, a piece of an email, a number of several groups of digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueryWord {
    /// The word as it was typed, without a field's name before it and without punctuation around it.
    pub(super) typed: String,
    /// The only field that the word may match.
    field: Option<Field>,
    /// The folded words in it: `garcia-lopez` has two.
    pub(super) name: Vec<String>,
    /// The folded words, joined by blanks, with one blank before and after them. Empty without a word.
    pub(super) phrase: String,
    /// The texts of which an email contains one: in lower case, and without accents if that differs.
    pub(super) email: Vec<String>,
    pub(super) phone: Option<PhoneTerm>,
    /// The beginning of an external id, in lower case.
    pub(super) external_user_id: Option<String>,
}

impl Query {
    /// Reads what a person typed or pasted.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn parse(text: &str, region: Region) -> Result<Self, QueryError> {
        let visible = email::visible(text);
        let mut words: Vec<QueryWord> = Vec::new();
        let typed = group(&visible);
        let has_word = typed.iter().any(|(typed, _)| !is_punctuation(typed));
        for (typed, field) in typed {
            if has_word && is_punctuation(&typed) {
                continue;
            }
            let word = QueryWord::new(typed, field, region);
            let lower = word.typed.to_lowercase();
            let is_known = |known: &QueryWord| known.field == word.field && known.typed.to_lowercase() == lower;
            if !words.iter().any(is_known) {
                words.push(word);
            }
        }
        match words.len() {
            0 => Err(QueryError::Empty),
            1..=WORDS_MAX => Ok(Self { words }),
            _ => Err(QueryError::TooManyWords),
        }
    }

    /// The words, in the order in which they were typed.
    pub fn words(&self) -> &[QueryWord] {
        &self.words
    }
}

impl QueryWord {
    fn new(typed: String, field: Option<Field>, region: Region) -> Self {
        let may_be = |other: Field| field.is_none_or(|field| field == other);
        let is_phone = may_be(Field::Phone) && (field.is_some() || is_phone_like(&typed) || is_whatsapp_id(&typed));
        let phone = is_phone.then(|| PhoneTerm::parse(&typed, region)).flatten();
        let address = Some(email::clean(&typed)).filter(|address| typed.contains('@') && !address.is_empty());
        let address = address.unwrap_or_else(|| typed.clone());
        let email = if may_be(Field::Email) && !address.contains(char::is_whitespace) {
            let (lower, folded) = (address.to_lowercase(), fold::text(&address));
            if lower == folded {
                vec![lower]
            } else {
                vec![lower, folded]
            }
        } else {
            Vec::new()
        };
        let name = if may_be(Field::Name) {
            fold::words(&typed)
        } else {
            Vec::new()
        };
        Self {
            phrase: if name.is_empty() {
                String::new()
            } else {
                format!(" {} ", name.join(" "))
            },
            name,
            email,
            phone,
            external_user_id: field.is_none().then(|| typed.to_lowercase()),
            typed,
            field,
        }
    }

    /// The word as it was typed, without a field's name before it and without punctuation around it.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The match keys of the word if it is a whole phone number, else nothing.
    pub fn keys(&self) -> &[String] {
        match &self.phone {
            Some(phone) if phone.is_number() => phone.keys(),
            _ => &[],
        }
    }

    /// The match keys of the contacts whose whole number is the word, even if it is not a valid number.
    pub fn phone_keys(&self) -> &[String] {
        self.phone.as_ref().map_or(&[], PhoneTerm::keys)
    }

    /// The folded words, joined by blanks.
    pub(super) fn phrase(&self) -> &str {
        self.phrase.trim()
    }
}

/// The words with the fields before them. Neighbouring words of one phone are joined by blanks.
fn group(text: &str) -> Vec<(String, Option<Field>)> {
    let mut words: Vec<(String, Option<Field>)> = Vec::new();
    let mut field = None;
    // Where the current run of groups of digits begins in `words`.
    let mut run = 0;
    for word in text.split_whitespace() {
        let (before, word) = split_field(word);
        field = before.or(field);
        let is_named = field.is_some();
        if word.is_empty() {
            continue;
        }
        let is_mark = |c: char| matches!(c, '<' | '>' | '"' | '\'' | ',' | ';' | '[' | ']');
        let word = word.trim_matches(is_mark);
        let has_only_symbols = word.chars().all(|c| c.is_numeric() || is_phone_symbol(c));
        if is_named || !has_only_symbols {
            join_phone(&mut words, run);
            run = words.len();
        }
        if has_only_symbols {
            // The brackets of an area code are part of a phone.
            if !word.is_empty() {
                words.push((word.to_owned(), field.take()));
            }
            continue;
        }
        let word = word.trim_matches(|c| is_mark(c) || matches!(c, '(' | ')'));
        let word = strip_prefix_of_any_case(word, "mailto:").unwrap_or(word);
        if !word.is_empty() {
            words.push((word.to_owned(), field.take()));
        }
        run = words.len();
    }
    join_phone(&mut words, run);
    words
}

/// Joins the words from `run` on, which have digits and phone symbols only, if they are one phone together.
fn join_phone(words: &mut Vec<(String, Option<Field>)>, run: usize) {
    let parts = &words[run..];
    let digits = parts
        .iter()
        .flat_map(|(word, _)| word.chars())
        .filter(|c| c.is_numeric())
        .count();
    let Some((first, field)) = parts.first() else {
        return;
    };
    let is_phone =
        digits > 0 && (first.starts_with(['+', '(']) || *field == Some(Field::Phone) || digits >= NUMBER_MIN);
    if is_phone && parts.len() > 1 {
        let field = *field;
        let joined = parts.iter().map(|(word, _)| &**word).collect::<Vec<_>>().join(" ");
        words.truncate(run);
        words.push((joined, field));
    }
}

fn split_field(word: &str) -> (Option<Field>, &str) {
    let fields = [
        ("name:", Field::Name),
        ("phone:", Field::Phone),
        ("email:", Field::Email),
    ];
    let found = fields
        .iter()
        .find_map(|(name, field)| Some((*field, strip_prefix_of_any_case(word, name)?)));
    found.map_or((None, word), |(field, rest)| (Some(field), rest))
}

fn strip_prefix_of_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_phone_symbol(character: char) -> bool {
    matches!(character, '+' | '-' | '(' | ')' | '.' | '/')
}

/// Whether the text has digits, and else phone symbols and blanks only.
fn is_phone_like(text: &str) -> bool {
    text.contains(char::is_numeric) && text.chars().all(|c| c.is_numeric() || is_phone_symbol(c) || c == ' ')
}

/// Whether the text is a WhatsApp id with a phone number, such as `5491123456789@s.whatsapp.net`.
fn is_whatsapp_id(text: &str) -> bool {
    text.split_once('@').is_some_and(|(number, server)| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == ':')
            && ["s.whatsapp.net", "c.us"]
                .iter()
                .any(|known| server.eq_ignore_ascii_case(known))
    })
}

/// Whether the text has neither letters nor digits nor symbols other than punctuation.
fn is_punctuation(text: &str) -> bool {
    fold::words(text).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Vec<String> {
        let query = Query::parse(text, Region::DEFAULT);
        query.map_or_else(
            |error| vec![error.to_string()],
            |query| query.words.into_iter().map(|word| word.typed).collect(),
        )
    }

    #[test]
    fn words_are_split_at_blanks_and_cleaned_at_their_ends() {
        assert_eq!(typed("  perez   6789 "), ["perez", "6789"]);
        assert_eq!(typed("Ana Gil <ana@x.com>, "), ["Ana", "Gil", "ana@x.com"]);
        assert_eq!(typed("\"Gil, Ana\" (casa) mailto:a@b"), ["Gil", "Ana", "casa", "a@b"]);
        assert_eq!(typed("maria - @ acme"), ["maria", "acme"]);
        assert_eq!(typed("@"), ["@"]);
        assert_eq!(typed("ana ANA ana"), ["ana"]);
    }

    #[test]
    fn groups_of_digits_are_one_phone() {
        assert_eq!(typed("perez +54 9 223 555-0123"), ["perez", "+54 9 223 555-0123"]);
        assert_eq!(typed("(223) 15 555 ana"), ["(223) 15 555", "ana"]);
        assert_eq!(typed("11 2345 - 6789"), ["11 2345 - 6789"]);
        assert_eq!(typed("ana 12 34"), ["ana", "12", "34"]);
        assert_eq!(typed("phone: 12 34 ana"), ["12 34", "ana"]);
        assert_eq!(typed("223 555 phone: 1234"), ["223", "555", "1234"]);
        assert_eq!(typed("+ phone: 5550123"), ["5550123"]);
        assert_eq!(typed("\"0223 15-555-0123\", ana"), ["0223 15-555-0123", "ana"]);
    }

    #[test]
    fn a_field_before_a_word_narrows_it() {
        let query = Query::parse("NAME:ana email: x.com phone:223", Region::DEFAULT).unwrap();
        let fields: Vec<_> = query.words.iter().map(|word| word.field).collect();
        assert_eq!(fields, [Some(Field::Name), Some(Field::Email), Some(Field::Phone)]);
        let word = &query.words[0];
        assert_eq!(
            (word.email.len(), word.phone.is_none(), word.external_user_id.is_none()),
            (0, true, true)
        );
    }

    #[test]
    fn only_digits_and_whatsapp_ids_are_phones() {
        let is_phone = |text| Query::parse(text, Region::DEFAULT).unwrap().words[0].phone.is_some();
        for text in [
            "6789",
            "+54 9 11",
            "(011) 4444-5555",
            "5491123456789@s.whatsapp.net",
            "٦٧٨٩",
            "phone:x6",
        ] {
            assert!(is_phone(text), "{text}");
        }
        for text in ["maria1985", "1985@x.com", "ana", "name:6789", "webchat-12"] {
            assert!(!is_phone(text), "{text}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_errors() {
        assert_eq!(Query::parse(" \u{200b} ", Region::DEFAULT), Err(QueryError::Empty));
        assert_eq!(Query::parse("name: ", Region::DEFAULT), Err(QueryError::Empty));
        assert_eq!(
            Query::parse("a b c d e f g h i j k", Region::DEFAULT),
            Err(QueryError::TooManyWords)
        );
        assert_eq!(typed("a b c d e f g h i j a").len(), 10);
    }
}
