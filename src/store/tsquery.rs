//! Texts of tsqueries, for the index of grams and for the index of words.
//!
//! Each gram begins with \x01. `contact_gram_query` replaces it by the prefix of a step: a period or a chunk.

use crate::domain::gram::{Gram, TERM_MAX};
use crate::domain::query::Terms;

/// Requires all grams of one of the lists.
pub(super) fn any(lists: &[Vec<Gram>]) -> String {
    // `&` binds more tightly than `|`.
    let all = |grams: &Vec<Gram>| grams.iter().map(lexeme).collect::<Vec<_>>().join(" & ");
    lists.iter().map(all).collect::<Vec<_>>().join(" | ")
}

/// The tsquery of a condition, without its impossible alternatives. The condition itself must be possible.
pub(super) fn of(terms: &Terms) -> String {
    let join = |terms: &[Terms], operator: &str| {
        let terms = terms.iter().filter(|terms| !terms.is_impossible());
        let terms: Vec<String> = terms.map(of).collect();
        format!("({})", terms.join(operator))
    };
    match terms {
        Terms::Gram(gram) => lexeme(gram),
        Terms::Any(any) => join(any, " | "),
        Terms::All(all) => join(all, " & "),
    }
}

/// Requires a key of an index of words, and one of the others.
pub(super) fn with_any_key(key: &str, others: impl Iterator<Item = String>) -> String {
    let others: Vec<String> = others.map(|key| quote(&key)).collect();
    format!("{} & ({})", quote(key), others.join(" | "))
}

/// Requires a key that begins with this text.
pub(super) fn key_start(key: &str) -> String {
    quote(key) + ":*"
}

fn lexeme(gram: &Gram) -> String {
    let (kind, text, is_start) = match gram {
        Gram::Email(text) => ('e', text, false),
        Gram::EmailStart(text) => ('e', text, true),
        Gram::Provider(text) => ('v', text, false),
        Gram::Phone(text) => ('p', text, false),
        Gram::PhoneStart(text) => ('p', text, true),
        Gram::FirstDigits(text) => ('f', text, true),
        Gram::Run(text) => ('r', text, false),
        Gram::Name(text) => ('w', text, false),
        Gram::NameStart(text) => ('w', text, true),
        Gram::OnlyName(text) => ('n', text, false),
        Gram::EmailWord(text) => ('l', text, false),
        Gram::EmailWordStart(text) => ('l', text, true),
        Gram::ExternalId(text) => ('x', text, false),
        Gram::ExternalIdStart(text) => ('x', text, true),
    };
    let text: String = text.chars().take(TERM_MAX).collect();
    quote(&format!("\u{1}{kind}{text}")) + if is_start { ":*" } else { "" }
}

fn quote(lexeme: &str) -> String {
    format!("'{}'", lexeme.replace('\\', r"\\").replace('\'', "''"))
}
