//! Gives a person's contacts the ids that replace the former ones.
//!
//! 1. The person's contact is the one with the former external id on the channel. Otherwise it is the oldest one on the
//!    former number's line without an external id; the same number comes before an equivalent one. Otherwise, if the
//!    notice names no former external id, it is the only contact on the line, provided that its external id is one of
//!    WhatsApp.
//! 2. It gets the new external id, unless another contact has it already.
//! 3. The contacts on the former number, whatever their external ids, get the new number, since the former number is no
//!    longer the person's. A contact with an inbound message after the notice keeps the former number, because the
//!    number has a new owner. So does a contact without inbound messages that is newer than the notice and has no
//!    message from before it.
//! 4. If the person does not share the new number, the person's contact has no number until a message names it. The
//!    other contacts on the former number lose it too. A contact without an external id may have nothing else, so it
//!    keeps the number's digits. They identify nobody, and no lookup finds them.
//!
//! A contact that gets another number or another external id remembers the former ones with the notice's time, so that
//! a message from before the notice still finds it. A notice from before the contact's last change of ids does not
//! change its number.
//!
//! Contacts are never merged. If another contact has the new number already, two contacts are on one line, and messages
//! go to the one with the message's external id, otherwise to the older one. If neither has an external id, the number
//! identifies the contact that had it first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use uuid::Uuid;

use super::former_ids::{self, FormerIds};
use super::outcome::MessageOutcome;
use crate::domain::client::ClientId;
use crate::domain::message::{Message, NewIds, Person};
use crate::domain::phone::StoredPhone;
use crate::store::error::StoreError;
use crate::store::locks::lock_lines;
use crate::store::schema::contacts;
use crate::store::transaction::database_now;

diesel::define_sql_function! {
    /// The database's lower case, as in the index on emails.
    fn lower(text: Text) -> Text;
}

/// A locked contact with the former external id or on the former number.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = contacts, treat_none_as_null = true)]
struct Holder {
    id: Uuid,
    email: Option<String>,
    external_user_id: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_as_given: Option<String>,
    phone_extension: Option<String>,
    phone_identifies: bool,
    #[diesel(embed)]
    former: FormerIds,
}

/// Gives the contacts of the person `former` the new ids. A repeated notice changes nothing, because it finds either no
/// contact or contacts that have the new ids already.
pub(super) fn give_new_ids(
    connection: &mut PgConnection,
    client: ClientId,
    former: &Person,
    new: &NewIds,
    notice: &Message,
) -> Result<MessageOutcome, StoreError> {
    if notice.is_ahead(database_now(connection)?) {
        return Ok(MessageOutcome::Ahead);
    }
    let channel = Channel {
        client,
        platform: &former.platform,
    };
    let new_phone = new.phone.as_ref().map(|phone| &phone.stored);
    let keys = former.readings().map(|reading| reading.key.as_str());
    let keys: Vec<&str> = keys.chain(new_phone.and_then(|phone| phone.key.as_deref())).collect();
    let lines: Vec<_> = keys.iter().map(|key| (channel.platform, *key)).collect();
    lock_lines(connection, client, &lines)?;

    let holders = channel.lock_holders(connection, former, notice.sent_at())?;
    let Some(main) = main_contact(&holders, former) else {
        return Ok(if holders.is_empty() {
            MessageOutcome::NotFound
        } else {
            channel.move_others(connection, &holders, None, former, new_phone, notice)?
        });
    };
    let mut changed = main.clone();
    if let Some(id) = &new.external_user_id
        && !channel.has_owner(connection, id, main.id)?
    {
        changed.external_user_id = Some(id.clone());
    }
    match new_phone {
        Some(phone) => changed.take_phone(phone, notice),
        None => {
            if changed.external_user_id.is_none() {
                changed.external_user_id.clone_from(&former.external_user_id);
            }
            changed.drop_phone(notice);
        }
    }
    changed.remember(main, former.external_user_id.as_ref(), notice);
    let outcome = channel.write(connection, main, changed)?;
    let others = channel.move_others(connection, &holders, Some(main.id), former, new_phone, notice)?;
    Ok(if others == MessageOutcome::Updated {
        others
    } else {
        outcome
    })
}

