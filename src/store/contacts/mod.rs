//! Single contacts: shown, changed, erased, and paged through by activity. `contacts/upsert.rs` writes what somebody
//! else knows of them.

mod upsert;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

pub use self::upsert::{UpsertOutcome, Upserted, upsert_contact, upsert_contacts};
use super::clients::ensure_list;
use super::schema::contacts;
use super::statement::{Bind, Statement};
use super::{ATTEMPTS, PgConnection, StoreError};
use crate::domain::client::ClientId;
use crate::domain::contact::ContactEdit;

/// The most contacts in one page.
pub const PAGE: usize = 1_000;

/// A contact as the search API shows it.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
pub struct ContactRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Text)]
    pub platform: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub chat_status: String,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    pub client_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub ai_customer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub default_stage_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    pub blocked: bool,
    #[diesel(sql_type = Bool)]
    pub is_chat_read: bool,
}

/// What a write can change of a contact.
#[derive(Clone, PartialEq, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = contacts, check_for_backend(Pg), treat_none_as_null = true, treat_none_as_default_value = false)]
struct Attributes {
    contact_list_id: i64,
    name: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_as_given: Option<String>,
    email: Option<String>,
    external_user_id: Option<String>,
    source: Option<String>,
    chat_status: String,
    blocked: bool,
    is_chat_read: bool,
    default_stage_id: Option<Uuid>,
    ai_customer_id: Option<Uuid>,
    last_message_at: Option<DateTime<Utc>>,
    last_inbound_at: Option<DateTime<Utc>>,
}

/// The client's contact of that id.
pub fn find_contact(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
) -> Result<Option<ContactRow>, StoreError> {
    Ok(contacts::table
        .find((client.as_uuid(), id))
        .select(ContactRow::as_select())
        .first(connection)
        .optional()?)
}

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

/// Why a contact was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("the client has no such contact")]
    NotFound,
    #[error("nothing would be left that says who the contact is")]
    NoIdentity,
    /// What would identify the contact identifies another one of the channel.
    #[error("another contact of the channel has that identity")]
    Taken(#[source] StoreError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for EditError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(_) => EditError::Taken(error),
            error => EditError::Store(error),
        }
    }
}

impl From<DieselError> for EditError {
    fn from(error: DieselError) -> Self {
        StoreError::from(error).into()
    }
}

/// Changes the client's contact of that id, and gives it as it is then. A list that doesn't exist is made.
///
/// # Errors
/// [`EditError`]; nothing is changed then.
pub fn edit_contact(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    edit: &ContactEdit,
) -> Result<ContactRow, EditError> {
    let mut attempt = 1;
    loop {
        // A batch may hold what this waits for, and wait for this contact.
        match connection.transaction(|connection| try_edit(connection, client, id, edit)) {
            Err(EditError::Store(StoreError::Contended)) if attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn try_edit(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    edit: &ContactEdit,
) -> Result<ContactRow, EditError> {
    // Before the contact is locked, as every writer does: the other order could end in a deadlock.
    let list = edit.changes().contact_list.as_deref();
    let list = list.map(|name| ensure_list(connection, client, name)).transpose()?;
    let present = lock(connection, client, id)?.ok_or(EditError::NotFound)?;
    let mut wanted = present.clone();
    wanted.edit(edit, list);
    if !wanted.has_identity() {
        return Err(EditError::NoIdentity);
    }
    if wanted != present {
        update(connection, client, id, &wanted)?;
    }
    find_contact(connection, client, id)?.ok_or(EditError::NotFound)
}

/// Erases the client's contact of that id; `false` where there is none.
pub fn delete_contact(connection: &mut PgConnection, client: ClientId, id: Uuid) -> Result<bool, StoreError> {
    let deleted = diesel::delete(contacts::table.find((client.as_uuid(), id))).execute(connection)?;
    Ok(deleted > 0)
}

/// The contact as nobody else can change it until the transaction ends.
fn lock(connection: &mut PgConnection, client: ClientId, id: Uuid) -> QueryResult<Option<Attributes>> {
    contacts::table
        .find((client.as_uuid(), id))
        .select(Attributes::as_select())
        .for_no_key_update()
        .first(connection)
        .optional()
}

fn update(connection: &mut PgConnection, client: ClientId, id: Uuid, wanted: &Attributes) -> QueryResult<usize> {
    diesel::update(contacts::table.find((client.as_uuid(), id)))
        .set((wanted, contacts::updated_at.eq(diesel::dsl::now)))
        .execute(connection)
}

impl Attributes {
    fn has_identity(&self) -> bool {
        self.external_user_id.is_some() || self.phone.is_some() || self.email.is_some()
    }

    /// Takes over the changes; `list` is the id of the list that they name.
    fn edit(&mut self, edit: &ContactEdit, list: Option<i64>) {
        let changes = edit.changes();
        if let Some(name) = &changes.name {
            self.name.clone_from(name);
        }
        if let Some(email) = &changes.email {
            self.email.clone_from(email);
        }
        if let Some(phone) = &changes.phone {
            self.phone = phone.as_ref().and_then(|phone| phone.phone.clone());
            self.phone_key = phone.as_ref().and_then(|phone| phone.key.clone());
            self.phone_as_given = phone.as_ref().map(|phone| phone.as_given.clone());
        }
        if let Some(stage) = changes.default_stage_id {
            self.default_stage_id = stage;
        }
        if let Some(chat_status) = &changes.chat_status {
            self.chat_status.clone_from(chat_status);
        }
        self.contact_list_id = list.unwrap_or(self.contact_list_id);
        self.blocked = changes.blocked.unwrap_or(self.blocked);
        self.is_chat_read = changes.is_chat_read.unwrap_or(self.is_chat_read);
    }
}
