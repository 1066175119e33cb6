//! How well a word matches the texts of a contact, without typing errors.

use super::parse::{Query, QueryWord};
use super::similar;
use crate::domain::term::{PhoneTerm, containing, like_literal};

/// The fewest digits at the end of a number that rank like the whole number. People remember the last digits.
const LAST_DIGITS_MIN: usize = 4;

/// The fewest characters of a piece that is searched inside the words of a name.
pub(super) const CONTAINED_MIN: usize = 3;

/// The greatest rank of a contact that matches without typing errors.
pub const CONTAINS_RANK: u32 = Level::Contains as u32;

/// How a word matches a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Kind {
    Exact,
    /// The word is a whole phone number, and the field has another notation of it.
    Equivalent,
    Prefix,
    Contains,
    Similar,
}

/// How well the words match at least. Each level includes the levels before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, strum::EnumIter)]
pub enum Level {
    /// All words are exact, and those that are no phones and have no `@` are the whole name, in any order.
    Whole,
    /// A word is a whole text, or the last digits of a number.
    Exact,
    /// A word is the beginning of a text.
    Prefix,
    Contains,
}

impl Level {
    /// The rank of a contact whose worst word matches at this level.
    pub fn rank(self) -> u32 {
        self as u32
    }
}

/// The texts of a contact as the database keeps them for searches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'t> {
    /// The folded words of the name, with one blank before and after each.
    pub(super) name: &'t str,
    /// In lower case.
    pub(super) external_user_id: &'t str,
    /// In lower case.
    pub(super) email: &'t str,
    /// The digits.
    pub(super) phone: &'t str,
}

/// The LIKE patterns of a word, for each column. A contact can match the word only if one of them matches, or if the
/// contact has its match key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    pub name_words: Vec<String>,
    pub email_lower: Vec<String>,
    pub phone: Vec<String>,
}

impl<'t> Texts<'t> {
    /// `name_words`, `email_lower` and `phone` are columns of `contact_texts`.
    pub fn new(name_words: Option<&'t str>, email_lower: Option<&'t str>, phone: Option<&'t str>) -> Self {
        let (name, id) = name_words.and_then(|text| text.split_once('\u{1}')).unwrap_or_default();
        let id = id.strip_prefix(' ').and_then(|id| id.strip_suffix(' '));
        let phone = phone.unwrap_or_default();
        Self {
            name,
            external_user_id: id.unwrap_or_default(),
            email: email_lower.unwrap_or_default(),
            phone: phone.strip_prefix('+').unwrap_or(phone),
        }
    }
}

impl Query {
    /// The rank of a contact with these texts: the level of its worst word. `None` if a word matches nothing.
    /// `is_equivalent(i)` says whether the contact has a match key of word `i`.
    pub fn rank(&self, texts: &Texts<'_>, is_equivalent: impl Fn(usize) -> bool) -> Option<u32> {
        let levels = self.words.iter().enumerate().map(|(place, word)| {
            if is_equivalent(place) {
                return Some(Level::Exact);
            }
            word.level(texts)
        });
        let worst = levels.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        if worst == Level::Exact && self.is_whole_name(texts.name) {
            return Some(Level::Whole.rank());
        }
        Some(worst.rank())
    }

    /// The rank of a contact that matches only with typing errors: greater than [`CONTAINS_RANK`], first by the edits of
    /// all words, then by whether the name has further words. `None` if it does not match, or if [`Self::rank`] has a
    /// rank for it.
    pub fn similar_rank(&self, texts: &Texts<'_>, is_equivalent: impl Fn(usize) -> bool) -> Option<u32> {
        let mut edits = None;
        for (place, word) in self.words.iter().enumerate() {
            if !is_equivalent(place) && word.level(texts).is_none() {
                edits = Some(edits.unwrap_or(0) + word.edits(texts)?);
            }
        }
        let edits = u32::try_from(edits?).unwrap_or(u32::MAX / 4);
        let has_more = !self.is_similar_to_whole_name(texts.name);
        Some(CONTAINS_RANK + 1 + 2 * edits + u32::from(has_more))
    }

