//! The lookup: finds the contact of a phone number, or of the WhatsApp id of a person who hides the number.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::error::StoreError;
use super::list_names::ListNames;
use super::statement::Statement;
use crate::domain::client::ClientId;
use crate::domain::phone::Reading;
use crate::domain::window;

/// A contact, and the name of its list.
#[derive(Clone, Debug)]
pub struct LookupRow {
    pub contact: FoundContact,
    pub contact_list_name: Arc<str>,
}

/// A contact, with the latest inbound messages among all contacts that share its match key.
#[derive(Clone, Debug, QueryableByName)]
pub struct FoundContact {
    #[diesel(sql_type = BigInt)]
    pub serial_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub contact_list_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// The latest inbound message on any platform.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub any_inbound_at: Option<DateTime<Utc>>,
    /// The latest inbound message on the platform that has a session window.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub window_inbound_at: Option<DateTime<Utc>>,
    /// The time of the database's clock, which decides whether the window is open.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
}

/// The statement of [`find_by_phone`]. It is public so that the benchmark measures the same one.
pub const LOOKUP: &str = include_str!("lookup.sql");

/// The statement of [`find_all_by_phone`]. It is public for tests.
pub const LOOKUP_BATCH: &str = include_str!("lookup_batch.sql");

/// The statement of [`find_by_hidden_ids`]. It is public for tests.
pub const LOOKUP_BY_ID: &str = include_str!("lookup_by_id.sql");

/// Finds the contact of a number by the first of its readings that has a contact.
///
/// Contacts with one match key are ordered: the requested extension first, because another extension is another person.
/// Then the requested E.164 number before equivalent ones, then the latest message (contacts without messages last),
/// then the latest creation, then the smallest integer id.
///
/// A contact whose stored phone identifies nobody is not found, unless the phone is a valid number that identifies
/// another contact already.
///
/// # Errors
/// [`StoreError`]
pub fn find_by_phone(
    connection: &mut PgConnection,
    lists: &ListNames,
    client: ClientId,
    readings: &[Reading],
) -> Result<Option<LookupRow>, StoreError> {
    if readings.is_empty() {
        return Ok(None);
    }
    let keys: Vec<&str> = readings.iter().map(|reading| reading.key.as_str()).collect();
    let phones: Vec<&str> = readings.iter().map(|reading| reading.phone.as_str()).collect();
    // All readings of a text have its extension, and all are valid or none.
    let extension = readings.first().and_then(|reading| reading.extension.as_deref());
    let is_valid = readings.iter().all(|reading| reading.resolved);
    let found: Option<FoundContact> = Statement::new(|| LOOKUP)
        .bind::<Text, _>(window::PLATFORM)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Array<Text>, _>(keys)
        .bind::<Array<Text>, _>(phones)
        .bind::<Nullable<Text>, _>(extension)
        .bind::<Bool, _>(is_valid)
        .get_result(connection)
        .optional()?;
    let names = lists.find(connection, client, found.iter().map(|contact| contact.contact_list_id))?;
    Ok(found.and_then(|contact| named(contact, &names)))
}

/// The contact with the name of its list. `None` if the list was deleted after the contact was read, because its
/// contacts are deleted first.
fn named(contact: FoundContact, names: &HashMap<i64, Arc<str>>) -> Option<LookupRow> {
    Some(LookupRow {
        contact_list_name: names.get(&contact.contact_list_id)?.clone(),
        contact,
    })
}

/// Runs [`find_by_phone`] for many numbers in one statement, and returns the contacts in the order of `questions`.
///
/// # Errors
/// [`StoreError`]
pub fn find_all_by_phone(
    connection: &mut PgConnection,
    lists: &ListNames,
    client: ClientId,
    questions: &[Vec<Reading>],
) -> Result<Vec<Option<LookupRow>>, StoreError> {
    #[derive(QueryableByName)]
    struct BatchRow {
        #[diesel(sql_type = BigInt)]
        question: i64,
        #[diesel(embed)]
        contact: FoundContact,
    }
    let mut positions = Vec::new();
    let mut keys = Vec::new();
    let mut phones = Vec::new();
    let mut extensions = Vec::new();
    let mut validities = Vec::new();
    for (position, readings) in (0_i64..).zip(questions) {
        for reading in readings {
            positions.push(position);
            keys.push(reading.key.as_str());
            phones.push(reading.phone.as_str());
            extensions.push(reading.extension.as_deref());
            validities.push(reading.resolved);
        }
    }
    let rows: Vec<BatchRow> = Statement::new(|| LOOKUP_BATCH)
        .bind::<Text, _>(window::PLATFORM)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Array<BigInt>, _>(positions)
        .bind::<Array<Text>, _>(keys)
        .bind::<Array<Text>, _>(phones)
        .bind::<Array<Nullable<Text>>, _>(extensions)
        .bind::<Array<Bool>, _>(validities)
        .load(connection)?;
    let names = lists.find(connection, client, rows.iter().map(|row| row.contact.contact_list_id))?;
    let mut answers = vec![None; questions.len()];
    for BatchRow { question, contact } in rows {
        if let Some(answer) = usize::try_from(question).ok().and_then(|at| answers.get_mut(at)) {
            *answer = named(contact, &names);
        }
    }
    Ok(answers)
}

/// Finds the contacts of persons whose number WhatsApp hides, by their external ids (`235085806727321@lid`). Returns
/// the contact of each id that has one.
///
/// # Errors
/// [`StoreError`]
pub fn find_by_hidden_ids(
    connection: &mut PgConnection,
    lists: &ListNames,
    client: ClientId,
    ids: &[&str],
) -> Result<HashMap<String, LookupRow>, StoreError> {
    #[derive(QueryableByName)]
    struct IdRow {
        #[diesel(sql_type = Text)]
        external_user_id: String,
        #[diesel(embed)]
        contact: FoundContact,
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<IdRow> = Statement::new(|| LOOKUP_BY_ID)
        .bind::<Text, _>(window::PLATFORM)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Array<Text>, _>(&window::WHATSAPP_PLATFORMS[..])
        .bind::<Array<Text>, _>(ids)
        .load(connection)?;
    let names = lists.find(connection, client, rows.iter().map(|row| row.contact.contact_list_id))?;
    let found = rows
        .into_iter()
        .filter_map(|row| Some((row.external_user_id, named(row.contact, &names)?)));
    Ok(found.collect())
}