/// The person's contact, which gets the new external id. The holders are sorted by age.
fn main_contact<'a>(holders: &'a [Holder], former: &Person) -> Option<&'a Holder> {
    let has_id =
        |holder: &&Holder| holder.external_user_id.is_some() && holder.external_user_id == former.external_user_id;
    let has_number = |holder: &&Holder| {
        former
            .readings()
            .any(|reading| holder.phone.as_ref() == Some(&reading.phone))
    };
    let mut without_id = holders.iter().filter(|holder| holder.external_user_id.is_none());
    let exact = || without_id.clone().find(has_number);
    let only = || match holders {
        // The id of another system stays, because that system finds its contact by it.
        [holder] if former.external_user_id.is_none() => {
            Some(holder).filter(|holder| holder.external_user_id.as_deref().is_some_and(is_user_id))
        }
        _ => None,
    };
    holders
        .iter()
        .find(has_id)
        .or_else(exact)
        .or_else(|| without_id.next())
        .or_else(only)
}

/// Whether the external id has the form of WhatsApp's business-scoped user ids: a country code, a dot, and letters or
/// digits (`AR.1001`).
fn is_user_id(external_user_id: &str) -> bool {
    external_user_id.split_once('.').is_some_and(|(country, id)| {
        country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    })
}

impl Holder {
    fn take_phone(&mut self, new: &StoredPhone, notice: &Message) {
        if self.phone_key == new.key || self.former.ids_since > Some(notice.sent_at()) {
            return;
        }
        self.phone.clone_from(&new.phone);
        self.phone_key.clone_from(&new.key);
        self.phone_as_given = Some(new.as_given.clone());
        self.phone_extension.clone_from(&new.extension);
        self.phone_identifies = new.identifies;
    }

    /// Clears the phone, unless the contact's ids changed after the notice. A contact without an external id keeps the
    /// digits, which no longer identify it. Without the text as given, a recheck cannot read them as a number again.
    fn drop_phone(&mut self, notice: &Message) {
        if self.former.ids_since > Some(notice.sent_at()) {
            return;
        }
        self.phone_as_given = None;
        if self.external_user_id.is_some() {
            (self.phone, self.phone_key, self.phone_extension) = (None, None, None);
            self.phone_identifies = true;
        } else {
            self.phone = self.phone.as_ref().map(|phone| phone.replace('+', ""));
            self.phone_identifies = false;
        }
    }

    /// Remembers the ids that the contact had `before` the notice, if it has others now. `former_id` is the former
    /// external id that the notice names.
    fn remember(&mut self, before: &Self, former_id: Option<&String>, notice: &Message) {
        let has_new_id = self.external_user_id != before.external_user_id;
        if !has_new_id && self.line() == before.line() {
            return;
        }
        let is_latest = before.former.ids_since < Some(notice.sent_at());
        if is_latest {
            self.former.ids_since = Some(notice.sent_at());
            self.former.former_line = before.line();
        }
        if is_latest || has_new_id {
            self.former.former_external_user_id = before.external_user_id.as_ref().or(former_id).cloned();
        }
    }

    /// The line, if the phone identifies the contact.
    fn line(&self) -> Option<String> {
        let key = self.phone_key.as_deref().filter(|_| self.phone_identifies)?;
        Some(former_ids::line(key, self.phone_extension.as_deref()))
    }
}

/// The channel of a client whose contacts change.
struct Channel<'a> {
    client: ClientId,
    platform: &'a str,
}

