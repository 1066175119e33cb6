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

/// How many records of a kind have a key.
#[derive(Clone, Copy, Default)]
struct Count {
    /// The count of the first pass.
    all: u16,
    /// The count of the second pass, so far.
    seen: u16,
}

/// The counts of a key.
#[derive(Clone, Copy, Default)]
struct KeyCounts {
    contacts: Count,
    file_rows: Count,
}

impl KeyCounts {
    fn of(&mut self, kind: Kind) -> &mut Count {
        match kind {
            Kind::Contact => &mut self.contacts,
            Kind::Row => &mut self.file_rows,
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
    /// The counts of each key.
    counts: Vec<KeyCounts>,
}

/// Says for most keys that no row has them. It fits into the caches of a processor, and the indexes of the
/// blocks do not. Most keys of contacts are keys of no row.
pub(super) struct KeyFilter {
    /// A bit for each possible value of the last bits of a key.
    bits: Vec<u64>,
}

impl KeyFilter {
    /// The filter of the keys of the indexes.
    pub(super) fn of_all<'a>(indexes: impl Iterator<Item = &'a KeyIndex> + Clone) -> Self {
        Self::of(indexes, |_| true)
    }

    /// The filter of the keys for which the second pass compares records.
    pub(super) fn of_compared<'a>(indexes: impl Iterator<Item = &'a KeyIndex> + Clone) -> Self {
        Self::of(indexes, |(key, counts)| {
            key.is_identity() || counts.contacts.all <= PER_KEY || counts.file_rows.all <= PER_KEY
        })
    }

    fn of<'a>(
        indexes: impl Iterator<Item = &'a KeyIndex> + Clone,
        is_wanted: impl Fn((Key, &KeyCounts)) -> bool,
    ) -> Self {
        /// With 8 to 16 bits per key, 6 to 12 % of the other keys pass.
        const BITS_PER_KEY: usize = 8;
        let keys: usize = indexes.clone().map(|index| index.keys.len()).sum();
        let words = (keys * BITS_PER_KEY / 64).next_power_of_two();
        let mut filter = Self { bits: vec![0; words] };
        for index in indexes {
            for (key, counts) in index.keys.iter().zip(&index.counts) {
                if is_wanted((*key, counts)) {
                    let (word, bit) = filter.place(*key);
                    filter.bits[word] |= bit;
                }
            }
        }
        filter
    }

    /// `false` if no row has the key.
    pub(super) fn may_have(&self, key: Key) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word] & bit != 0
    }

    fn place(&self, key: Key) -> (usize, u64) {
        let word = (key.value() >> 6) as usize & (self.bits.len() - 1);
        (word, 1 << (key.value() & 63))
    }
}

impl KeyIndex {
    /// The index of the keys, each with the index of its row in the block.
    pub(super) fn new(mut keys_of_rows: Vec<(Key, u32)>) -> Self {
        keys_of_rows.sort_unstable();
        let (mut keys, mut starts) = (Vec::new(), Vec::new());
        for (at, (key, _)) in keys_of_rows.iter().enumerate() {
            if keys.last() != Some(key) {
                keys.push(*key);
                starts.push(offset(at));
            }
        }
        starts.push(offset(keys_of_rows.len()));
        let bits = keys.len().max(2).ilog2();
        let shift = u64::BITS - bits;
        let mut buckets = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let next = bucket(*key, shift) + 1;
            buckets.resize(next.max(buckets.len()), offset(at));
        }
        buckets.resize((1 << bits) + 1, offset(keys.len()));
        Self {
            counts: vec![KeyCounts::default(); keys.len()],
            rows: keys_of_rows.into_iter().map(|(_, row)| row).collect(),
            keys,
            starts,
            buckets,
            shift,
        }
    }

    fn find(&self, key: Key) -> Option<usize> {
        let bucket = bucket(key, self.shift);
        let (start, end) = (self.buckets[bucket] as usize, self.buckets[bucket + 1] as usize);
        let in_bucket = self.keys[start..end].iter().position(|other| *other == key)?;
        Some(start + in_bucket)
    }

    /// Counts a key of a record, in the first pass. Returns whether a row has the key, and the limit is not exceeded.
    pub(super) fn count(&mut self, kind: Kind, key: Key) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let count = self.counts[at].of(kind);
        count.all = count.all.saturating_add(1);
        count.all <= records_max(kind, key)
    }

    /// The rows of the block that a record is compared with because of the key, in the second pass.
    ///
    /// A key of likeness that many records share says nothing. Of an identity that many records share, the first ones
    /// count. So the records must come in a defined order.
    pub(super) fn rows_to_compare(&mut self, kind: Kind, key: Key) -> &[u32] {
        let Some(at) = self.find(key) else {
            return &[];
        };
        let count = self.counts[at].of(kind);
        let is_compared = if key.is_identity() {
            count.seen = count.seen.saturating_add(1);
            count.seen <= records_max(kind, key)
        } else {
            count.all <= PER_KEY
        };
        match is_compared {
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

/// An offset in the vectors of a block, which has at most a few million keys.
fn offset(at: usize) -> u32 {
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
            let rows = keys[..count].iter().zip(0..);
            let keys_of_rows = rows.flat_map(|(keys, row)| keys.iter().map(move |key| (*key, row)));
            let mut index = KeyIndex::new(keys_of_rows.collect());
            for (keys, row) in keys.iter().zip(0..) {
                let expected = if (row as usize) < count { vec![row] } else { vec![] };
                for rows in rows_of(&mut index, Kind::Contact, keys) {
                    assert_eq!(rows, expected, "{row} of {count}");
                }
            }
        }
    }

    #[test]
    fn a_filter_passes_each_key_that_leads_to_a_row() {
        let keys: Vec<Key> = (0..500)
            .flat_map(|number| {
                let record = record(
                    &format!("n{number} x{}", number % 7),
                    &format!("{number}@{}.com", number % 9),
                );
                record.keys().into_iter().chain(record.exact_keys()).collect::<Vec<_>>()
            })
            .collect();
        let (known, others) = keys.split_at(keys.len() / 2);
        let mut index = KeyIndex::new(known.iter().map(|key| (*key, 0)).collect());
        let all = KeyFilter::of_all([&index].into_iter());
        // 60 records have some keys, which is more than the limit. Such a key leads to rows only if it is an identity.
        for (at, key) in known.iter().enumerate() {
            let (contacts, file_rows) = [(0, 0), (0, 60), (60, 0), (60, 60)][at % 4];
            for (kind, records) in [(Kind::Contact, contacts), (Kind::Row, file_rows)] {
                (0..records).for_each(|_| {
                    index.count(kind, *key);
                });
            }
        }
        let compared = KeyFilter::of_compared([&index].into_iter());
        let mut dropped = 0;
        for key in &keys {
            let kinds = [Kind::Contact, Kind::Row];
            let has_rows = kinds.map(|kind| !index.rows_to_compare(kind, *key).is_empty());
            if has_rows.contains(&true) {
                assert!(all.may_have(*key) && compared.may_have(*key));
            }
            dropped += usize::from(!compared.may_have(*key));
        }
        assert!(known.iter().all(|key| all.may_have(*key)));
        let dropped_of_all = others.iter().filter(|key| !all.may_have(**key)).count();
        assert!(dropped_of_all > others.len() / 4, "{dropped_of_all}");
        assert!(dropped > dropped_of_all, "{dropped}");
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
