//! The keys of a block of rows.

use crate::domain::duplicates::{Key, RECORDS_PER_KEY};

/// The most contacts with exactly the same external id, phone or email that a row is compared with. A reception has
/// fewer. A placeholder that thousands of contacts have as their email would make millions of pairs.
const EXACT_CONTACTS: u16 = 1_000;

const PER_KEY: u16 = RECORDS_PER_KEY as u16;

/// Whether a record is a contact or a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Contact,
    Row,
}

/// How many contacts, or how many rows, have each key.
struct Counts {
    /// The counts of the first pass.
    all: Vec<u16>,
    /// The counts of the second pass, so far.
    seen: Vec<u16>,
}

impl Counts {
    fn new(keys: usize) -> Self {
        Self {
            all: vec![0; keys],
            seen: vec![0; keys],
        }
    }
}

/// The keys of the rows of a block, with the rows of each. A key and one row of it take about 26 bytes.
pub(super) struct KeyIndex {
    /// Sorted.
    keys: Vec<Key>,
    /// Where the rows of each key begin in `rows`, and the end of the last ones.
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// Where the keys with the same first bits begin. Keys are hashes, so few have the same ones.
    buckets: Vec<u32>,
    /// The number of bits after these first ones.
    shift: u32,
    contacts: Counts,
    file_rows: Counts,
}

impl KeyIndex {
    /// The index of the keys, each with the place of its row in the block.
    pub(super) fn new(mut places: Vec<(Key, u32)>) -> Self {
        places.sort_unstable();
        let (mut keys, mut starts) = (Vec::new(), Vec::new());
        for (at, (key, _)) in places.iter().enumerate() {
            if keys.last() != Some(key) {
                keys.push(*key);
                starts.push(place(at));
            }
        }
        starts.push(place(places.len()));
        let bits = keys.len().max(2).ilog2();
        let shift = u64::BITS - bits;
        let mut buckets = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let next = bucket(*key, shift) + 1;
            buckets.resize(next.max(buckets.len()), place(at));
        }
        buckets.resize((1 << bits) + 1, place(keys.len()));
        Self {
            contacts: Counts::new(keys.len()),
            file_rows: Counts::new(keys.len()),
            rows: places.into_iter().map(|(_, row)| row).collect(),
            keys,
            starts,
            buckets,
            shift,
        }
    }

    fn find(&self, key: Key) -> Option<usize> {
        let bucket = bucket(key, self.shift);
        let (start, end) = (self.buckets[bucket] as usize, self.buckets[bucket + 1] as usize);
        let place = self.keys[start..end].iter().position(|other| *other == key)?;
        Some(start + place)
    }

    fn counts(&mut self, kind: Kind) -> &mut Counts {
        match kind {
            Kind::Contact => &mut self.contacts,
            Kind::Row => &mut self.file_rows,
        }
    }

    /// Counts a key of a record, in the first pass. Returns whether a row has the key, and the limit is not exceeded.
    pub(super) fn count(&mut self, kind: Kind, key: Key) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let count = &mut self.counts(kind).all[at];
        *count = count.saturating_add(1);
        *count <= records_max(kind, key)
    }

    /// The rows of the block that a record is compared with because of the key, in the second pass.
    ///
    /// A key of likeness that many records share says nothing. Of an identity that many records share, the first ones
    /// count. So the records must come in a defined order.
    pub(super) fn rows_to_compare(&mut self, kind: Kind, key: Key) -> &[u32] {
        let Some(at) = self.find(key) else {
            return &[];
        };
        let counts = self.counts(kind);
        let counts = if key.is_identity() {
            let seen = &mut counts.seen[at];
            *seen = seen.saturating_add(1);
            *seen <= records_max(kind, key)
        } else {
            counts.all[at] <= PER_KEY
        };
        match counts {
            true => &self.rows[self.starts[at] as usize..self.starts[at + 1] as usize],
            false => &[],
        }
    }
}

/// The most records with the key that a row is compared with.
fn records_max(kind: Kind, key: Key) -> u16 {
    match kind {
        Kind::Contact if key.is_exact() => EXACT_CONTACTS,
        _ => PER_KEY,
    }
}

/// The first bits of the key.
fn bucket(key: Key, shift: u32) -> usize {
    (key.value() >> shift) as usize
}

/// A place in a block, which has at most a few million keys.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a block has fewer than u32::MAX keys")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duplicates::{Record, RecordFields};

    fn record(name: &str, email: &str) -> Record {
        Record::new(&RecordFields {
            name: Some(name),
            email: Some(email),
            ..RecordFields::default()
        })
    }

    fn rows_of(index: &mut KeyIndex, kind: Kind, keys: &[Key]) -> Vec<Vec<u32>> {
        let rows = keys.iter().map(|key| index.rows_to_compare(kind, *key).to_vec());
        rows.collect()
    }

    #[test]
    fn each_key_finds_its_rows_and_other_keys_find_none() {
        for count in [0, 1, 2, 3, 1_000] {
            let keys: Vec<Vec<Key>> = (0..2 * count + 2)
                .map(|number| record(&format!("n{number}"), &format!("{number}@{number}.com")).keys())
                .collect();
            let places = keys[..count].iter().zip(0..);
            let places = places.flat_map(|(keys, row)| keys.iter().map(move |key| (*key, row)));
            let mut index = KeyIndex::new(places.collect());
            for (keys, row) in keys.iter().zip(0..) {
                let expected = if (row as usize) < count { vec![row] } else { vec![] };
                for rows in rows_of(&mut index, Kind::Contact, keys) {
                    assert_eq!(rows, expected, "{row} of {count}");
                }
            }
        }
    }

    #[test]
    fn a_frequent_likeness_says_nothing_and_of_an_identity_the_first_records_count() {
        let ana = record("Ana", "ana@acme.com");
        let keys: Vec<Key> = ana.keys().into_iter().chain(ana.exact_keys()).collect();
        let [mailbox, exact] = [
            keys.iter().find(|key| key.is_identity() && !key.is_exact()).unwrap(),
            keys.iter().find(|key| key.is_exact()).unwrap(),
        ];
        let likeness: Vec<Key> = keys.iter().copied().filter(|key| !key.is_identity()).collect();
        for (kind, exact_limit) in [(Kind::Contact, 1_000), (Kind::Row, RECORDS_PER_KEY)] {
            for records in [RECORDS_PER_KEY, RECORDS_PER_KEY + 1, 2_000] {
                let mut index = KeyIndex::new(keys.iter().map(|key| (*key, 0)).collect());
                for _ in 0..records {
                    for key in &keys {
                        index.count(kind, *key);
                    }
                }
                let mut compared = |key| {
                    let rows = (0..records).map(|_| index.rows_to_compare(kind, key).len());
                    rows.sum::<usize>()
                };
                assert_eq!(compared(*mailbox), RECORDS_PER_KEY);
                assert_eq!(compared(*exact), records.min(exact_limit));
                for key in &likeness {
                    let expected = if records > RECORDS_PER_KEY { 0 } else { records };
                    assert_eq!(compared(*key), expected);
                }
            }
        }
    }
}