    /// The folded words of the query's words that can only be a name or an external id.
    pub(super) fn name(&self) -> Vec<&str> {
        let names = self.words.iter().filter(|word| word.is_for_name());
        names.flat_map(|word| &word.name).map(String::as_str).collect()
    }

    fn is_whole_name(&self, name: &str) -> bool {
        let mut typed = self.name();
        let mut words: Vec<&str> = name.split_whitespace().collect();
        if typed.len() != words.len() {
            return false;
        }
        typed.sort_unstable();
        words.sort_unstable();
        typed == words && !typed.is_empty()
    }

    fn is_similar_to_whole_name(&self, name: &str) -> bool {
        let words: Vec<&str> = name.split_whitespace().collect();
        let mut names = self.words.iter().filter(|word| word.is_for_name());
        !words.is_empty()
            && self.name().len() == words.len()
            && names.all(|word| name.contains(&word.phrase) || similar::find_pieces(&word.name, &words).is_some())
    }

    /// The LIKE patterns of each word for a level. A whole name of several words has one more element: the name's length.
    pub fn patterns(&self, level: Level) -> Vec<Patterns> {
        let words = self.words.iter();
        let patterns = words.map(|word| match (level, &*self.name()) {
            (Level::Whole, [only]) if word.is_for_name() => Patterns {
                name_words: vec![format!(" {} \u{1}%", like_literal(only))],
                ..Patterns::default()
            },
            (Level::Whole, _) => word.patterns(Level::Exact),
            _ => word.patterns(level),
        });
        let name = self.name();
        let of_length = (level == Level::Whole && name.len() > 1).then(|| {
            let length = name.join(" ").chars().count();
            Patterns {
                name_words: vec![format!(" {} \u{1}%", "_".repeat(length))],
                ..Patterns::default()
            }
        });
        patterns.chain(of_length).collect()
    }
}

impl QueryWord {
    /// The best level of the word.
    pub(super) fn level(&self, texts: &Texts<'_>) -> Option<Level> {
        let name = self.in_name(texts.name).map(|(kind, _)| level_of(kind));
        let email = self.in_email(texts.email).map(|(kind, ..)| level_of(kind));
        let is_end = || self.last_digits().is_some_and(|last| texts.phone.ends_with(last));
        let phone = self.in_phone(texts.phone);
        let phone = phone.map(|(kind, ..)| if is_end() { Level::Exact } else { level_of(kind) });
        let external_user_id = self.in_external_user_id(texts.external_user_id).map(level_of);
        [name, email, phone, external_user_id].into_iter().flatten().min()
    }

    /// Whether the word can only be a name or an external id.
    pub fn is_for_name(&self) -> bool {
        !self.name.is_empty() && self.phone.is_none() && !self.typed.contains('@')
    }

    /// The digits as they were typed, if a number that ends with them ranks like one that is equal to them.
    pub(super) fn last_digits(&self) -> Option<&str> {
        let digits = self.phone.as_ref().map(PhoneTerm::digits);
        digits.filter(|digits| digits.len() >= LAST_DIGITS_MIN)
    }

    /// The fewest edits with which the word matches.
    fn edits(&self, texts: &Texts<'_>) -> Option<usize> {
        let words: Vec<&str> = texts.name.split_whitespace().collect();
        let name = similar::find_pieces(&self.name, &words).map(|(edits, _)| edits);
        let emails = self
            .email
            .iter()
            .filter_map(|typed| similar::find_in_email(typed, texts.email));
        let email = emails.map(|(edits, ..)| edits).min();
        name.into_iter().chain(email).min()
    }