impl Channel<'_> {
    /// Locks the contacts with the former external id or on the former number, oldest first.
    fn lock_holders(
        &self,
        connection: &mut PgConnection,
        former: &Person,
        sent_at: DateTime<Utc>,
    ) -> QueryResult<Vec<Holder>> {
        let keys: Vec<&str> = former.readings().map(|reading| reading.key.as_str()).collect();
        // A contact without inbound messages that is newer than the notice can be the number's new owner.
        let was_there = contacts::last_inbound_at
            .le(sent_at)
            .or(contacts::last_inbound_at.is_null().and(
                contacts::created_at
                    .le(sent_at)
                    .or(contacts::last_message_at.le(sent_at)),
            ))
            .and(contacts::ids_since.is_null().or(contacts::ids_since.le(sent_at)));
        let has_number = contacts::phone_key
            .eq_any(keys)
            .and(contacts::phone_extension.is_null())
            .and(contacts::phone_identifies)
            .and(was_there)
            .assume_not_null();
        let has_id = contacts::external_user_id
            .eq(former.external_user_id.as_deref())
            .assume_not_null();
        let mut holders: Vec<(Holder, DateTime<Utc>, i64)> = contacts::table
            .filter(contacts::client_id.eq(self.client.as_uuid()))
            .filter(contacts::platform.eq(self.platform))
            .filter(has_id.or(has_number))
            .order(contacts::id)
            .for_no_key_update()
            .select((Holder::as_select(), contacts::created_at, contacts::serial_id))
            .load(connection)?;
        holders.sort_by_key(|(_, created_at, serial_id)| (*created_at, *serial_id));
        Ok(holders.into_iter().map(|(holder, ..)| holder).collect())
    }

    /// Gives the new number to the holders, except the contact `main`. Without a new number, the holders on the former
    /// number lose it.
    fn move_others(
        &self,
        connection: &mut PgConnection,
        holders: &[Holder],
        main: Option<Uuid>,
        former: &Person,
        new: Option<&StoredPhone>,
        notice: &Message,
    ) -> Result<MessageOutcome, StoreError> {
        let mut outcome = MessageOutcome::Unchanged;
        for holder in holders.iter().filter(|holder| Some(holder.id) != main) {
            let mut changed = holder.clone();
            match new {
                Some(phone) => changed.take_phone(phone, notice),
                None if former
                    .readings()
                    .any(|reading| Some(&reading.key) == holder.phone_key.as_ref()) =>
                {
                    changed.drop_phone(notice);
                }
                None => {}
            }
            changed.remember(holder, None, notice);
            if self.write(connection, holder, changed)? == MessageOutcome::Updated {
                outcome = MessageOutcome::Updated;
            }
        }
        Ok(outcome)
    }

    /// Whether another contact of the channel than `holder` has the external id.
    fn has_owner(&self, connection: &mut PgConnection, external_user_id: &str, holder: Uuid) -> QueryResult<bool> {
        let owners = contacts::table
            .filter(contacts::client_id.eq(self.client.as_uuid()))
            .filter(contacts::platform.eq(self.platform))
            .filter(contacts::external_user_id.eq(external_user_id))
            .filter(contacts::id.ne(holder));
        diesel::select(diesel::dsl::exists(owners)).get_result(connection)
    }

    /// Writes the contact. If its number already identifies another contact, the number is stored, but does not
    /// identify this one. Then the email becomes the identity. If the email already identifies another contact, this
    /// contact loses it.
    fn write(
        &self,
        connection: &mut PgConnection,
        before: &Holder,
        mut wanted: Holder,
    ) -> Result<MessageOutcome, StoreError> {
        if wanted == *before {
            return Ok(MessageOutcome::Unchanged);
        }
        if wanted.external_user_id.is_none() {
            let without_id = || {
                contacts::table
                    .filter(contacts::client_id.eq(self.client.as_uuid()))
                    .filter(contacts::platform.eq(self.platform))
                    .filter(contacts::external_user_id.is_null())
                    .filter(contacts::id.ne(before.id))
            };
            let same_number = without_id()
                .filter(contacts::phone.eq(wanted.phone.as_deref()))
                .filter(contacts::phone_extension.is_not_distinct_from(wanted.phone_extension.as_deref()))
                .filter(contacts::phone_identifies);
            if diesel::select(diesel::dsl::exists(same_number)).get_result(connection)? {
                wanted.phone_identifies = false;
            }
            if !wanted.phone_identifies
                && let Some(email) = &wanted.email
            {
                let same_email = without_id()
                    .filter(contacts::email_lower.eq(lower(email).nullable()))
                    .filter(contacts::phone.is_null().or(contacts::phone_identifies.eq(false)));
                if diesel::select(diesel::dsl::exists(same_email)).get_result(connection)? {
                    wanted.email = None;
                }
            }
        }
        diesel::update(contacts::table.find((self.client.as_uuid(), before.id)))
            .set((wanted, contacts::updated_at.eq(diesel::dsl::now)))
            .execute(connection)?;
        Ok(MessageOutcome::Updated)
    }
}
