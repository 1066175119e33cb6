//! The contacts that match a query, in the order of the answer.

use std::cmp::Reverse;

use serde_json::Value;
use uuid::Uuid;

use super::contact::Contact;
use super::field_match::{better, similar};
use super::query::Word;
use super::rank::{self, WordMatch};

/// A contact of the answer.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: Uuid,
    pub rank: usize,
    pub matched_by: Vec<Value>,
}

/// With this many better matches, no similar contacts are looked for.
const ENOUGH: usize = 20;

/// The most contacts that are ranked although they match only by similarity: those with the latest messages.
const SIMILAR_MAX: usize = 100;

/// The contacts that match every word, in the order of the answer.
pub fn find(contacts: &[Contact], words: &[Word]) -> Vec<Found> {
    let newest_first = |(contact, _): &(&Contact, Found)| (Reverse(contact.stored.last_message_at), contact.stored.id);
    let matching = |may_be_similar| {
        let found = contacts.iter();
        found.filter_map(move |contact| Some((contact, matched(contact, words, may_be_similar)?)))
    };
    let mut found: Vec<(&Contact, Found)> = matching(false).collect();
    if found.len() < ENOUGH {
        let is_new =
            |(contact, _): &(&Contact, Found)| found.iter().all(|(other, _)| other.stored.id != contact.stored.id);
        let mut others: Vec<(&Contact, Found)> = matching(true).filter(is_new).collect();
        others.sort_by_key(newest_first);
        others.truncate(SIMILAR_MAX);
        found.extend(others);
    }
    // `None` is less than any time, so contacts without a message are the last.
    found.sort_by_key(|one| (one.1.rank, newest_first(one)));
    found.into_iter().map(|(_, found)| found).collect()
}

/// How the contact matches all words. `None` if it does not match one of them.
fn matched(contact: &Contact, words: &[Word], may_be_similar: bool) -> Option<Found> {
    let mut edits = None;
    let mut matches: Vec<WordMatch<'_>> = Vec::new();
    for word in words {
        let mut fields = better(word, contact);
        if fields.is_empty() {
            if may_be_similar {
                fields = similar(word, contact);
            }
            edits = Some(edits.unwrap_or(0) + rank::best(&fields)?);
        }
        matches.push((word, fields));
    }
    let rank = match edits {
        None => rank::without_errors(contact, &matches),
        Some(edits) => rank::similar(contact, words, edits),
    };
    let mut matched_by = Vec::new();
    for (word, fields) in matches {
        matched_by.extend(
            fields
                .into_iter()
                .map(|(field, found)| found.entry(word, field, contact)),
        );
    }
    Some(Found {
        id: contact.stored.id,
        rank,
        matched_by,
    })
}