    /// How the word is in the folded words of a name, and the place in bytes where it begins there. `name` has a blank
    /// before and after each word.
    pub(super) fn in_name(&self, name: &str) -> Option<(Kind, usize)> {
        let phrase = self.phrase();
        // Most names do not have it at all.
        let first = name.find(phrase).filter(|_| !phrase.is_empty())?;
        let from_start = &self.phrase[..self.phrase.len() - 1];
        let whole = || name.find(&self.phrase).map(|at| (Kind::Exact, at + 1));
        let start = || name.find(from_start).map(|at| (Kind::Prefix, at + 1));
        let inside = || self.contained_piece().map(|_| (Kind::Contains, first));
        whole().or_else(start).or_else(inside)
    }

    /// How the word is in an email in lower case, and the place in bytes where it is.
    pub(super) fn in_email(&self, email: &str) -> Option<(Kind, usize, usize)> {
        let found = self.email.iter().filter_map(|typed| {
            let start = email.find(&**typed)?;
            let kind = match start {
                0 if typed.len() == email.len() => Kind::Exact,
                0 => Kind::Prefix,
                _ => Kind::Contains,
            };
            Some((kind, start, start + typed.len()))
        });
        found.min()
    }

    /// How the word is in the digits of a phone, and the place where it is. The last digits go before other places.
    pub(super) fn in_phone(&self, digits: &str) -> Option<(Kind, usize, usize)> {
        let pieces = self.phone.iter().flat_map(|phone| phone.pieces());
        let found = pieces.filter_map(|piece| {
            let start = match digits.find(&**piece)? {
                0 => 0,
                _ if digits.ends_with(&**piece) => digits.len() - piece.len(),
                start => start,
            };
            let kind = match start {
                0 if piece.len() == digits.len() => Kind::Exact,
                0 => Kind::Prefix,
                _ => Kind::Contains,
            };
            Some((kind, start, start + piece.len()))
        });
        // Of equal kinds, the piece that reaches the end.
        found.min_by_key(|(kind, _, end)| (*kind, digits.len() - end))
    }

    pub(super) fn in_external_user_id(&self, id: &str) -> Option<Kind> {
        let typed = self.external_user_id.as_deref().filter(|typed| !typed.is_empty())?;
        match id.strip_prefix(typed)? {
            "" => Some(Kind::Exact),
            _ => Some(Kind::Prefix),
        }
    }

    /// The LIKE patterns for a level. The one for `name_words` can also match inside of an external id.
    fn patterns(&self, level: Level) -> Patterns {
        let mut texts = vec![self.phrase().to_owned()];
        texts.extend(self.external_user_id.clone());
        texts.retain(|text| !text.is_empty());
        texts.dedup();
        let is_long = self.contained_piece().is_some();
        let texts = texts.into_iter().map(|text| {
            let literal = like_literal(&text);
            match level {
                Level::Whole | Level::Exact => format!("% {literal} %"),
                Level::Contains if is_long => format!("%{literal}%"),
                Level::Prefix | Level::Contains => format!("% {literal}%"),
            }
        });
        let name_words = texts.collect();
        let emails = self.email.iter().map(|typed| match level {
            Level::Whole | Level::Exact => like_literal(typed),
            Level::Prefix => format!("{}%", like_literal(typed)),
            Level::Contains => containing(typed),
        });
        let pieces = self.phone.iter().flat_map(|phone| phone.pieces());
        let mut phones: Vec<String> = pieces
            .flat_map(|piece| match level {
                Level::Whole | Level::Exact => vec![piece.clone(), format!("+{piece}")],
                Level::Prefix => vec![format!("{piece}%"), format!("+{piece}%")],
                Level::Contains => vec![containing(piece)],
            })
            .collect();
        if level != Level::Contains {
            phones.extend(self.last_digits().map(|last| format!("%{last}")));
        }
        Patterns {
            name_words,
            email_lower: emails.collect(),
            phone: phones,
        }
    }
}

fn level_of(kind: Kind) -> Level {
    match kind {
        Kind::Exact | Kind::Equivalent => Level::Exact,
        Kind::Prefix => Level::Prefix,
        Kind::Contains | Kind::Similar => Level::Contains,
    }
}
