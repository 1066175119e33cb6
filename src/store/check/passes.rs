//! The two passes over the contacts and the rows.

use std::thread;

use diesel::PgConnection;

use super::block::{Block, KeyedRecord};
use super::key_index::{KeyFilter, Kind};
use super::overlap::overlap;
use super::records::{KnownContacts, RecordTexts, next_records, open_contacts, open_rows};
use crate::domain::duplicates::{Frequencies, Model};
use crate::store::error::StoreError;

/// Works on each block in a thread of its own.
fn in_threads(blocks: &mut [Block], work: impl Fn(&mut Block) + Sync) {
    thread::scope(|scope| {
        let (first, others) = blocks.split_first_mut().expect("there is a block");
        for block in others {
            scope.spawn(|| work(block));
        }
        work(first);
    });
}

/// The records with those of their keys that pass the filter.
fn prepare(texts: &[RecordTexts], filter: &KeyFilter) -> Vec<KeyedRecord> {
    texts.iter().map(|texts| KeyedRecord::new(texts, filter)).collect()
}

/// The first pass: counts the contacts and the rows of each key of the blocks. With `frequencies` it also counts the
/// words of all records. Calls `observe` with the number of contacts read so far.
pub(super) fn count_records<E: From<StoreError>>(
    connection: &mut PgConnection,
    contacts: KnownContacts,
    blocks: &mut [Block],
    mut frequencies: Option<&mut Frequencies>,
    mut observe: impl FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let filter = KeyFilter::of_all(blocks.iter().map(Block::index));
    for kind in [Kind::Contact, Kind::Row] {
        match kind {
            Kind::Contact => open_contacts(connection, contacts)?,
            Kind::Row => open_rows(connection, 0, i64::MAX, None)?,
        }
        let mut read = 0;
        overlap(
            connection,
            |connection| {
                let texts = next_records(connection)?;
                if kind == Kind::Contact {
                    read += texts.as_ref().map_or(0, Vec::len) as u64;
                    observe(read)?;
                }
                Ok::<_, E>(texts)
            },
            |texts| prepare(&texts, &filter),
            |records| {
                in_threads(blocks, |block| {
                    for record in &records {
                        block.count(kind, record);
                    }
                });
                if let Some(frequencies) = &mut frequencies {
                    records.iter().for_each(|record| frequencies.add(&record.record));
                }
            },
        )?;
    }
    Ok(())
}

/// The second pass: compares the rows of the blocks with the contacts and the earlier rows.
pub(super) fn compare_records(
    connection: &mut PgConnection,
    contacts: KnownContacts,
    blocks: &mut [Block],
    model: &Model<'_>,
    threshold: f64,
) -> Result<(), StoreError> {
    let last = blocks
        .iter()
        .filter_map(|block| block.rows.last())
        .map(|row| row.row_number);
    let last = last.max().unwrap_or_default();
    let filter = KeyFilter::of_compared(blocks.iter().map(Block::index));
    for kind in [Kind::Contact, Kind::Row] {
        match kind {
            Kind::Contact => open_contacts(connection, contacts)?,
            Kind::Row => open_rows(connection, 0, last, None)?,
        }
        let prepare = |texts: Vec<RecordTexts>| prepare(&texts, &filter);
        overlap(connection, next_records, prepare, |records| {
            in_threads(blocks, |block| {
                records
                    .iter()
                    .for_each(|record| block.compare(record, model, threshold));
            });
        })?;
    }
    Ok(())
}
