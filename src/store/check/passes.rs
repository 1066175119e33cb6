//! The two passes over the contacts and the rows.

use diesel::PgConnection;

use super::block::Block;
use super::key_index::Kind;
use super::overlap::overlap;
use super::records::{RecordTexts, next_records, open_contacts, open_rows};
use crate::domain::client::ClientId;
use crate::domain::duplicates::{Frequencies, Model};
use crate::store::error::StoreError;

/// The first pass: counts the contacts and the rows of each key of the block. With `frequencies` it also counts the words
/// of all records. Calls `observe` with the number of contacts read so far.
pub(super) fn count_records<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    block: &mut Block,
    mut frequencies: Option<&mut Frequencies>,
    mut observe: impl FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    for kind in [Kind::Contact, Kind::Row] {
        match kind {
            Kind::Contact => open_contacts(connection, client)?,
            Kind::Row => open_rows(connection, 0, i64::MAX, None)?,
        }
        let mut read = 0;
        overlap(
            connection,
            |connection| Ok(next_records(connection)?),
            |texts: Vec<RecordTexts>| {
                for texts in &texts {
                    let record = texts.record();
                    block.count(kind, &record);
                    if let Some(frequencies) = &mut frequencies {
                        frequencies.add(&record);
                    }
                }
                texts.len() as u64
            },
            |_, count| {
                read += count;
                match kind {
                    Kind::Contact => observe(read),
                    Kind::Row => Ok(()),
                }
            },
        )?;
    }
    Ok(())
}

/// The second pass: compares the rows of the block with the contacts and the earlier rows.
pub(super) fn compare_records(
    connection: &mut PgConnection,
    client: ClientId,
    block: &mut Block,
    model: &Model<'_>,
    threshold: f64,
) -> Result<(), StoreError> {
    let last = block.rows.last().map_or(0, |row| row.number);
    for kind in [Kind::Contact, Kind::Row] {
        match kind {
            Kind::Contact => open_contacts(connection, client)?,
            Kind::Row => open_rows(connection, 0, last, None)?,
        }
        overlap(
            connection,
            next_records,
            |texts: Vec<RecordTexts>| texts.iter().for_each(|texts| block.compare(texts, model, threshold)),
            |_, ()| Ok::<_, StoreError>(()),
        )?;
    }
    Ok(())
}
