//! Lists contacts by their latest message, in pages.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::row::ContactRow;
use super::statements::{FIRST_PAGE, NEXT_PAGE};
use crate::domain::client::ClientId;
use crate::store::error::StoreError;
use crate::store::statement::Statement;

/// The most contacts of one page.
pub const PAGE: usize = 1_000;

/// One page of contacts.
#[derive(Debug)]
pub struct Page {
    pub contacts: Vec<ContactRow>,
    /// The position of the last contact, if a next page exists.
    pub next: Option<PagePosition>,
}

/// The position of a contact in the list that is sorted by latest message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PagePosition {
    pub last_message_at: DateTime<Utc>,
    pub id: Uuid,
}

/// The first [`PAGE`] contacts of the client after a position, latest message first, then by id. Their latest message
/// is at most `days` times 24 hours old by the database's clock.
///
/// # Errors
/// [`StoreError`]
pub fn recent_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    days: i64,
    after: Option<PagePosition>,
) -> Result<Page, StoreError> {
    // The statements read one row more than a page, which shows whether a next page exists.
    let mut contacts: Vec<ContactRow> = match after {
        None => Statement::new(|| FIRST_PAGE)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<BigInt, _>(days)
            .load(connection)?,
        Some(position) => Statement::new(|| NEXT_PAGE)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<BigInt, _>(days)
            .bind::<Timestamptz, _>(position.last_message_at)
            .bind::<SqlUuid, _>(position.id)
            .load(connection)?,
    };
    let is_last = contacts.len() <= PAGE;
    contacts.truncate(PAGE);
    let next = contacts.last().filter(|_| !is_last).and_then(|last| {
        Some(PagePosition {
            last_message_at: last.last_message_at?,
            id: last.id,
        })
    });
    Ok(Page { contacts, next })
}
