//! Whether and how a word matches a field of a contact.

use std::ops::Range;

use serde_json::{Value, json};

use super::contact::Contact;
use super::query::{Field, Word};
use super::rank;
use super::text::{Text, edits};

/// How a word matches a field.
#[derive(Clone, Debug)]
pub struct FieldMatch {
    pub kind: &'static str,
    /// The smaller, the better: the rank of a contact whose worst word matches like this, or the number of edits of a
    /// similar word.
    pub rank: usize,
    /// The part of the shown value, in UTF-16 code units.
    highlight: Range<usize>,
}

/// The fields in the order of `matchedBy`, and their names there.
const FIELDS: [(Field, &str); 4] = [
    (Field::Name, "name"),
    (Field::Phone, "phone"),
    (Field::Email, "email"),
    (Field::ExternalUserId, "externalUserId"),
];

const EXACT: (&str, usize) = ("exact", rank::EXACT);
const EQUIVALENT: (&str, usize) = ("equivalent", rank::EXACT);
const PREFIX: (&str, usize) = ("prefix", rank::PREFIX);
const CONTAINS: (&str, usize) = ("contains", rank::CONTAINS);

/// The fewest digits that people remember as the end of a number.
const LAST_DIGITS_MIN: usize = 4;

/// The length of the longest word of a text that is found inside of a name, in characters.
const NAME_CONTAINS_MIN: usize = 3;

/// A match of each field that the word matches without edits.
pub fn better(word: &Word, contact: &Contact) -> Vec<(Field, FieldMatch)> {
    in_fields(word, |field| match field {
        Field::Name => name(word, contact),
        Field::Phone => phone(word, contact),
        Field::Email => email(word, contact),
        Field::ExternalUserId => external(word, contact),
    })
}

/// A match of each field to which the word is similar.
pub fn similar(word: &Word, contact: &Contact) -> Vec<(Field, FieldMatch)> {
    in_fields(word, |field| match field {
        Field::Name => similar_name(word, contact),
        Field::Email => similar_email(word, contact),
        Field::Phone | Field::ExternalUserId => None,
    })
}

fn in_fields(word: &Word, find: impl Fn(Field) -> Option<FieldMatch>) -> Vec<(Field, FieldMatch)> {
    let fields = FIELDS.iter().filter(|(field, _)| word.is_for(*field));
    fields.filter_map(|(field, _)| Some((*field, find(*field)?))).collect()
}

