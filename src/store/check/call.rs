//! Judges the contacts of a call, at most a thousand. Reads the client's contacts once, and writes nothing, not even a
//! temporary table. So a call also works on a standby.
//!
//! The check of a file reads the contacts twice. The first pass finds the keys that too many contacts share, and counts
//! the words of the names. The second pass compares. The rows of a call have few keys, and of a key at most 50 contacts
//! are compared, or 1,000 of an exact identity. So the single pass of a call keeps each contact that the keys counted
//! so far allow, and compares afterwards. A contact that it does not keep has only keys that have exceeded their
//! limits, and the second pass would not compare it either.

use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use uuid::Uuid;

use super::block::{Block, KeyedRecord};
use super::key_index::{KeyFilter, Kind};
use super::overlap::overlap;
use super::records::{KnownContacts, RecordTexts, next_records, open_contacts};
use super::verdicts::{CheckedLine, judge_line};
use crate::domain::client::ClientId;
use crate::domain::contact::{ContactDraft, ContactError, ContactFields};
use crate::domain::duplicates::{Frequencies, Model, PhoneFields, Record, RecordFields};
use crate::store::error::StoreError;
use crate::store::import::ROWS_PER_LINE;
use crate::store::transaction::{database_now, transaction};

/// The most contacts that a call keeps in memory. Each takes about 150 bytes.
const CANDIDATES_MAX: usize = 500_000;

/// The contacts that are compared between two looks at whether the caller still waits.
const COMPARED_AT_ONCE: usize = 100;

/// A contact that is compared after the pass. Its keys are made again, because they take more memory than the rest.
struct Candidate {
    record: Record,
    id: Option<Uuid>,
    serial_id: i64,
}

/// Judges each of the contacts, in their order. The place of a contact in the list, counted from 1, is its line. A
/// contact that can't be stored has an error in place of a verdict.
///
/// The work stops when `is_wanted` returns `false`. It is called for each 4,000 contacts of the client, and for each
/// hundred that are compared.
///
/// # Errors
/// [`StoreError::Late`] if the work stopped, or if too many contacts resemble those of the call. Other
/// [`StoreError`]s if the database fails.
pub fn check_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    threshold: f64,
    contacts: &[ContactFields],
    is_wanted: &dyn Fn() -> bool,
) -> Result<Vec<Result<CheckedLine, ContactError>>, StoreError> {
    transaction(connection, |connection| {
        connection.batch_execute("SET TRANSACTION READ ONLY")?;
        let now = database_now(connection)?;
        let read = |fields: &ContactFields| ContactDraft::new(fields.clone(), now).map(|draft| record_of(&draft));
        let records: Vec<Result<Record, ContactError>> = contacts.iter().map(read).collect();
        let numbers = (1_u64..).map(|line| (line * ROWS_PER_LINE).cast_signed());
        let rows: Vec<KeyedRecord> = numbers
            .zip(&records)
            .filter_map(|(number, record)| Some(KeyedRecord::of(record.as_ref().ok()?.clone(), None, number)))
            .collect();
        let mut verdicts = judge(connection, client, threshold, &rows, is_wanted)?.into_iter();
        let verdict =
            |record: Result<Record, ContactError>| record.map(|_| verdicts.next().expect("each row has a verdict"));
        Ok(records.into_iter().map(verdict).collect())
    })
}

/// What is compared of a contact. The same as [`RecordTexts::record`] of its staged row.
fn record_of(draft: &ContactDraft) -> Record {
    let given = draft.given();
    Record::new(&RecordFields {
        name: given.name.as_deref(),
        email: given.email.as_deref(),
        external_id: given.external_user_id.as_deref(),
        phone: given.phone.as_ref().and_then(PhoneFields::of),
    })
}

fn judge(
    connection: &mut PgConnection,
    client: ClientId,
    threshold: f64,
    rows: &[KeyedRecord],
    is_wanted: &dyn Fn() -> bool,
) -> Result<Vec<CheckedLine>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut block = Block::new(
        (0..)
            .zip(rows)
            .map(|(file_index, row)| (file_index, row.record_id, row.record.clone())),
    );
    let mut frequencies = Frequencies::default();
    for row in rows {
        block.count(Kind::Row, row);
        frequencies.add(&row.record);
    }
    let candidates = read_candidates(connection, client, &mut block, &mut frequencies, is_wanted)?;
    let model = Model::new(&frequencies);
    for (number, Candidate { record, id, serial_id }) in candidates.into_iter().enumerate() {
        if number % COMPARED_AT_ONCE == 0 && !is_wanted() {
            return Err(StoreError::Late);
        }
        block.compare(&KeyedRecord::of(record, id, serial_id), &model, threshold);
    }
    for row in rows {
        block.compare(row, &model, threshold);
    }
    let lines = block.rows.chunks(1);
    Ok(lines.map(|row| judge_line(row, &model).checked()).collect())
}

/// Counts the client's contacts, and returns those that may be compared, the oldest one first.
fn read_candidates(
    connection: &mut PgConnection,
    client: ClientId,
    block: &mut Block,
    frequencies: &mut Frequencies,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Vec<Candidate>, StoreError> {
    let mut candidates = Vec::new();
    let is_full = AtomicBool::new(false);
    let filter = KeyFilter::of_all(iter::once(block.index()));
    open_contacts(connection, KnownContacts::Of(client))?;
    overlap(
        connection,
        |connection| {
            if is_full.load(Ordering::Relaxed) || !is_wanted() {
                return Err(StoreError::Late);
            }
            next_records(connection)
        },
        |texts: Vec<RecordTexts>| -> Vec<_> {
            let contacts = texts.iter().map(|texts| KeyedRecord::new(texts, &filter));
            contacts.collect()
        },
        |contacts| {
            for contact in contacts {
                frequencies.add(&contact.record);
                if block.count(Kind::Contact, &contact) {
                    candidates.push(Candidate {
                        record: contact.record,
                        id: contact.contact_id,
                        serial_id: contact.record_id,
                    });
                }
            }
            is_full.store(candidates.len() > CANDIDATES_MAX, Ordering::Relaxed);
        },
    )?;
    if is_full.load(Ordering::Relaxed) {
        return Err(StoreError::Late);
    }
    Ok(candidates)
}
