//! The pairs of records that are worth a comparison.

use super::keys::{Key, RECORDS_PER_KEY};
use super::record::Record;

/// The records whose keys are in memory at the same time, on average.
const RECORDS_PER_PASS: usize = 250_000;

/// The pairs of records that share a key, each once and in order. The first number of a pair is the smaller one.
///
/// If more than [`RECORDS_PER_KEY`] records share an identity, each record is paired with the first ones. Another key
/// that more records share is ignored. So the pairs depend on nothing but the records and their order, and a record has
/// at most [`super::KEYS_MAX`] × [`RECORDS_PER_KEY`] earlier partners.
///
/// Besides the pairs this takes 40 MB: for many records it takes a part of the keys at a time.
///
/// # Panics
/// If there are more than `u32::MAX` records.
pub fn candidate_pairs(records: &[Record]) -> Vec<(u32, u32)> {
    let passes = records.len().div_ceil(RECORDS_PER_PASS) as u64;
    let mut pairs = Vec::new();
    for pass in 0..passes {
        let mut places: Vec<(Key, u32)> = Vec::new();
        for (record, number) in records.iter().zip(0..) {
            let keys = record.keys().into_iter().filter(|key| key.value() % passes == pass);
            places.extend(keys.map(|key| (key, number)));
        }
        assert!(u32::try_from(records.len()).is_ok(), "at most u32::MAX records");
        places.sort_unstable();
        for sharing in places.chunk_by(|(key, _), (other, _)| key == other) {
            add_pairs(sharing, &mut pairs);
        }
        pairs.sort_unstable();
        pairs.dedup();
    }
    pairs
}

/// Adds the pairs of the records that share a key. The records are in order.
fn add_pairs(sharing: &[(Key, u32)], pairs: &mut Vec<(u32, u32)>) {
    let (key, _) = sharing[0];
    if sharing.len() > RECORDS_PER_KEY && !key.is_identity() {
        return;
    }
    for (at, (_, number)) in sharing.iter().enumerate() {
        let earlier = sharing[..at].iter().take(RECORDS_PER_KEY);
        pairs.extend(earlier.map(|(_, earlier)| (*earlier, *number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duplicates::record::RecordFields;

    fn records(count: usize, name: impl Fn(usize) -> String, email: impl Fn(usize) -> String) -> Vec<Record> {
        (0..count)
            .map(|number| {
                Record::new(&RecordFields {
                    name: Some(&name(number)),
                    email: Some(&email(number)),
                    ..RecordFields::default()
                })
            })
            .collect()
    }

    #[test]
    fn records_with_a_common_key_are_a_pair_once() {
        let same = records(3, |_| "Ana Gómez".to_owned(), |_| "ana@acme.com".to_owned());
        assert_eq!(candidate_pairs(&same), [(0, 1), (0, 2), (1, 2)]);
        let others = records(
            3,
            |number| format!("n{number}"),
            |number| format!("{number}@{number}.com"),
        );
        assert!(candidate_pairs(&others).is_empty());
        assert!(candidate_pairs(&[]).is_empty());
    }

    #[test]
    fn a_name_that_many_records_have_makes_no_pairs() {
        let many = records(
            RECORDS_PER_KEY + 1,
            |_| "Maria Garcia".to_owned(),
            |n| format!("{n}x@{n}.com"),
        );
        assert!(candidate_pairs(&many).is_empty());
        let fewer = candidate_pairs(&many[1..]);
        assert_eq!(fewer.len(), RECORDS_PER_KEY * (RECORDS_PER_KEY - 1) / 2);
    }

    #[test]
    fn of_an_email_that_many_records_have_each_record_meets_the_first_ones() {
        let count = RECORDS_PER_KEY * 3;
        let many = records(count, |number| format!("n{number}"), |_| "info@acme.com".to_owned());
        let pairs = candidate_pairs(&many);
        assert!(pairs.contains(&(0, 149)) && pairs.contains(&(49, 149)) && !pairs.contains(&(50, 149)));
        assert_eq!(pairs.len(), 50 * 49 / 2 + 100 * 50);
    }
}