impl FieldMatch {
    fn new((kind, rank): (&'static str, usize), highlight: Range<usize>) -> Self {
        Self { kind, rank, highlight }
    }

    /// A match with these edits of consecutive pieces.
    fn similar(edits: usize, pieces: &[Text]) -> Self {
        let (first, last) = (&pieces[0], &pieces[pieces.len() - 1]);
        let end = last.source(0..last.chars.len()).end;
        Self::new(("similar", edits), first.source(0..1).start..end)
    }

    /// The entry of `matchedBy`.
    pub fn entry(&self, word: &Word, field: Field, contact: &Contact) -> Value {
        let (_, name) = FIELDS[field as usize];
        let highlight = json!({ "start": self.highlight.start, "end": self.highlight.end });
        let mut entry = json!({ "word": word.text, "field": name, "kind": self.kind, "highlights": [highlight] });
        if field == Field::ExternalUserId {
            entry["value"] = json!(contact.stored.external_user_id);
        }
        entry
    }
}

fn name(word: &Word, contact: &Contact) -> Option<FieldMatch> {
    let last = word.name_words.last()?;
    for (kind, places) in [
        (EXACT, exact_places(word, contact)),
        (PREFIX, prefix_places(word, contact)),
    ] {
        if let Some(place) = places.first() {
            let end = contact.name_words[place.end - 1].source(0..last.chars.len()).end;
            let start = contact.name_words[place.start].source(0..1).start;
            return Some(FieldMatch::new(kind, start..end));
        }
    }
    let text = Text::joined(&word.name_words);
    if word.name_words.iter().all(|word| word.chars.len() < NAME_CONTAINS_MIN) {
        return None;
    }
    let place = contact.name_joined.find(&text)?;
    Some(FieldMatch::new(CONTAINS, contact.name_joined.source(place)))
}

/// The runs of words of the name that are equal to the words in the typed word.
pub fn exact_places(word: &Word, contact: &Contact) -> Vec<Range<usize>> {
    name_places(word, contact, |last, typed| last.chars == typed.chars)
}

/// The runs of words of the name that are equal to the words in the typed word, except that the last one only begins
/// with the last typed one.
fn prefix_places(word: &Word, contact: &Contact) -> Vec<Range<usize>> {
    name_places(word, contact, Text::starts_with)
}

fn name_places(word: &Word, contact: &Contact, is_last: impl Fn(&Text, &Text) -> bool) -> Vec<Range<usize>> {
    let Some((typed_last, typed_others)) = word.name_words.split_last() else {
        return Vec::new();
    };
    let mut places = Vec::new();
    for (start, run) in contact.name_words.windows(word.name_words.len()).enumerate() {
        let (last, others) = run.split_last().expect("the word has name words");
        let are_equal = others.iter().zip(typed_others).all(|(a, b)| a.chars == b.chars);
        if are_equal && is_last(last, typed_last) {
            places.push(start..start + run.len());
        }
    }
    places
}

fn email(word: &Word, contact: &Contact) -> Option<FieldMatch> {
    let email = &contact.email_lower;
    let readings = [&word.lower, &word.folded];
    let is_exact = |reading: &&&Text| reading.chars == email.chars;
    let found = |kind, place| Some(FieldMatch::new(kind, email.source(place)));
    if readings.iter().any(|reading| is_exact(&reading)) {
        return found(EXACT, 0..email.chars.len());
    }
    if let Some(reading) = readings.iter().find(|reading| email.starts_with(reading)) {
        return found(PREFIX, 0..reading.chars.len());
    }
    let places = readings.iter().filter_map(|reading| email.find(reading));
    found(CONTAINS, places.min_by_key(|place| place.start)?)
}

fn external(word: &Word, contact: &Contact) -> Option<FieldMatch> {
    let id = &contact.external_lower;
    let kind = if id.chars == word.lower.chars { EXACT } else { PREFIX };
    let place = 0..word.lower.chars.len();
    id.starts_with(&word.lower)
        .then(|| FieldMatch::new(kind, id.source(place)))
}

fn phone(word: &Word, contact: &Contact) -> Option<FieldMatch> {
    let term = word.phone.as_ref()?;
    let stored = contact.stored.phone.as_deref()?;
    let number = stored.trim_start_matches('+');
    let pieces = term.pieces();
    if pieces.iter().any(|piece| piece == number) {
        return Some(FieldMatch::new(EXACT, 0..stored.len()));
    }
    let key = contact.stored.phone_key.as_ref()?;
    if term.is_number() && term.keys().contains(key) {
        return Some(FieldMatch::new(EQUIVALENT, 0..stored.len()));
    }
    let plus = stored.len() - number.len();
    // A piece can lack typed digits: `0643` is searched as `643`. The last digits must be all typed ones.
    let typed = term.digits();
    let has_last_digits = typed.len() >= LAST_DIGITS_MIN && number.ends_with(typed);
    let found = |(kind, rank), start: usize, piece: &String| {
        let rank = if has_last_digits { rank::EXACT } else { rank };
        Some(FieldMatch::new((kind, rank), plus + start..plus + start + piece.len()))
    };
    if let Some(piece) = pieces.iter().find(|piece| number.starts_with(*piece)) {
        return found(PREFIX, 0, piece);
    }
    if let Some(piece) = pieces.iter().find(|piece| number.ends_with(*piece)) {
        return found(CONTAINS, number.len() - piece.len(), piece);
    }
    let places = pieces.iter().filter_map(|piece| Some((number.find(piece)?, piece)));
    let (start, piece) = places.max_by_key(|(start, piece)| start + piece.len())?;
    found(CONTAINS, start, piece)
}

/// The place of the words in the name that are equal or similar to the words in the typed word.
pub fn similar_name(word: &Word, contact: &Contact) -> Option<FieldMatch> {
    let (edits, place) = fewest_edits(&word.name_words, &contact.name_words, false)?;
    Some(FieldMatch::similar(edits, &contact.name_words[place]))
}

fn similar_email(word: &Word, contact: &Contact) -> Option<FieldMatch> {
    let readings = [&word.lower, &word.folded];
    let similar = readings
        .into_iter()
        .filter_map(|typed| similar_local_part(typed, contact));
    similar.min_by_key(|found| (found.rank, found.highlight.start))
}

fn similar_local_part(typed: &Text, contact: &Contact) -> Option<FieldMatch> {
    let (local, domain) = match typed.around_at() {
        Some((local, domain)) => (local, Some(domain)),
        None => (typed.clone(), None),
    };
    if domain
        .as_ref()
        .is_some_and(|domain| !contact.email_domain.starts_with(domain))
    {
        return None;
    }
    let (edits, place) = fewest_edits(&local.runs(), &contact.email_runs, domain.is_some())?;
    Some(FieldMatch::similar(edits, &contact.email_runs[place]))
}

/// The place among `stored` where consecutive pieces are equal or similar to the typed ones with the fewest edits, and
/// the number of these edits.
fn fewest_edits(typed: &[Text], stored: &[Text], must_reach_end: bool) -> Option<(usize, Range<usize>)> {
    if !typed.iter().any(|piece| allowed_edits(&piece.chars) > 0) || typed.len() > stored.len() {
        return None;
    }
    let starts = 0..=stored.len() - typed.len();
    let places = starts.map(|start| start..start + typed.len());
    let places = places.filter(|place| !must_reach_end || place.end == stored.len());
    let counted = places.filter_map(|place| {
        let pairs = typed.iter().zip(&stored[place.clone()]);
        let edits: Option<usize> = pairs
            .map(|(typed, stored)| piece_edits(&typed.chars, &stored.chars))
            .sum();
        Some((edits?, place))
    });
    counted.min_by_key(|(edits, _)| *edits)
}

/// The edits between two pieces. `None` if there are too many.
fn piece_edits(typed: &[char], stored: &[char]) -> Option<usize> {
    let allowed = allowed_edits(typed);
    if typed == stored {
        return Some(0);
    }
    // The test is faster without the table of these texts.
    if typed.len().abs_diff(stored.len()) > allowed {
        return None;
    }
    Some(edits(typed, stored)).filter(|edits| *edits <= allowed)
}

/// The most edits of a typed piece.
fn allowed_edits(typed: &[char]) -> usize {
    match typed.len() {
        _ if !typed.iter().all(|character| character.is_alphabetic()) => 0,
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}
