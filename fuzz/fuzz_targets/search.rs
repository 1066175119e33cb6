//! The search for people: the words of any text, and how they match any contact.
//!
//! The input has five lines: what a person types, and a contact's name, email, digits and external id.

#![no_main]

use contact_search::domain::fold;
use contact_search::domain::phone::Region;
use contact_search::domain::query::{Dictionary, Field, Kind, Level, Query, ShownContact, Texts, WORDS_MAX};
use libfuzzer_sys::fuzz_target;

const LEVELS: [Level; 4] = [Level::Whole, Level::Exact, Level::Prefix, Level::Contains];

/// The most bytes of an external id here. The database keeps 64 characters of one for the search.
const EXTERNAL_ID_MAX: usize = 64;

/// In lower case, each character on its own.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fuzz_target!(|input: &str| {
    let [typed, name, email, digits, id] = input.splitn(5, '\n').collect::<Vec<_>>()[..] else {
        return;
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || id.len() > EXTERNAL_ID_MAX || id.contains('\u{1}') {
        return;
    }
    let Ok(query) = Query::parse(typed, Region::DEFAULT) else {
        return;
    };
    let words = query.words();
    assert!((1..=WORDS_MAX).contains(&words.len()));
    for word in words {
        assert!(!word.typed().is_empty());
        word.similar_terms(&Dictionary::default());
    }
    for level in LEVELS {
        assert_eq!(query.patterns(level).len(), words.len());
        query.terms(level, &Dictionary::default());
    }
    // The texts as the database keeps them.
    let name_words = format!(" {} \u{1} {} ", fold::words(name).join(" "), lower(id));
    let email_lower = lower(email);
    let texts = Texts::new(Some(&name_words), Some(&email_lower), Some(digits));
    let rank = query.rank(&texts, |_| false);
    let similar_rank = query.similar_rank(&texts, |_| false);
    assert!(rank.is_none() || similar_rank.is_none());
    let shown = ShownContact { name: Some(name), phone: Some(digits), email: Some(email), external_user_id: Some(id) };
    let matched = query.matched_by(&shown, |_| false);
    let has = |is_meant: &dyn Fn(Kind) -> bool| {
        let is_matched = |typed: &str| matched.iter().any(|found| found.word == typed && is_meant(found.kind));
        words.iter().all(|word| is_matched(word.typed()))
    };
    // A word can stand for two fields, as in `name:ana email:ana`. Then an entry can belong to either of them.
    let mut distinct: Vec<&str> = words.iter().map(|word| word.typed()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == words.len() {
        assert_eq!(rank.is_some(), has(&|kind| kind != Kind::Similar), "{matched:?}");
        assert_eq!(rank.is_some() || similar_rank.is_some(), has(&|_| true), "{matched:?}");
    }
    for found in &matched {
        let text = match found.field {
            Field::Name => name,
            Field::Phone => digits,
            Field::Email => email,
            Field::ExternalUserId => id,
        };
        let units: Vec<u16> = text.encode_utf16().collect();
        let (start, end) = (found.highlight.start, found.highlight.end);
        assert!(start < end, "{found:?}");
        assert!(String::from_utf16(&units[start..end]).is_ok(), "{found:?}");
    }
});
