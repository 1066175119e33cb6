//! The contacts with the latest messages, page by page.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::row::ContactRow;
use crate::domain::client::ClientId;
use crate::store::error::StoreError;
use crate::store::statement::{Bind, Statement};

/// The most contacts in one page.
pub const PAGE: usize = 1_000;

/// Contacts by their latest message, and where the next page begins.
#[derive(Debug)]
pub struct Page {
    pub contacts: Vec<ContactRow>,
    /// The last contact's place, where more follow.
    pub next: Option<Place>,
}

/// A contact's place among all by their latest message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub last_message_at: DateTime<Utc>,
    pub id: Uuid,
}

const FIRST_PAGE: &str = "
    SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
           default_stage_id, blocked, is_chat_read
    FROM contacts
    WHERE client_id = ? AND last_message_at >= now() - ? * interval '1 day'
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 1001";

/// The contacts of one moment after an id, then those of earlier moments: each part begins where the index has it,
/// however many contacts share a moment.
const NEXT_PAGE: &str = "
    SELECT * FROM (
        (SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
                default_stage_id, blocked, is_chat_read
         FROM contacts
         WHERE client_id = ? AND last_message_at = ? AND id > ? AND last_message_at >= now() - ? * interval '1 day'
         ORDER BY last_message_at DESC NULLS LAST, id
         LIMIT 1001)
        UNION ALL
        (SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
                default_stage_id, blocked, is_chat_read
         FROM contacts
         WHERE client_id = ? AND last_message_at < ? AND last_message_at >= now() - ? * interval '1 day'
         ORDER BY last_message_at DESC NULLS LAST, id
         LIMIT 1001)
    ) AS following
    ORDER BY last_message_at DESC, id
    LIMIT 1001";

/// The first [`PAGE`] of the client's contacts after a place whose latest message is at most `days` times 24 hours old
/// by the database's clock: the latest message first, then by id.
pub fn recent_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    days: i64,
    after: Option<Place>,
) -> Result<Page, StoreError> {
    let client = || Bind::Uuid(client.as_uuid());
    let days = || Bind::BigInt(days);
    // One more than a page tells whether another follows.
    let mut contacts: Vec<ContactRow> = match after {
        None => Statement::new(|| FIRST_PAGE, vec![client(), days()]).load(connection)?,
        Some(place) => {
            let time = || Bind::Time(place.last_message_at);
            let same_moment = [client(), time(), Bind::Uuid(place.id), days()];
            let earlier = [client(), time(), days()];
            Statement::new(|| NEXT_PAGE, same_moment.into_iter().chain(earlier).collect()).load(connection)?
        }
    };
    let is_last = contacts.len() <= PAGE;
    contacts.truncate(PAGE);
    let next = contacts.last().filter(|_| !is_last).and_then(|last| {
        Some(Place {
            last_message_at: last.last_message_at?,
            id: last.id,
        })
    });
    Ok(Page { contacts, next })
}
