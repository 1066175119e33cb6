//! Writes what somebody else knows of a contact: finds the contact that is meant and updates it, or makes it.
//!
//! Who is meant is decided as in an import (`import/merge.rs`):
//!
//! 1. with an external id: the contact that has it; else the contact of the channel that has the phone and no external
//!    id, which adopts it; else a new one;
//! 2. with a phone: the oldest contact of the channel that has the phone; else a new one;
//! 3. with an email alone: the oldest contact of the channel that has the email; else a new one.
//!
//! Other writers may come between the look at a contact and its lock, or make the same contact first; then it is
//! looked for again. `store/creation.rs` keeps two from making one person each.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::{Attributes, ContactRow, find_contact, lock, update};
use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::{ContactDraft, ContactError, ContactFields, DEFAULT_CHAT_STATUS};
use crate::store::clients::ensure_list;
use crate::store::locks::claim;
use crate::store::schema::contacts;
use crate::store::statement::{Bind, Statement};
use crate::store::{ATTEMPTS, StoreError, attempt, now, take_turn};

/// The source of a new contact for which none is given.
const DEFAULT_SOURCE: &str = "api";

/// What became of a contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpsertOutcome {
    Created,
    Updated,
    /// It had everything already; nothing was written.
    Unchanged,
}

/// The contact that was meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upserted {
    pub outcome: UpsertOutcome,
    pub id: Uuid,
    pub serial_id: i64,
}

/// Writes one contact, and gives it as it is then.
///
/// What isn't given leaves what is there, times of messages only move forward, and `created_at` is a new contact's
/// alone. A new contact without a source gets `api`, one without a list the client's default list.
///
/// # Errors
/// [`StoreError::Contended`] where other writers were in the way at every attempt.
pub fn upsert_contact(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
) -> Result<ContactRow, StoreError> {
    attempt(connection, |connection| {
        let upserted = upsert(connection, &mut Lists::new(client), draft)?;
        find_contact(connection, client, upserted.id)?.ok_or(StoreError::Contended)
    })
}

/// So many contacts of a batch are written in one transaction: they stay locked for as long as it takes, and who writes
/// to one of them waits.
const CHUNK: usize = 100;

/// Writes many contacts, as [`upsert_contact`] would one after the other in the order given. What can't be taken is
/// refused on its own.
///
/// # Errors
/// [`StoreError::Contended`] as there, and [`StoreError::Late`] where `deadline` passes. The contacts before the one
/// that failed may have been written by then; the same batch again writes the rest.
pub fn upsert_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    given: Vec<ContactFields>,
    deadline: Instant,
) -> Result<Vec<Result<Upserted, ContactError>>, StoreError> {
    let now = now(connection)?;
    let drafts: Vec<_> = given.into_iter().map(|given| ContactDraft::new(given, now)).collect();
    let mut outcomes = Vec::with_capacity(drafts.len());
    for chunk in drafts.chunks(CHUNK) {
        outcomes.extend(attempt(connection, |connection| {
            upsert_chunk(connection, client, chunk, deadline)
        })?);
    }
    Ok(outcomes)
}

fn upsert_chunk(
    connection: &mut PgConnection,
    client: ClientId,
    drafts: &[Result<ContactDraft, ContactError>],
    deadline: Instant,
) -> Result<Vec<Result<Upserted, ContactError>>, StoreError> {
    take_turn(connection, client)?;
    let mut lists = Lists::new(client);
    lists.prepare(connection, drafts.iter().flatten())?;
    drafts
        .iter()
        .map(|draft| match draft {
            _ if Instant::now() > deadline => Err(StoreError::Late),
            Ok(draft) => upsert(connection, &mut lists, draft).map(Ok),
            Err(refusal) => Ok(Err(refusal.clone())),
        })
        .collect()
}

/// The ids of a client's lists, each asked for once; lists that don't exist are made.
struct Lists {
    client: ClientId,
    ids: HashMap<String, i64>,
}

impl Lists {
    fn new(client: ClientId) -> Self {
        let ids = HashMap::new();
        Self { client, ids }
    }

    /// Makes the lists of all drafts before any contact is locked, and in one order: an import does too.
    fn prepare<'a>(
        &mut self,
        connection: &mut PgConnection,
        drafts: impl Iterator<Item = &'a ContactDraft>,
    ) -> Result<(), StoreError> {
        let names: BTreeSet<&str> = drafts
            .filter_map(|draft| draft.given().contact_list.as_deref())
            .collect();
        names
            .into_iter()
            .try_for_each(|name| self.id(connection, name).map(drop))
    }

    fn id(&mut self, connection: &mut PgConnection, name: &str) -> Result<i64, StoreError> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let id = ensure_list(connection, self.client, name)?;
        self.ids.insert(name.to_owned(), id);
        Ok(id)
    }
}

fn upsert(connection: &mut PgConnection, lists: &mut Lists, draft: &ContactDraft) -> Result<Upserted, StoreError> {
    let client = lists.client;
    let given = draft.given();
    let list = given
        .contact_list
        .as_deref()
        .map(|name| lists.id(connection, name))
        .transpose()?;
    let line = given.phone.as_ref().and_then(|phone| phone.key.as_deref());
    let mut is_claimed = false;
    for _ in 0..ATTEMPTS {
        if let Some(found) = find(connection, client, draft)? {
            let Some(present) = lock(connection, client, found.id)? else {
                continue;
            };
            if !found.is_still(&present) {
                continue;
            }
            let mut wanted = present.clone();
            wanted.learn(given, list);
            let outcome = if wanted == present {
                UpsertOutcome::Unchanged
            } else {
                update(connection, client, found.id, &wanted)?;
                UpsertOutcome::Updated
            };
            return Ok(Upserted {
                outcome,
                id: found.id,
                serial_id: found.serial_id,
            });
        }
        let list = list.map_or_else(|| lists.id(connection, DEFAULT_LIST), Ok)?;
        if let Some(line) = line
            && !is_claimed
        {
            claim(connection, client, &[(draft.platform(), line)])?;
            is_claimed = true;
            continue;
        }
        if let Some(created) = insert(connection, client, draft, list)? {
            return Ok(created);
        }
    }
    Err(StoreError::Contended)
}

