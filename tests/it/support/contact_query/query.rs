//! The words of a query.

use contact_search::domain::phone::{Region, digits, whatsapp_id};
use contact_search::domain::term::PhoneTerm;

use super::text::{Text, composed, is_punctuation, name_words};

/// A field of a contact, in the order of `matchedBy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Name,
    Phone,
    Email,
    ExternalUserId,
}

/// A word of a query.
#[derive(Clone, Debug)]
pub struct Word {
    /// The word as typed, without what its cleaning removes.
    pub text: String,
    /// The only field that the word may match, if it has a prefix.
    pub narrowed: Option<Field>,
    /// The word as a phone, if it consists of digits and phone symbols, or is the WhatsApp id of a person.
    pub phone: Option<PhoneTerm>,
    pub name_words: Vec<Text>,
    pub lower: Text,
    pub folded: Text,
}

/// Why a query gets 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    Blank,
    TooManyWords,
}

/// The most words of a query.
const WORDS_MAX: usize = 10;

/// With this many digits, neighbouring words of digits are one phone.
const PHONE_DIGITS_MIN: usize = 7;

/// A word before phones are joined.
struct Token {
    narrowed: Option<Field>,
    text: String,
}

/// The words of a query in the order typed.
pub fn words(query: &str, region: Region) -> Result<Vec<Word>, Refusal> {
    let tokens = join_phones(tokens(&composed(query)));
    let (texts, marks): (Vec<Token>, Vec<Token>) = tokens
        .into_iter()
        .partition(|token| !token.text.chars().all(is_punctuation));
    let kept = if texts.is_empty() { marks } else { texts };
    if kept.is_empty() {
        return Err(Refusal::Blank);
    }
    let mut words: Vec<Word> = Vec::new();
    for token in kept {
        let is_repeated =
            |word: &Word| word.narrowed == token.narrowed && word.text.to_lowercase() == token.text.to_lowercase();
        if !words.iter().any(is_repeated) {
            words.push(Word::new(token, region));
        }
    }
    if words.len() > WORDS_MAX {
        return Err(Refusal::TooManyWords);
    }
    Ok(words)
}

/// The cleaned words, with the field that a prefix narrows each one to.
fn tokens(query: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut waiting = None;
    for typed in query.split_whitespace() {
        let cleaned = clean(typed);
        let (prefix, rest) = prefixed(cleaned);
        waiting = prefix.or(waiting);
        let text = clean(without_ignoring_case(clean(rest), "mailto:"));
        if text.is_empty() {
            continue;
        }
        tokens.push(Token {
            narrowed: waiting.take(),
            text: text.to_owned(),
        });
    }
    tokens
}

/// The word without brackets, quotes, commas and semicolons at its ends. A word of phone symbols keeps round brackets.
fn clean(word: &str) -> &str {
    let without_marks = word.trim_matches(['<', '>', '"', '\'', ',', ';', '[', ']']);
    if is_of_phone(without_marks) {
        return without_marks;
    }
    word.trim_matches(['<', '>', '"', '\'', '(', ')', ',', ';', '[', ']'])
}

fn prefixed(word: &str) -> (Option<Field>, &str) {
    for (prefix, field) in [
        ("name:", Field::Name),
        ("phone:", Field::Phone),
        ("email:", Field::Email),
    ] {
        let rest = without_ignoring_case(word, prefix);
        if rest.len() < word.len() {
            return (Some(field), rest);
        }
    }
    (None, word)
}

fn without_ignoring_case<'a>(word: &'a str, prefix: &str) -> &'a str {
    match word.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
        _ => word,
    }
}

/// Whether the word consists only of digits and phone symbols.
fn is_of_phone(word: &str) -> bool {
    let symbols = ['+', '-', '(', ')', '.', '/'];
    word.chars()
        .all(|character| symbols.contains(&character) || has_digit(&character.to_string()))
}

fn has_digit(text: &str) -> bool {
    !digits(text).is_empty()
}

/// Makes one word of neighbouring words that are one phone.
fn join_phones(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(first) = rest.next() {
        if !is_of_phone(&first.text) {
            joined.push(first);
            continue;
        }
        let mut run = vec![first];
        while let Some(next) = rest.next_if(|next| next.narrowed.is_none() && is_of_phone(&next.text)) {
            run.push(next);
        }
        let texts: Vec<&str> = run.iter().map(|token| token.text.as_str()).collect();
        let whole = texts.join(" ");
        let is_phone = run[0].narrowed == Some(Field::Phone)
            || whole.starts_with(['+', '('])
            || digits(&whole).len() >= PHONE_DIGITS_MIN;
        if is_phone && has_digit(&whole) {
            joined.push(Token {
                narrowed: run[0].narrowed,
                text: whole,
            });
        } else {
            joined.extend(run);
        }
    }
    joined
}

impl Word {
    fn new(Token { narrowed, text }: Token, region: Region) -> Self {
        let can_be_phone = narrowed == Some(Field::Phone)
            || text.split(' ').all(is_of_phone)
            || whatsapp_id::number(&text).is_some_and(is_of_phone);
        Self {
            narrowed,
            phone: PhoneTerm::parse(&text, region).filter(|_| can_be_phone),
            name_words: name_words(&text),
            lower: Text::lower(&text),
            folded: Text::folded_without_apostrophes(&text),
            text,
        }
    }

    /// Whether the word may match the field.
    pub fn is_for(&self, field: Field) -> bool {
        self.narrowed.is_none_or(|only| only == field)
    }
}
