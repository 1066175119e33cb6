//! The columns of a contact that a write can change.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::client::ClientId;
use crate::domain::contact::{ContactEdit, ContactFields, DEFAULT_CHAT_STATUS, PhoneWorth};
use crate::domain::phone::StoredPhone;
use crate::store::schema::contacts;

/// The source of a new contact whose draft gives none.
const DEFAULT_SOURCE: &str = "api";

/// The columns of a contact that a write can change.
#[derive(Clone, PartialEq, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = contacts, check_for_backend(Pg), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct Attributes {
    pub(super) contact_list_id: i64,
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) phone_key: Option<String>,
    pub(super) phone_as_given: Option<String>,
    pub(super) phone_extension: Option<String>,
    /// `true` without a phone.
    pub(super) phone_identifies: bool,
    pub(super) email: Option<String>,
    pub(super) external_user_id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) chat_status: String,
    pub(super) blocked: bool,
    pub(super) is_chat_read: bool,
    pub(super) default_stage_id: Option<Uuid>,
    pub(super) ai_customer_id: Option<Uuid>,
    pub(super) last_message_at: Option<DateTime<Utc>>,
    pub(super) last_inbound_at: Option<DateTime<Utc>>,
}

/// The effect of a write on the contact's phone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PhoneOutcome {
    /// The given phone was written, or no phone was given.
    Written,
    /// The contact kept its own phone, which is better.
    Kept,
}

impl Attributes {
    /// The attributes of a new contact, before its draft is merged.
    pub(super) fn blank(list: i64) -> Self {
        Self {
            contact_list_id: list,
            name: None,
            phone: None,
            phone_key: None,
            phone_as_given: None,
            phone_extension: None,
            phone_identifies: true,
            email: None,
            external_user_id: None,
            source: Some(DEFAULT_SOURCE.to_owned()),
            chat_status: DEFAULT_CHAT_STATUS.to_owned(),
            blocked: false,
            is_chat_read: true,
            default_stage_id: None,
            ai_customer_id: None,
            last_message_at: None,
            last_inbound_at: None,
        }
    }

    /// Sets the given fields; `list` is the id of the given list. An external id that the contact has already stays,
    /// and so does a phone of more worth than the given one.
    pub(super) fn merge(&mut self, given: &ContactFields, list: Option<i64>) -> PhoneOutcome {
        fn set<T: Clone>(present: &mut Option<T>, given: &Option<T>) {
            if given.is_some() {
                present.clone_from(given);
            }
        }
        if self.external_user_id.is_none() {
            self.external_user_id.clone_from(&given.external_user_id);
        }
        let phone_outcome = match &given.phone {
            Some(phone) if self.has_better_phone(phone) => PhoneOutcome::Kept,
            Some(phone) => {
                self.set_phone(Some(phone));
                PhoneOutcome::Written
            }
            None => PhoneOutcome::Written,
        };
        set(&mut self.name, &given.name);
        set(&mut self.email, &given.email);
        set(&mut self.source, &given.source);
        set(&mut self.default_stage_id, &given.default_stage_id);
        set(&mut self.ai_customer_id, &given.ai_customer_id);
        if let Some(chat_status) = &given.chat_status {
            self.chat_status.clone_from(chat_status);
        }
        self.contact_list_id = list.unwrap_or(self.contact_list_id);
        self.blocked = given.blocked.unwrap_or(self.blocked);
        self.is_chat_read = given.is_chat_read.unwrap_or(self.is_chat_read);
        self.last_message_at = self.last_message_at.max(given.last_message_at);
        self.last_inbound_at = self.last_inbound_at.max(given.last_inbound_at);
        phone_outcome
    }

    pub(super) fn has_identity(&self) -> bool {
        self.external_user_id.is_some() || self.line().is_some() || self.email.is_some()
    }

    /// The match key and the extension, if the phone identifies the contact.
    pub(super) fn line(&self) -> Option<(&str, Option<&str>)> {
        let key = self.phone_key.as_deref().filter(|_| self.phone_identifies)?;
        Some((key, self.phone_extension.as_deref()))
    }

    /// Whether the contact has a phone of more worth.
    pub(super) fn has_better_phone(&self, given: &StoredPhone) -> bool {
        PhoneWorth::is_kept(self.phone.as_deref(), self.phone_identifies, given)
    }

    fn set_phone(&mut self, phone: Option<&StoredPhone>) {
        self.phone = phone.and_then(|phone| phone.phone.clone());
        self.phone_key = phone.and_then(|phone| phone.key.clone());
        self.phone_as_given = phone.map(|phone| phone.as_given.clone());
        self.phone_extension = phone.and_then(|phone| phone.extension.clone());
        self.phone_identifies = phone.is_none_or(|phone| phone.identifies);
    }

    /// Applies the changes; `phone` is the change of the phone, and `list` the id of the list that they name.
    pub(super) fn edit(&mut self, edit: &ContactEdit, phone: Option<Option<&StoredPhone>>, list: Option<i64>) {
        let changes = edit.changes();
        if let Some(name) = &changes.name {
            self.name.clone_from(name);
        }
        if let Some(email) = &changes.email {
            self.email.clone_from(email);
        }
        if let Some(phone) = phone {
            self.set_phone(phone);
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

/// Locks and reads the contact; no other writer changes it until the transaction ends.
pub(super) fn lock_attributes(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
) -> QueryResult<Option<Attributes>> {
    contacts::table
        .find((client.as_uuid(), id))
        .select(Attributes::as_select())
        .for_no_key_update()
        .first(connection)
        .optional()
}

/// Writes all attributes of the contact.
pub(super) fn update_attributes(
    connection: &mut PgConnection,
    client: ClientId,
    id: Uuid,
    wanted: &Attributes,
) -> QueryResult<usize> {
    diesel::update(contacts::table.find((client.as_uuid(), id)))
        .set((wanted, contacts::updated_at.eq(diesel::dsl::now)))
        .execute(connection)
}
