//! A block of rows in memory, and what is known about each.

use uuid::Uuid;

use super::key_index::{KeyFilter, KeyIndex, Kind};
use super::records::RecordTexts;
use crate::domain::duplicates::{Finding, Key, Match, Model, Record};
use crate::store::import::ROWS_PER_LINE;

/// The most links of a row to earlier rows, which bounds the memory. The strongest ones count.
const LINKS_PER_ROW: usize = 4;

/// A contact. The oldest one is the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ContactRef {
    pub serial_id: i64,
    pub id: Uuid,
}

/// What the contacts, or the earlier rows, say about a row.
pub(super) struct Found<Id> {
    pub finding: Finding<Id>,
    /// The best match.
    pub best: Option<Record>,
}

impl<Id: Ord + Copy> Found<Id> {
    fn add(&mut self, candidate: Match<Id>, record: &Record, threshold: f64) {
        if self.finding.add(candidate, threshold) {
            self.best = Some(record.clone());
        }
    }
}

impl<Id> Default for Found<Id> {
    fn default() -> Self {
        Self {
            finding: Finding::default(),
            best: None,
        }
    }
}

/// A row of the block.
pub(super) struct BlockRow {
    /// Counts the rows of the file from 0.
    pub file_index: u32,
    /// The number of the row in `import_rows`.
    pub row_number: i64,
    pub record: Record,
    pub contacts: Found<ContactRef>,
    pub earlier_rows: Found<u64>,
    /// The file indexes of earlier rows that are the same person, with the probabilities. The best one is first.
    pub links: Vec<(u32, f64)>,
}

/// The line of a row of `import_rows`.
pub(super) fn line_of(row_number: i64) -> u64 {
    row_number.unsigned_abs() / ROWS_PER_LINE
}

/// A contact or a row, with its keys.
pub(super) struct KeyedRecord {
    pub record: Record,
    keys: Vec<Key>,
    pub contact_id: Option<Uuid>,
    pub record_id: i64,
}

impl KeyedRecord {
    /// The record with those of its keys that pass the filter.
    pub(super) fn new(texts: &RecordTexts, filter: &KeyFilter) -> Self {
        let mut keyed = Self::of(texts.record(), texts.contact_id, texts.record_id);
        keyed.keys.retain(|key| filter.may_have(*key));
        keyed
    }

    /// `contact_id` is `None` for a row. `record_id` is the number of the row, or the integer id of the contact.
    pub(super) fn of(record: Record, contact_id: Option<Uuid>, record_id: i64) -> Self {
        Self {
            keys: keys_of(&record).collect(),
            record,
            contact_id,
            record_id,
        }
    }
}

/// A block of rows.
pub(super) struct Block {
    pub rows: Vec<BlockRow>,
    index: KeyIndex,
    /// For each row, the last record that was compared with it, as the number of records shown so far. A vector of its
    /// own, because most keys lead to rows that have been compared already.
    last_compared: Vec<u32>,
    /// How many contacts and how many rows of the file the second pass has shown to the block.
    contacts_seen: u32,
    file_rows_seen: u32,
}

/// The keys by which records find each other.
fn keys_of(record: &Record) -> impl Iterator<Item = Key> {
    record.keys().into_iter().chain(record.exact_keys())
}

impl Block {
    /// The block of rows, which are in order, each with its file index and its number.
    pub(super) fn new(rows: impl Iterator<Item = (u32, i64, Record)>) -> Self {
        let rows: Vec<BlockRow> = rows
            .map(|(file_index, row_number, record)| BlockRow {
                file_index,
                row_number,
                record,
                contacts: Found::default(),
                earlier_rows: Found::default(),
                links: Vec::new(),
            })
            .collect();
        let indexed = rows.iter().zip(0..);
        let keys = indexed.flat_map(|(row, block_index)| keys_of(&row.record).map(move |key| (key, block_index)));
        Self {
            index: KeyIndex::new(keys.collect()),
            last_compared: vec![0; rows.len()],
            rows,
            contacts_seen: 0,
            file_rows_seen: 0,
        }
    }

    pub(super) fn index(&self) -> &KeyIndex {
        &self.index
    }

    /// Counts the keys of a record. Returns whether the records counted so far allow a comparison with a row of the
    /// block. Otherwise no later record changes that.
    pub(super) fn count(&mut self, kind: Kind, record: &KeyedRecord) -> bool {
        let mut is_candidate = false;
        for key in &record.keys {
            is_candidate |= self.index.count(kind, *key);
        }
        is_candidate
    }

    /// Compares a contact or a row with the rows of the block that share a key with it. A row is compared with the rows
    /// of later lines only. The records must come in a defined order.
    pub(super) fn compare(&mut self, other: &KeyedRecord, model: &Model<'_>, threshold: f64) {
        let Self {
            rows,
            index,
            last_compared,
            contacts_seen,
            file_rows_seen,
            ..
        } = self;
        let earlier_rows = *file_rows_seen;
        let kind = match other.contact_id {
            Some(_) => Kind::Contact,
            None => Kind::Row,
        };
        match kind {
            Kind::Contact => *contacts_seen += 1,
            Kind::Row => *file_rows_seen += 1,
        }
        let records_seen = *contacts_seen + *file_rows_seen;
        for key in &other.keys {
            for block_index in index.rows_to_compare(kind, *key) {
                let last_compared = &mut last_compared[*block_index as usize];
                if *last_compared == records_seen {
                    continue;
                }
                *last_compared = records_seen;
                let row = &mut rows[*block_index as usize];
                match other.contact_id {
                    Some(id) => row.add_contact(other.record_id, id, &other.record, model, threshold),
                    None if line_of(other.record_id) < line_of(row.row_number) => {
                        row.add_earlier(earlier_rows, other, model, threshold);
                    }
                    None => {}
                }
            }
        }
    }
}

impl BlockRow {
    fn add_contact(&mut self, serial_id: i64, id: Uuid, contact: &Record, model: &Model<'_>, threshold: f64) {
        let comparison = model.compare(&self.record, contact);
        let id = ContactRef { serial_id, id };
        self.contacts.add(Match { id, comparison }, contact, threshold);
    }

    fn add_earlier(&mut self, earlier_file_index: u32, earlier: &KeyedRecord, model: &Model<'_>, threshold: f64) {
        let comparison = model.compare(&self.record, &earlier.record);
        let id = line_of(earlier.record_id);
        self.earlier_rows
            .add(Match { id, comparison }, &earlier.record, threshold);
        let probability = comparison.probability;
        if probability < threshold {
            return;
        }
        // The earlier rows come in order, so the first one of equal links stays.
        let at = self.links.partition_point(|(_, other)| *other >= probability);
        if at < LINKS_PER_ROW {
            self.links.truncate(LINKS_PER_ROW - 1);
            self.links.insert(at, (earlier_file_index, probability));
        }
    }
}
