//! How frequent the words of names are.

use foldhash::HashMap;

use super::hash::hash;
use super::parameters::Parameters;
use super::record::Record;
use super::repeats::Repeats;

/// The counts of the words of names among the records of a comparison: the client's contacts and the rows of the file.
/// A count needs 16 bytes, because it is kept by the hash of the word.
#[derive(Clone, Default, Debug)]
pub struct Frequencies {
    counts: HashMap<u64, u32>,
    records: u64,
    repeats: Repeats,
}

impl Frequencies {
    /// Counts the words of a record, each once.
    pub fn add(&mut self, record: &Record) {
        self.records += 1;
        self.repeats.add(record);
        for (at, word) in record.words().enumerate() {
            if record.words().take(at).all(|earlier| earlier != word) {
                self.add_count(word, 1);
            }
        }
    }

    /// Adds records that have the word, which is folded.
    pub(super) fn add_count(&mut self, word: &str, records: u32) {
        let count = self.counts.entry(hash(&[word])).or_default();
        *count = count.saturating_add(records);
    }

    /// Adds records whose words a test adds with [`Frequencies::add_count`].
    #[cfg(test)]
    pub(super) fn add_records(&mut self, records: u64) {
        self.records += records;
    }

    /// The number of records.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The number of records with the word.
    pub fn count(&self, word: &str) -> u32 {
        self.counts.get(&hash(&[word])).copied().unwrap_or_default()
    }

    /// The number of records together with the unseen ones.
    pub(super) fn smoothed_records(&self, parameters: &Parameters) -> f64 {
        self.records as f64 + parameters.unseen_records
    }

    /// With how many other records of one person a record is compared, on average.
    pub(super) fn expected_matches(&self, parameters: &Parameters) -> f64 {
        let estimate = self.repeats.per_record() / parameters.repeats_share;
        estimate.clamp(parameters.expected_matches, parameters.expected_matches_most)
    }

    /// The share of records with the word. In small sets, the frequency of unseen words smooths it.
    pub(super) fn frequency(&self, word: &str, parameters: &Parameters) -> f64 {
        let unseen = parameters.unseen_records * parameters.unseen_frequency;
        (f64::from(self.count(word)) + unseen) / self.smoothed_records(parameters)
    }
}
