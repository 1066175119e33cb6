//! A block of rows in memory, and what is known about each.

use uuid::Uuid;

use super::key_index::{KeyIndex, Kind};
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
    pub number: i64,
    pub record: Record,
    pub contacts: Found<ContactRef>,
    pub earlier_rows: Found<u64>,
    /// The places in the file of earlier rows that are the same person, with the probabilities. The best one is first.
    pub links: Vec<(u32, f64)>,
    /// The last record that was compared with the row, by its number among the contacts or the rows.
    compared: (Kind, u32),
}

/// The line of a row.
pub(super) fn line_of(row: i64) -> u64 {
    row.unsigned_abs() / ROWS_PER_LINE
}

/// A contact or a row, with its keys.
pub(super) struct KeyedRecord {
    pub record: Record,
    keys: Vec<Key>,
    pub contact_id: Option<Uuid>,
    pub number: i64,
}

impl KeyedRecord {
    pub(super) fn new(texts: &RecordTexts) -> Self {
        Self::of(texts.record(), texts.contact_id, texts.number)
    }

    /// `contact_id` is `None` for a row. `number` is the number of the row, or the integer id of the contact.
    pub(super) fn of(record: Record, contact_id: Option<Uuid>, number: i64) -> Self {
        Self {
            keys: keys_of(&record).collect(),
            record,
            contact_id,
            number,
        }
    }
}

/// A block of rows.
pub(super) struct Block {
    /// The place in the file of the first row of the block.
    pub first: u32,
    pub rows: Vec<BlockRow>,
    index: KeyIndex,
    /// The numbers of contacts and of rows that were compared.
    contacts: u32,
    file_rows: u32,
}

/// The keys by which records find each other.
fn keys_of(record: &Record) -> impl Iterator<Item = Key> {
    record.keys().into_iter().chain(record.exact_keys())
}

impl Block {
    pub(super) fn new(first: u32, rows: impl Iterator<Item = (i64, Record)>) -> Self {
        let rows: Vec<BlockRow> = rows
            .map(|(number, record)| BlockRow {
                number,
                record,
                contacts: Found::default(),
                earlier_rows: Found::default(),
                links: Vec::new(),
                compared: (Kind::Contact, 0),
            })
            .collect();
        let places = rows.iter().zip(0..);
        let places = places.flat_map(|(row, place)| keys_of(&row.record).map(move |key| (key, place)));
        Self {
            index: KeyIndex::new(places.collect()),
            first,
            rows,
            contacts: 0,
            file_rows: 0,
        }
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
            contacts,
            file_rows,
            ..
        } = self;
        let (kind, records) = match other.contact_id {
            Some(_) => (Kind::Contact, contacts),
            None => (Kind::Row, file_rows),
        };
        *records += 1;
        let number = (kind, *records);
        for key in &other.keys {
            for place in index.rows_to_compare(kind, *key) {
                let row = &mut rows[*place as usize];
                if row.compared == number {
                    continue;
                }
                row.compared = number;
                match other.contact_id {
                    Some(id) => row.add_contact(other.number, id, &other.record, model, threshold),
                    None if line_of(other.number) < line_of(row.number) => {
                        row.add_earlier(*records - 1, other, model, threshold);
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

    /// `place` is that of the earlier row in the file.
    fn add_earlier(&mut self, place: u32, earlier: &KeyedRecord, model: &Model<'_>, threshold: f64) {
        let comparison = model.compare(&self.record, &earlier.record);
        let id = line_of(earlier.number);
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
            self.links.insert(at, (place, probability));
        }
    }
}
