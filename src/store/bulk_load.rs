//! Bulk load: copies new contacts into clients without contacts. It merges nothing, so it is as fast as PostgreSQL's
//! COPY.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::exists;
use diesel::prelude::*;
use uuid::Uuid;

use super::copy_writer::CopyWriter;
use super::error::StoreError;
use super::schema::contacts;
use super::transaction::{database_now, transaction};
use super::{clients, search_index};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::{ContactDraft, DEFAULT_CHAT_STATUS};
use crate::domain::phone::Region;

/// A row of `contacts` as COPY writes it.
#[derive(Insertable)]
#[diesel(table_name = contacts, treat_none_as_default_value = false)]
struct LoadedContact {
    client_id: Uuid,
    id: Uuid,
    contact_list_id: i64,
    name: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_as_given: Option<String>,
    phone_extension: Option<String>,
    phone_identifies: bool,
    email: Option<String>,
    platform: String,
    external_user_id: Option<String>,
    source: Option<String>,
    chat_status: String,
    blocked: bool,
    is_chat_read: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_message_at: Option<DateTime<Utc>>,
    last_inbound_at: Option<DateTime<Utc>>,
}

/// Receives clients and the contacts of each.
pub struct BulkLoad<'c> {
    contacts: CopyWriter<'c, LoadedContact>,
    now: DateTime<Utc>,
}

/// A client without contacts.
#[derive(Clone, Copy, Debug)]
pub struct EmptyClient {
    id: ClientId,
    default_list: i64,
}

impl BulkLoad<'_> {
    /// The time of the database's clock at the start of the load.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Finds or makes the client of that name or id; `None` if it has contacts.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn empty_client(&mut self, name_or_id: &str) -> Result<Option<EmptyClient>, StoreError> {
        let connection = &mut *self.contacts.connection;
        let id = match clients::find_client(connection, name_or_id)? {
            Some(client) => client.id,
            None => clients::create_client(connection, name_or_id, Region::DEFAULT)?,
        };
        let contacts = contacts::table.filter(contacts::client_id.eq(id.as_uuid()));
        if diesel::select(exists(contacts)).get_result(connection)? {
            return Ok(None);
        }
        let default_list = clients::ensure_list(connection, id, DEFAULT_LIST)?;
        Ok(Some(EmptyClient { id, default_list }))
    }

    /// Adds a contact to the client's default list.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if two contacts have one identity, and others of [`StoreError`].
    pub fn push(&mut self, client: EmptyClient, id: Uuid, draft: ContactDraft) -> Result<(), StoreError> {
        let (platform, given) = draft.into_parts();
        let phone_identifies = given.phone.as_ref().is_none_or(|phone| phone.identifies);
        let (phone, phone_key, phone_as_given, phone_extension) = match given.phone {
            Some(phone) => (phone.phone, phone.key, Some(phone.as_given), phone.extension),
            None => (None, None, None, None),
        };
        let created_at = given.created_at.unwrap_or(self.now);
        self.contacts.push(LoadedContact {
            client_id: client.id.as_uuid(),
            id,
            contact_list_id: client.default_list,
            name: given.name,
            phone,
            phone_key,
            phone_as_given,
            phone_extension,
            phone_identifies,
            email: given.email,
            platform,
            external_user_id: given.external_user_id,
            source: given.source,
            chat_status: given.chat_status.unwrap_or_else(|| DEFAULT_CHAT_STATUS.to_owned()),
            blocked: given.blocked.unwrap_or(false),
            is_chat_read: given.is_chat_read.unwrap_or(true),
            created_at,
            updated_at: given.last_message_at.unwrap_or(created_at),
            last_message_at: given.last_message_at,
            last_inbound_at: given.last_inbound_at,
        })
    }
}

/// Writes all contacts that `fill` adds in one transaction, builds the search index, and vacuums.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// Those of `fill`, and [`StoreError`]; [`StoreError::Exists`] if two contacts have one identity. No contact is written
/// then.
pub fn load_contacts<E: From<StoreError>>(
    connection: &mut PgConnection,
    fill: impl FnOnce(&mut BulkLoad<'_>) -> Result<(), E>,
) -> Result<(), E> {
    transaction(connection, |connection| {
        search_index::rebuild_around(connection, |connection| {
            let now = database_now(connection).map_err(StoreError::from)?;
            let contacts = CopyWriter::new(connection, |connection, batch| {
                diesel::copy_from(contacts::table)
                    .from_insertable(batch)
                    .execute(connection)
            });
            let mut load = BulkLoad { contacts, now };
            fill(&mut load)?;
            Ok::<_, E>(load.contacts.flush()?)
        })
    })?;
    Ok(vacuum(connection)?)
}

/// Does the work of a later autovacuum at once: statistics for the planner, and the visibility map for index-only
/// scans.
pub(super) fn vacuum(connection: &mut PgConnection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("VACUUM (ANALYZE) contacts, contact_texts, contacts_newest")?)
}
