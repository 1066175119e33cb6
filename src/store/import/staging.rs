//! Copies the rows of an import into a temporary table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::merge::{Merged, Rules, merge};
use super::statements::ROWS;
use crate::domain::client::ClientId;
use crate::domain::contact::{ContactDraft, PhoneWorth};
use crate::store::copy_writer::CopyWriter;
use crate::store::error::StoreError;
use crate::store::script::run_script;
use crate::store::transaction::{database_now, transaction};

diesel::table! {
    import_rows (row) {
        row -> Int8,
        id -> Uuid,
        platform -> Text,
        external_user_id -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_key -> Nullable<Text>,
        phone_as_given -> Nullable<Text>,
        phone_extension -> Nullable<Text>,
        phone_worth -> Nullable<Int2>,
        email -> Nullable<Text>,
        name -> Nullable<Text>,
        source -> Nullable<Text>,
        chat_status -> Nullable<Text>,
        blocked -> Nullable<Bool>,
        is_chat_read -> Nullable<Bool>,
        contact_list -> Nullable<Text>,
        default_stage_id -> Nullable<Uuid>,
        ai_customer_id -> Nullable<Uuid>,
        created_at -> Nullable<Timestamptz>,
        last_message_at -> Nullable<Timestamptz>,
        last_inbound_at -> Nullable<Timestamptz>,
        person -> Nullable<Uuid>,
    }
}

#[derive(Insertable)]
#[diesel(table_name = import_rows, treat_none_as_default_value = false)]
struct StagedRow {
    row: i64,
    id: Uuid,
    platform: String,
    external_user_id: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_as_given: Option<String>,
    phone_extension: Option<String>,
    phone_worth: Option<i16>,
    email: Option<String>,
    name: Option<String>,
    source: Option<String>,
    chat_status: Option<String>,
    blocked: Option<bool>,
    is_chat_read: Option<bool>,
    contact_list: Option<String>,
    default_stage_id: Option<Uuid>,
    ai_customer_id: Option<Uuid>,
    created_at: Option<DateTime<Utc>>,
    last_message_at: Option<DateTime<Utc>>,
    last_inbound_at: Option<DateTime<Utc>>,
    person: Option<Uuid>,
}

impl StagedRow {
    fn new(row: i64, person: Option<Uuid>, draft: ContactDraft) -> Self {
        let (platform, given) = draft.into_parts();
        let phone_worth = given.phone.as_ref().map(|phone| PhoneWorth::of(phone) as i16);
        let (phone, phone_key, phone_as_given, phone_extension) = match given.phone {
            Some(phone) => (phone.phone, phone.key, Some(phone.as_given), phone.extension),
            None => (None, None, None, None),
        };
        Self {
            row,
            // A new contact gets the id of its first row. The ids are generated here, because PostgreSQL before 18
            // can't generate UUIDs of version 7.
            id: Uuid::now_v7(),
            platform,
            external_user_id: given.external_user_id,
            phone,
            phone_key,
            phone_as_given,
            phone_extension,
            phone_worth,
            email: given.email,
            name: given.name,
            source: given.source,
            chat_status: given.chat_status,
            blocked: given.blocked,
            is_chat_read: given.is_chat_read,
            contact_list: given.contact_list,
            default_stage_id: given.default_stage_id,
            ai_customer_id: given.ai_customer_id,
            created_at: given.created_at,
            last_message_at: given.last_message_at,
            last_inbound_at: given.last_inbound_at,
            person,
        }
    }
}

/// Rows have numbers, and the contacts of one line of a file have neighbouring ones: the number divided by this is the
/// line.
pub const ROWS_PER_LINE: u64 = 128;

/// Receives the rows of an import.
pub struct Staging<'c> {
    rows: CopyWriter<'c, StagedRow>,
    now: DateTime<Utc>,
    last_row: u64,
}

impl<'c> Staging<'c> {
    /// Makes the temporary table of the rows. It lasts until the connection's open transaction ends.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn begin(connection: &'c mut PgConnection) -> Result<Self, StoreError> {
        run_script(connection, ROWS)?;
        let now = database_now(connection)?;
        let rows = CopyWriter::new(connection, |connection, batch| {
            diesel::copy_from(import_rows::table)
                .from_insertable(batch)
                .execute(connection)
        });
        Ok(Self { rows, now, last_row: 0 })
    }

    /// The time of the database's clock at the start of the import.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The connection of the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.rows.connection
    }

    /// Writes the rows that are not in the temporary table yet.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.rows.flush()
    }

    /// Adds the next row.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn push(&mut self, draft: ContactDraft) -> Result<(), StoreError> {
        self.push_numbered(self.last_row + 1, None, draft)
    }

    /// Adds the next row with a number that the caller chooses, such as the row's line. The report names rows by their
    /// numbers. A row's number must be greater than that of the row before.
    ///
    /// All contacts of one `person` get one `ai_customer_id`: the one that a contact of the person has, or else
    /// `person`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn push_numbered(&mut self, row: u64, person: Option<Uuid>, draft: ContactDraft) -> Result<(), StoreError> {
        debug_assert!(row > self.last_row, "the rows' numbers increase");
        self.last_row = row;
        self.rows.push(StagedRow::new(row.cast_signed(), person, draft))
    }
}

/// Imports all rows that `fill` adds into the client's contacts, in one transaction.
///
/// A blank value keeps the contact's value. Of several rows the last one with a value wins. For the phone, the last row
/// with the best phone wins. A phone never replaces one of more worth ([`PhoneWorth`]). Times of messages only move
/// forward. `created_at` is only used for new contacts. New contacts without a list go into the client's default list.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// Those of `fill`, and [`StoreError`]; [`StoreError::Exists`] or [`StoreError::Contended`] if other programs, which
/// don't take the locks of this store, wrote the same contacts at every attempt. No contact is written then.
pub fn import<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    rules: Rules<'_>,
    fill: impl FnOnce(&mut Staging<'_>) -> Result<(), E>,
) -> Result<Merged, E> {
    transaction(connection, |connection| {
        let mut staging = Staging::begin(connection)?;
        fill(&mut staging)?;
        staging.flush()?;
        Ok(merge(connection, client, rules)?)
    })
}