/// A contact as it was when it was found, not locked yet.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    serial_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    external_user_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
}

impl Found {
    /// Whether the contact still has what it was found by.
    fn is_still(&self, present: &Attributes) -> bool {
        self.external_user_id == present.external_user_id && self.phone == present.phone && self.email == present.email
    }
}

const BY_EXTERNAL_ID: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM contacts
    WHERE client_id = ? AND platform = ? AND external_user_id = ?";

const ADOPTABLE: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM contacts
    WHERE client_id = ? AND platform = ? AND phone = ? AND external_user_id IS NULL";

/// Looked for where an index finds them: by the phone the contact that it identifies, by the match key the others.
const OLDEST_BY_PHONE: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM (
        SELECT id, serial_id, external_user_id, phone, email, created_at
        FROM contacts
        WHERE client_id = ? AND platform = ? AND phone = ? AND external_user_id IS NULL
        UNION ALL
        SELECT id, serial_id, external_user_id, phone, email, created_at
        FROM contacts
        WHERE client_id = ? AND platform = ? AND phone = ? AND phone_key = ? AND external_user_id IS NOT NULL
    ) AS having_phone
    ORDER BY created_at, serial_id
    LIMIT 1";

const OLDEST_BY_EMAIL: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM contacts
    WHERE client_id = ? AND platform = ? AND lower(email) = lower(?)
    ORDER BY created_at, serial_id
    LIMIT 1";

/// The contact that the draft means; the module's documentation says which.
fn find(connection: &mut PgConnection, client: ClientId, draft: &ContactDraft) -> QueryResult<Option<Found>> {
    let given = draft.given();
    let of_channel = |texts: &[&String]| {
        let channel = [Bind::Uuid(client.as_uuid()), Bind::Text(draft.platform().to_owned())];
        let texts = texts.iter().map(|text| Bind::Text((*text).clone()));
        channel.into_iter().chain(texts).collect::<Vec<_>>()
    };
    fn run(
        connection: &mut PgConnection,
        text: impl Fn() -> &'static str + 'static,
        binds: Vec<Bind>,
    ) -> QueryResult<Option<Found>> {
        Statement::new(text, binds).get_result(connection).optional()
    }
    let phone = given.phone.as_ref();
    let phone = phone.and_then(|phone| phone.phone.as_ref().zip(phone.key.as_ref()));
    match (&given.external_user_id, phone, &given.email) {
        (Some(external_id), phone, _) => match (run(connection, || BY_EXTERNAL_ID, of_channel(&[external_id]))?, phone)
        {
            (None, Some((phone, _))) => run(connection, || ADOPTABLE, of_channel(&[phone])),
            (found, _) => Ok(found),
        },
        (None, Some((phone, key)), _) => {
            let mut binds = of_channel(&[phone]);
            binds.extend(of_channel(&[phone, key]));
            run(connection, || OLDEST_BY_PHONE, binds)
        }
        (None, None, Some(email)) => run(connection, || OLDEST_BY_EMAIL, of_channel(&[email])),
        (None, None, None) => Ok(None),
    }
}

/// Makes the contact; `None` where somebody else has just made one of its identity.
fn insert(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
    list: i64,
) -> QueryResult<Option<Upserted>> {
    let given = draft.given();
    let mut attributes = Attributes::blank(list);
    attributes.learn(given, None);
    let id = Uuid::now_v7();
    let serial_id = diesel::insert_into(contacts::table)
        .values((
            contacts::client_id.eq(client.as_uuid()),
            contacts::id.eq(id),
            contacts::platform.eq(draft.platform()),
            given.created_at.map(|at| contacts::created_at.eq(at)),
            attributes,
        ))
        .on_conflict_do_nothing()
        .returning(contacts::serial_id)
        .get_result(connection)
        .optional()?;
    Ok(serial_id.map(|serial_id| Upserted {
        outcome: UpsertOutcome::Created,
        id,
        serial_id,
    }))
}

impl Attributes {
    /// Those of a contact of which nothing is known.
    fn blank(list: i64) -> Self {
        Self {
            contact_list_id: list,
            name: None,
            phone: None,
            phone_key: None,
            phone_as_given: None,
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

    /// Takes over what is given; `list` is the id of the list that it names. A contact keeps the external id that it
    /// has.
    fn learn(&mut self, given: &ContactFields, list: Option<i64>) {
        fn set<T: Clone>(present: &mut Option<T>, said: &Option<T>) {
            if said.is_some() {
                present.clone_from(said);
            }
        }
        if self.external_user_id.is_none() {
            self.external_user_id.clone_from(&given.external_user_id);
        }
        if let Some(phone) = &given.phone {
            self.phone.clone_from(&phone.phone);
            self.phone_key.clone_from(&phone.key);
            self.phone_as_given = Some(phone.as_given.clone());
        }
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
    }
}
